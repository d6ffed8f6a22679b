// @ts-check
/** The conversation's messages as the reader sees them: what is added or taken away there is so here too. */
import { get } from "../lib/elements.js"
import { AnswerView } from "./answer_view.js"
import { daySeparator } from "./days.js"
import { QuestionView } from "./question_view.js"

/** @typedef {import("./conversation.js").Entry} Entry */

export class Transcript {
  #log
  #conversation
  #nameOf
  /** @type {Map<Entry, QuestionView | AnswerView>} */
  #views = new Map()
  /** @type {WeakMap<Element, Entry>} */
  #entries = new WeakMap()
  /** @type {number | undefined} */
  #lastAt

  /**
   * @param {HTMLElement} log
   * @param {import("./conversation.js").Conversation} conversation whose messages the server has rendered already
   * @param {(id: string) => string} nameOf a model's name for people
   * @param {(action: string, entry: Entry, button: HTMLElement) => void} onAction a button of a message was pressed
   */
  constructor(log, conversation, nameOf, onAction) {
    this.#log = log
    this.#conversation = conversation
    this.#nameOf = nameOf
    log.addEventListener("click", (event) => {
      const button = event.target instanceof Element ? event.target.closest("[data-action]") : null
      const entry = this.entryAt(button)
      if (!(button instanceof HTMLElement && entry) || event.ctrlKey || event.metaKey) return
      if (button instanceof HTMLAnchorElement) event.preventDefault()
      onAction(button.dataset.action ?? "", entry, button)
    })
    this.#adopt()
  }

  /** @param {Entry} entry the newest */
  add(entry) {
    this.#conversation.append(entry)
    this.#log.append(...this.#follow(entry), this.#register(entry))
  }

  /** @param {Entry[]} entries that came before the first */
  prepend(entries) {
    this.#conversation.prepend(entries)
    const first = this.#log.querySelector(".message")
    const firstAt = first && this.#entries.get(first)?.at
    const batch = new DocumentFragment()
    /** @type {number | undefined} */
    let lastAt
    for (const entry of entries) {
      batch.append(...daySeparator(entry.at, lastAt), this.#register(entry))
      lastAt = entry.at
    }
    if (firstAt && !daySeparator(firstAt, lastAt).length) this.#log.querySelector(".day")?.remove()
    this.#log.prepend(batch)
  }

  /** Take away an entry and all after it. @param {Entry} entry */
  dropFrom(entry) {
    this.#conversation.dropFrom(entry)
    const element = this.#views.get(entry)?.element
    if (!element) return
    while (element.nextSibling) element.nextSibling.remove()
    element.remove()
    if (this.#log.lastElementChild?.classList.contains("day")) this.#log.lastElementChild.remove()
    for (const [shown, { element }] of this.#views) if (!element.isConnected) this.#views.delete(shown)
    const last = this.#log.querySelector(":scope > .message:last-of-type")
    this.#lastAt = last ? this.#entries.get(last)?.at : undefined
  }

  /** @param {Entry} entry whose content has changed */
  update(entry) {
    this.#views.get(entry)?.update()
  }

  /** @param {Entry} entry @returns {HTMLElement | undefined} */
  elementOf(entry) {
    return this.#views.get(entry)?.element
  }

  /** @param {Element | null} element somewhere in a message @returns {Entry | undefined} */
  entryAt(element) {
    const message = element?.closest(".message")
    return message ? this.#entries.get(message) : undefined
  }

  get lastWithVersions() {
    return this.#conversation.entries.findLast(({ siblings }) => siblings.length > 1)
  }

  /** @param {boolean} isBusy tells screen readers to wait */
  setBusy(isBusy) {
    this.#log.setAttribute("aria-busy", String(isBusy))
  }

  #adopt() {
    for (const day of this.#log.querySelectorAll(".day")) day.remove()
    for (const entry of this.#conversation.entries) {
      const element = get(`#m-${entry.id}`, HTMLElement, this.#log)
      element.before(...this.#follow(entry))
      this.#register(entry, element)
    }
  }

  /** @param {Entry} entry the newest @returns {HTMLElement[]} what stands between it and the one before */
  #follow({ at }) {
    const separator = daySeparator(at, this.#lastAt)
    this.#lastAt = at
    return separator
  }

  /** @param {Entry} entry @param {HTMLElement} [element] the server's own rendering @returns {HTMLElement} */
  #register(entry, element) {
    const view =
      entry.role === "user" ? new QuestionView(entry, element) : new AnswerView(entry, this.#nameOf, element)
    this.#views.set(entry, view)
    this.#entries.set(view.element, entry)
    return view.element
  }
}
