// @ts-check
/** Shows what the person wrote, and lets them write it anew. */
import { cloneElement, get } from "../lib/elements.js"
import { isSendKey } from "./send_key.js"
import { showClock } from "./message_time.js"

export class QuestionView {
  element = cloneElement("question-template")
  #bubble = get(".bubble", HTMLElement, this.element)
  #foot = get(".message__foot", HTMLElement, this.element)
  /** @type {HTMLElement | null} */
  #editor = null

  /** @param {import("./conversation.js").Question} question */
  constructor({ id, text, at }) {
    this.element.dataset.id = String(id)
    this.#bubble.textContent = text
    showClock(get("time", HTMLTimeElement, this.element), at)
  }

  /** @param {(text: string) => void} onSend given the new words */
  edit(onSend) {
    if (this.#editor) return
    const editor = cloneElement("editor-template")
    const input = get("textarea", HTMLTextAreaElement, editor)
    input.value = this.#bubble.textContent ?? ""
    // Only for browsers without the style sheet's `field-sizing: content`.
    input.rows = Math.min(12, input.value.split("\n").length)
    editor.addEventListener("submit", (event) => {
      event.preventDefault()
      if (input.value.trim()) onSend(input.value)
    })
    input.addEventListener("keydown", (event) => {
      if (event.key === "Escape") this.cancelEdit()
      else if (isSendKey(event)) editor.dispatchEvent(new Event("submit", { cancelable: true }))
      else return
      event.preventDefault()
      event.stopPropagation()
    })
    this.#show(editor)
    input.focus()
    input.setSelectionRange(input.value.length, input.value.length)
  }

  /** Put the bubble back and the focus where editing began. */
  cancelEdit() {
    this.#show(null)
    get("[data-action=edit]", HTMLElement, this.element).focus()
  }

  /** @param {HTMLElement | null} editor */
  #show(editor) {
    this.#editor?.remove()
    this.#editor = editor
    if (editor) this.#bubble.before(editor)
    this.#bubble.hidden = this.#foot.hidden = editor !== null
  }
}
