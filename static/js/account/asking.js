// @ts-check
/** One question before something is done that cannot be undone, or that needs a name. */
import { get } from "../lib/elements.js"

/**
 * @param {{ title: string, text: string, yes: string, isDanger?: boolean,
 *   field?: { label: string, value: string } }} question
 * @returns {Promise<string | null>} what stands in the field, "" without one; null for no
 */
export function ask({ title, text, yes, isDanger = false, field }) {
  const dialog = get("#ask", HTMLDialogElement)
  const button = get("#ask-yes", HTMLButtonElement)
  const input = get("#ask-input", HTMLInputElement)
  get("#ask-title", HTMLElement).textContent = title
  get("#ask-text", HTMLElement).textContent = text
  button.textContent = yes
  button.className = `btn ${isDanger ? "btn--danger" : "btn--primary"}`
  get("#ask-field", HTMLElement).hidden = !field
  get("label[for=ask-input]", HTMLElement).textContent = field?.label ?? ""
  input.value = field?.value ?? ""
  input.required = Boolean(field)
  dialog.returnValue = ""
  dialog.showModal()
  if (field) input.select()
  return new Promise((resolve) => {
    const settle = () => resolve(dialog.returnValue === "yes" ? input.value.trim() : null)
    dialog.addEventListener("close", settle, { once: true })
  })
}

/** Make the buttons work that close a dialog, and a click beside one. */
export function listenForDialogs() {
  document.addEventListener("click", ({ target }) => {
    if (!(target instanceof Element)) return
    if (target.closest("[data-close]")) target.closest("dialog")?.close()
    // A click beside a dialog's box lands on the dialog itself.
    if (target instanceof HTMLDialogElement) target.close()
  })
}
