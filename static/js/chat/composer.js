// @ts-check
/** The field a message is written in, its Send and Stop, and the draft that outlives the page. */
import { get } from "../lib/elements.js"
import { isSendKey } from "./send_key.js"

export class Composer {
  #form = get("#composer", HTMLFormElement)
  #input = get("#message", HTMLTextAreaElement)
  #send = get("#send", HTMLButtonElement)
  #stop = get("#stop", HTMLButtonElement)
  #draft
  #maxChars
  #onText

  /**
   * @param {object} options
   * @param {import("./drafts.js").Draft} options.draft
   * @param {number} options.maxChars longer messages cannot be sent
   * @param {(text: string) => void} options.onText told of each change
   * @param {(text: string) => void} options.onSend given what may be sent
   */
  constructor({ draft, maxChars, onText, onSend }) {
    this.#draft = draft
    this.#maxChars = maxChars
    this.#onText = onText
    // The browser's own bubble for an empty field is only of use without a script.
    this.#form.noValidate = true
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault()
      if (this.#canSend) onSend(this.text)
    })
    this.#input.addEventListener("input", () => this.#changed())
    this.#input.addEventListener("keydown", (event) => {
      if (!isSendKey(event)) return
      event.preventDefault()
      if (this.#canSend) onSend(this.text)
    })
    this.text = this.#input.value || draft.text
  }

  get text() {
    return this.#input.value
  }

  set text(text) {
    this.#input.value = text
    this.#changed()
  }

  /** Make room for the next message; what was written stays in the draft until `keepDraft`. */
  empty() {
    this.#input.value = ""
    this.#show()
  }

  /** From now on the draft is what stands here: the server has what was sent. */
  keepDraft() {
    this.#draft.keep(this.text)
  }

  get hasFocus() {
    return document.activeElement === this.#input
  }

  /** @param {boolean} isBusy an answer is arriving: Stop stands where Send was */
  setBusy(isBusy) {
    const hadFocus = document.activeElement === this.#send || document.activeElement === this.#stop
    this.#send.hidden = isBusy
    this.#stop.hidden = !isBusy
    if (hadFocus) this.focus()
    this.#showSendable()
  }

  focus() {
    this.#input.focus({ preventScroll: true })
  }

  get #canSend() {
    return !this.#send.hidden && this.text.trim() !== "" && this.text.length <= this.#maxChars
  }

  #changed() {
    this.keepDraft()
    this.#show()
  }

  #show() {
    this.#showSendable()
    this.#fitHeight()
    this.#onText(this.text)
  }

  #showSendable() {
    this.#send.setAttribute("aria-disabled", String(!this.#canSend))
  }

  /** Only where the style sheet's `field-sizing: content` is not known. */
  #fitHeight() {
    if (CSS.supports("field-sizing", "content")) return
    this.#input.style.setProperty("block-size", "auto")
    this.#input.style.setProperty("block-size", `${this.#input.scrollHeight}px`)
  }
}
