// @ts-check
/** Lets the person write a message of theirs anew. */
import { cloneElement, get } from "../lib/elements.js"
import { isSendKey } from "./send_key.js"

/**
 * @param {HTMLElement} message a question
 * @param {(text: string) => void} onSend given the new words
 */
export function editQuestion(message, onSend) {
  if (message.querySelector(".editor")) return
  const bubble = get(".bubble", HTMLElement, message)
  const editor = cloneElement("editor-template")
  const input = get("textarea", HTMLTextAreaElement, editor)
  input.value = bubble.textContent ?? ""
  // Only for browsers without the style sheet's `field-sizing: content`.
  input.rows = Math.min(12, input.value.split("\n").length)
  editor.addEventListener("submit", (event) => {
    event.preventDefault()
    if (input.value.trim()) onSend(input.value)
  })
  input.addEventListener("keydown", (event) => {
    if (event.key === "Escape") cancelEdit(message)
    else if (isSendKey(event)) editor.dispatchEvent(new Event("submit", { cancelable: true }))
    else return
    event.preventDefault()
    event.stopPropagation()
  })
  bubble.before(editor)
  bubble.hidden = true
  get(".message__foot", HTMLElement, message).hidden = true
  input.focus()
  input.setSelectionRange(input.value.length, input.value.length)
}

/** Put the bubble back and the focus where editing began. @param {HTMLElement} message */
export function cancelEdit(message) {
  message.querySelector(".editor")?.remove()
  get(".bubble", HTMLElement, message).hidden = false
  get(".message__foot", HTMLElement, message).hidden = false
  get("[data-action=edit]", HTMLElement, message).focus()
}
