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
  /** @type {string[]} */
  #details = []

  /** @param {HTMLElement} element */
  constructor(element) {
    this.#element = element
    this.#text = get(".gauge__text", HTMLElement, element)
  }

  /**
   * @param {import("./answer.js").Answer | undefined} answer the last one that told how much was in use
   * @param {number | null} window of the model, in tokens; null is unknown
   */
  setConversation(answer, window) {
    const { used_tokens, memory_tokens, summarised_messages } = answer?.context ?? {}
    this.#used = used_tokens ?? answer?.usage?.total_tokens ?? 0
    this.#window = window ?? answer?.context?.window ?? null
    this.#details = []
    if (memory_tokens) this.#details.push(`${formatUnits(memory_tokens, "token")} of memory`)
    if (summarised_messages) this.#details.push(`${formatUnits(summarised_messages, "message")} summarised`)
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
    const fullness = this.#window
      ? `${formatCount(used)} of ${formatUnits(this.#window, "token")} (${formatShare(share)})`
      : `${formatUnits(used, "token")}; how many fit is not known`
    const words = [fullness, ...this.#details].join(" · ")
    this.#element.setAttribute("aria-valuenow", String(percent))
    this.#element.setAttribute("aria-valuetext", words)
    this.#element.title = `Context used: ${words}`
    this.#element.style.setProperty("--fill", String(used ? Math.max(share * 100, LEAST_ARC) : 0))
    this.#element.classList.toggle("gauge--full", share >= NEARLY_FULL)
    this.#element.classList.toggle("gauge--unknown", !this.#window)
    this.#text.textContent = this.#window ? formatShare(share) : formatShortCount(used)
  }
}
