// @ts-check
/** Shows one answer, from the first dot of waiting to its cost. */
import { cloneElement, get, sanitisedFragment } from "../lib/elements.js"
import { formatUnits } from "../lib/format.js"
import { isArriving } from "./answer.js"
import { equipCode } from "./code_blocks.js"
import { FailureCard } from "./failure_card.js"
import { showClock } from "./message_time.js"
import { RestView } from "./rest_view.js"
import { usageDetails, usageLine } from "./usage.js"

/** @typedef {import("./answer.js").Answer} Answer */

/** After so long the waiting line counts the seconds. */
const LONG_WAIT_MS = 4_000

export class AnswerView {
  element = cloneElement("answer-template")
  #answer
  #nameOf
  #prose = get(".prose", HTMLElement, this.element)
  #notes = get(".message__notes", HTMLElement, this.element)
  #foot = get(".message__foot", HTMLElement, this.element)
  #rest = new RestView(this.#prose)
  /** @type {HTMLElement | null} */
  #waiting = null
  /** @type {string[] | null} */
  #blocks = null
  /** @type {string[]} */
  #shown = []
  /** @type {ChildNode[]} */
  #last = []

  /**
   * @param {Answer} answer
   * @param {(id: string) => string} nameOf a model's name for people
   */
  constructor(answer, nameOf) {
    this.#answer = answer
    this.#nameOf = nameOf
    this.element.dataset.id = String(answer.id)
    showClock(get("time", HTMLTimeElement, this.element), answer.at)
    this.update()
  }

  /** Show what the answer has become. */
  update() {
    const arriving = isArriving(this.#answer)
    this.#prose.setAttribute("aria-busy", String(arriving))
    this.#showBlocks()
    this.#rest.show(this.#answer.rest, this.#answer.state === "streaming")
    this.#showWaiting()
    this.#foot.hidden = arriving
    if (!arriving) this.#conclude()
  }

  /** Blocks are added, and the last one may be replaced while it grows; only a whole new answer replaces others. */
  #showBlocks() {
    const { blocks } = this.#answer
    if (blocks !== this.#blocks) {
      this.#prose.replaceChildren()
      this.#rest.remove()
      this.#blocks = blocks
      this.#shown = []
    }
    const last = this.#shown.length - 1
    if (last >= 0 && blocks[last] !== this.#shown[last]) {
      for (const node of this.#last) node.remove()
      this.#shown.pop()
    }
    if (this.#shown.length === blocks.length) return
    this.#rest.remove()
    for (const html of blocks.slice(this.#shown.length)) {
      const content = sanitisedFragment(html ?? "")
      equipCode(content)
      this.#last = [...content.childNodes]
      this.#prose.append(content)
      this.#shown.push(html)
    }
  }

  #showWaiting() {
    if (this.#answer.state !== "waiting") {
      this.#waiting?.remove()
      this.#waiting = null
      return
    }
    if (!this.#waiting) {
      this.#waiting = cloneElement("waiting-template")
      this.#prose.before(this.#waiting)
      this.#tellWaiting()
    }
  }

  #tellWaiting() {
    const { model, at, state } = this.#answer
    if (!this.#waiting || state !== "waiting") return
    const waited_ms = Date.now() - at
    const seconds = waited_ms >= LONG_WAIT_MS ? ` ${Math.round(waited_ms / 1000)} s` : ""
    const whom = this.#nameOf(model) || "an answer"
    get(".waiting__text", HTMLElement, this.#waiting).textContent = `Waiting for ${whom}…${seconds}`
    setTimeout(() => this.#tellWaiting(), 1000)
  }

  #conclude() {
    const answer = this.#answer
    const usage = get(".message__usage", HTMLElement, this.element)
    usage.textContent = answer.text ? usageLine(answer, this.#nameOf(answer.model)) : ""
    usage.title = usageDetails(answer)
    this.element.classList.toggle("message--empty", !answer.text)
    this.#notes.replaceChildren(...notesOf(answer).map(note))
    if (answer.finish_reason === "length") this.#notes.lastElementChild?.append(continueButton())
    if (answer.problem) this.#notes.append(new FailureCard(answer.problem, answer).element)
  }
}

/** @param {Answer} answer @returns {string[]} what a reader must know about it, how it ended last */
function notesOf({ notices, context, left_out = 0, state, text, finish_reason }) {
  const notes = [...notices]
  const omitted = (context?.omitted_messages ?? 0) + left_out
  if (omitted) notes.push(`${formatUnits(omitted, "earlier message")} did not fit the model's context and stayed out.`)
  if (state === "stopped" && text) notes.push("You stopped this answer. What had arrived is kept.")
  if (state === "stopped" && !text) notes.push("You stopped this answer before it began.")
  if (state === "cut") notes.push("This answer was cut off before it was finished.")
  if (finish_reason === "content_filter") notes.push("The provider's content filter ended this answer.")
  if (finish_reason === "length") notes.push("Answer cut at the length limit.")
  return notes
}

/** @param {string} text @returns {HTMLElement} */
function note(text) {
  const element = cloneElement("note-template")
  get(".note__text", HTMLElement, element).textContent = text
  return element
}

/** @returns {HTMLElement} */
function continueButton() {
  const button = document.createElement("button")
  Object.assign(button, { type: "button", className: "btn btn--small", textContent: "Continue" })
  button.dataset.action = "continue"
  return button
}
