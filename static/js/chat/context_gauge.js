// @ts-check
/** How full the model's context is: what the last answer reported, and what waits in the composer. */
import { formatCount, formatShare, formatShortCount, formatUnits } from "../lib/format.js"
import { get } from "../lib/elements.js"

/** From this share on the gauge warns. */
const NEARLY_FULL = 0.8
/** The shortest arc, in percent, that still looks like one. */
const LEAST_ARC = 2

export class ContextGauge {
  #element
  #text
  #used = 0
  #draft = 0
  /** @type {number | null} */
  #window = null

  /** @param {HTMLElement} element */
  constructor(element) {
    this.#element = element
    this.#text = get(".gauge__text", HTMLElement, element)
  }

  /** @param {number} tokens in the conversation @param {number | null} window in tokens; null is unknown */
  setConversation(tokens, window) {
    this.#used = tokens
    this.#window = window
    this.#show()
  }

  /** @param {number} tokens in the message that is being written */
  setDraft(tokens) {
    this.#draft = tokens
    this.#show()
  }

  #show() {
    const used = this.#used + this.#draft
    const share = this.#window ? Math.min(1, used / this.#window) : 0
    const percent = Math.round(share * 100)
    const words = this.#window
      ? `${formatCount(used)} of ${formatUnits(this.#window, "token")} (${formatShare(share)})`
      : `${formatUnits(used, "token")}; how many fit is not known`
    this.#element.setAttribute("aria-valuenow", String(percent))
    this.#element.setAttribute("aria-valuetext", words)
    this.#element.title = `Context used: ${words}`
    this.#element.style.setProperty("--fill", String(used ? Math.max(share * 100, LEAST_ARC) : 0))
    this.#element.classList.toggle("gauge--full", share >= NEARLY_FULL)
    this.#element.classList.toggle("gauge--unknown", !this.#window)
    this.#text.textContent = this.#window ? formatShare(share) : formatShortCount(used)
  }
}
