// @ts-check
/** Says quietly how long the message in the composer is, and what sending it costs at the least. */
import { formatCost, formatCount, formatUnits } from "../lib/format.js"
import { countTokens } from "./api.js"

/**
 * @typedef {import("./api.js").Model} Model
 * @typedef {object} Options
 * @property {number} maxChars
 * @property {() => Model} model
 * @property {() => string | null} key
 * @property {(tokens: number) => void} onTokens
 */

/** Counting waits until the person pauses. */
const PAUSE_MS = 350
/** From this share of the limit on, the limit is named. */
const NEAR_LIMIT = 0.8

export class Counter {
  #element
  #maxChars
  #model
  #key
  #onTokens
  #turn = new AbortController()
  /** @type {number | undefined} */
  #timer

  /** @param {HTMLElement} element @param {Options} options */
  constructor(element, { maxChars, model, key, onTokens }) {
    this.#element = element
    this.#maxChars = maxChars
    this.#model = model
    this.#key = key
    this.#onTokens = onTokens
  }

  /** @param {string} text */
  count(text) {
    clearTimeout(this.#timer)
    this.#turn.abort()
    this.#turn = new AbortController()
    const isTooLong = text.length > this.#maxChars
    this.#element.classList.toggle("counter--over", isTooLong)
    this.#element.textContent = text ? this.#characters(text) : ""
    if (!text) this.#onTokens(0)
    if (!text.trim() || isTooLong) return
    const { signal } = this.#turn
    this.#timer = setTimeout(() => this.#countTokens(text, signal), PAUSE_MS)
  }

  /** @param {string} text @param {AbortSignal} signal */
  async #countTokens(text, signal) {
    const model = this.#model()
    // Offline, or stopped by the next key press: the characters are shown, and that must do.
    const count = await countTokens(text, model.id, { signal, key: this.#key() }).catch(() => null)
    if (!count || signal.aborted) return
    const about = count.estimated ? "~" : ""
    const price = model.input_usd_per_million ?? 0
    const cost = price > 0 ? ` · from ${formatCost((count.tokens * price) / 1e6)}` : ""
    this.#element.textContent = `${about}${formatUnits(count.tokens, "token")} · ${this.#characters(text)}${cost}`
    this.#onTokens(count.tokens)
  }

  /** @param {string} text */
  #characters(text) {
    if (text.length <= this.#maxChars * NEAR_LIMIT) return formatUnits(text.length, "character")
    const over = text.length - this.#maxChars
    const limit = `${formatCount(text.length)} of ${formatUnits(this.#maxChars, "character")}`
    return over > 0 ? `${limit}: ${formatCount(over)} too many` : limit
  }
}
