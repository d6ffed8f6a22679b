// @ts-check
/** The list of messages as the reader sees it. */
import { AnswerView } from "./answer_view.js"
import { daySeparator } from "./message_time.js"
import { QuestionView } from "./question_view.js"

/** @typedef {import("./conversation.js").Entry} Entry */

export class Transcript {
  #log
  #nameOf
  /** @type {Map<number, QuestionView | AnswerView>} */
  #views = new Map()
  /** @type {number | undefined} */
  #lastAt

  /**
   * @param {HTMLElement} log
   * @param {(id: string) => string} nameOf a model's name for people
   * @param {(action: string, id: number, button: HTMLElement) => void} onAction a button of a message was pressed
   */
  constructor(log, nameOf, onAction) {
    this.#log = log
    this.#nameOf = nameOf
    log.addEventListener("click", (event) => {
      const button = event.target instanceof Element ? event.target.closest("[data-action]") : null
      const message = button?.closest(".message")
      if (!(button instanceof HTMLElement && message instanceof HTMLElement)) return
      onAction(button.dataset.action ?? "", Number(message.dataset.id), button)
    })
  }

  /** @param {readonly Entry[]} entries */
  show(entries) {
    this.#log.replaceChildren()
    this.#views.clear()
    this.#lastAt = undefined
    for (const entry of entries) this.add(entry)
  }

  /** @param {Entry} entry */
  add(entry) {
    const view = entry.role === "user" ? new QuestionView(entry) : new AnswerView(entry, this.#nameOf)
    this.#views.set(entry.id, view)
    this.#log.append(...[daySeparator(entry.at, this.#lastAt), view.element].filter((node) => node !== null))
    this.#lastAt = entry.at
  }

  /**
   * Take away an entry and all after it.
   * @param {number} id
   * @param {number | undefined} lastAt when the message was written that is the last one now
   */
  dropFrom(id, lastAt) {
    const element = this.#views.get(id)?.element
    if (!element) return
    while (element.nextSibling) element.nextSibling.remove()
    element.remove()
    if (this.#log.lastElementChild?.classList.contains("day")) this.#log.lastElementChild.remove()
    for (const key of this.#views.keys()) if (key >= id) this.#views.delete(key)
    this.#lastAt = lastAt
  }

  /** @param {Entry} entry whose content has changed */
  update(entry) {
    const view = this.#views.get(entry.id)
    if (view instanceof AnswerView) view.update()
  }

  /**
   * @param {number} id
   * @param {(text: string) => void} onSend given the new words
   * @returns {HTMLElement | undefined} the message that is being edited
   */
  edit(id, onSend) {
    const view = this.#views.get(id)
    if (!(view instanceof QuestionView)) return undefined
    view.edit(onSend)
    return view.element
  }

  /** @param {boolean} isBusy tells screen readers to wait */
  setBusy(isBusy) {
    this.#log.setAttribute("aria-busy", String(isBusy))
  }
}
