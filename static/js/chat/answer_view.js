// @ts-check
/** Shows one answer, from the first dot of waiting to its cost. */
import { cloneElement, get, sanitisedFragment } from "../lib/elements.js"
import { formatUnits } from "../lib/format.js"
import { isArriving } from "./answer.js"
import { equipCode } from "./code_blocks.js"
import { FailureCard, actionButton } from "./failure_card.js"
import { equipMessage, showClock, showIdentity } from "./message_foot.js"
import { RestView } from "./rest_view.js"
import { usageDetails, usageLine } from "./usage.js"

/** @typedef {import("./answer.js").Answer} Answer */

const STOPPED = "You stopped this answer. What had arrived is kept."
const INTERRUPTED = "The server stopped in the middle of this answer. What had arrived is kept."
/** After so long the waiting line counts the seconds. */
const LONG_WAIT_MS = 4_000

export class AnswerView {
  #answer
  #nameOf
  #prose
  #notes
  #foot
  #rest
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
   * @param {HTMLElement} [element] the server's own rendering, which then stands as it is
   */
  constructor(answer, nameOf, element) {
    this.#answer = answer
    this.#nameOf = nameOf
    this.element = element ?? cloneElement("answer-template")
    this.#prose = get(".prose", HTMLElement, this.element)
    this.#notes = get(".message__notes", HTMLElement, this.element)
    this.#foot = get(".message__foot", HTMLElement, this.element)
    this.#rest = new RestView(this.#prose)
    if (element) this.#adopt()
    showClock(this.element, answer.at)
    this.update()
  }

  #adopt() {
    equipMessage(this.element, "answer-template")
    equipCode(this.#prose)
    this.#notes.replaceChildren()
    this.#answer.rest = ""
    this.#answer.blocks = this.#blocks = this.#shown = []
  }

  /** Show what the answer has become. */
  update() {
    const arriving = isArriving(this.#answer)
    this.#prose.setAttribute("aria-busy", String(arriving))
    this.#showBlocks()
    this.#rest.show(this.#answer.rest, this.#answer.state === "streaming")
    this.#showWaiting()
    this.#foot.hidden = arriving
    showIdentity(this.element, this.#answer)
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
    const { state, isReconnecting } = this.#answer
    if (!isReconnecting && state !== "waiting") {
      this.#waiting?.remove()
      this.#waiting = null
    } else if (!this.#waiting) {
      this.#waiting = cloneElement("waiting-template")
      this.#prose.after(this.#waiting)
      this.#keepCounting(this.#waiting)
    }
    if (this.#waiting) get(".waiting__text", HTMLElement, this.#waiting).textContent = this.#waitingText
  }

  /** @param {HTMLElement} waiting */
  #keepCounting(waiting) {
    setTimeout(() => {
      if (this.#waiting !== waiting) return
      this.#showWaiting()
      this.#keepCounting(waiting)
    }, 1000)
  }

  get #waitingText() {
    const { model, at, isReconnecting, stage } = this.#answer
    if (isReconnecting) return navigator.onLine ? "Reconnecting…" : "Waiting for the connection…"
    if (stage === "summarising") return "Summarising earlier messages…"
    const waited_ms = Date.now() - at
    const seconds = waited_ms >= LONG_WAIT_MS ? ` ${Math.round(waited_ms / 1000)} s` : ""
    return `Waiting for ${this.#nameOf(model) || "an answer"}…${seconds}`
  }

  #conclude() {
    const answer = this.#answer
    const usage = get(".message__usage", HTMLElement, this.element)
    usage.textContent = answer.text ? usageLine(answer, this.#nameOf(answer.model)) : ""
    usage.title = usageDetails(answer)
    this.element.classList.toggle("message--empty", !answer.text)
    this.#notes.replaceChildren(...notesOf(answer).map(note))
    const { state, finish_reason, text } = answer
    if (finish_reason === "length" || (state === "interrupted" && text)) this.#offer("continue", "Continue")
    else if (state === "interrupted") this.#offer("retry", "Answer again")
    if (state === "failed" && answer.problem) this.#notes.append(new FailureCard(answer.problem, answer).element)
  }

  /** @param {string} action @param {string} label of a button beside the last note */
  #offer(action, label) {
    this.#notes.lastElementChild?.append(actionButton(action, label))
  }
}

/** @param {Answer} answer @returns {string[]} what a reader must know about it, how it ended last */
function notesOf({ notices, context, state, text, finish_reason, isUnsaved }) {
  const notes = [...notices]
  const omitted = context?.omitted_messages ?? 0
  if (omitted) notes.push(`${formatUnits(omitted, "earlier message")} did not fit the model's context and stayed out.`)
  if (isUnsaved) notes.push("This answer could not be saved on the server.")
  if (state === "stopped") notes.push(text ? STOPPED : "You stopped this answer before it began.")
  if (state === "interrupted") notes.push(text ? INTERRUPTED : "The server stopped before this answer began.")
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
