// @ts-check
/** The card that stands where an answer failed: what happened, what was kept, what to do next. */
import { cloneElement, get } from "../lib/elements.js"

/**
 * @typedef {import("./answer.js").Answer} Answer
 * @typedef {import("./answer.js").Problem} Problem
 */

/** Above this a countdown helps nobody; the sentence says it instead. */
const LONGEST_COUNTDOWN_S = 120

export class FailureCard {
  element = cloneElement("failure-template")

  /**
   * @param {Problem} problem
   * @param {Answer} answer what had arrived of it
   */
  constructor(problem, answer) {
    this.#tell(".notice__title", problem.title)
    this.#tell(".failure__detail", problem.detail)
    const kept = answer.text ? "What had arrived is kept above, and so is your message." : "Your message is kept above."
    this.#tell(".failure__kept", kept)
    this.#tell(".failure__reference", problem.request_id ? `Reference: ${problem.request_id}` : "")
    get(".failure__actions", HTMLElement, this.element).append(...this.#buttons(problem))
  }

  /** @param {string} selector @param {string} text */
  #tell(selector, text) {
    const element = get(selector, HTMLElement, this.element)
    element.textContent = text
    element.hidden = !text
  }

  /** @param {Problem} problem @returns {HTMLElement[]} the most likely way out first */
  #buttons(problem) {
    const retry = actionButton("retry", "Retry")
    const edit = actionButton("edit-last", "Edit message")
    const key = problem.code === "provider_auth" ? [actionButton("key", "Change key")] : []
    if (problem.retry_after) countDown(retry, problem.retry_after)
    return problem.retryable ? [retry] : [...key, edit, retry]
  }
}

/** @param {string} action @param {string} label @returns {HTMLButtonElement} */
export function actionButton(action, label) {
  const element = document.createElement("button")
  Object.assign(element, { type: "button", className: "btn btn--small", textContent: label })
  element.dataset.action = action
  return element
}

/** @param {HTMLButtonElement} retry @param {number} seconds until it may be pressed */
function countDown(retry, seconds) {
  if (seconds > LONGEST_COUNTDOWN_S) return
  const end = Date.now() + seconds * 1000
  const tick = () => {
    const left = Math.ceil((end - Date.now()) / 1000)
    retry.disabled = left > 0
    retry.textContent = left > 0 ? `Retry in ${left} s` : "Retry"
    if (left > 0) setTimeout(tick, 250)
  }
  tick()
}
