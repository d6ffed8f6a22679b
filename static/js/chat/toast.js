// @ts-check
/** A short message at the edge of the page, with at most one thing to do about it. One at a time. */
import { get } from "../lib/elements.js"

/** @typedef {{ text: string, action?: { label: string, run: () => void } }} Toast */

const SHOWN_MS = 10_000
const UNDO = "Undo"

const toast = get("#toast", HTMLElement)
const text = get(".toast__text", HTMLElement, toast)
const button = get(".toast__action", HTMLButtonElement, toast)
const close = get(".toast__close", HTMLButtonElement, toast)
/** @type {Toast["action"]} */
let action
/** @type {number | undefined} */
let timer

/** @param {Toast} message takes the place of the one before it */
export function showToast(message) {
  moveIntoSight()
  action = message.action
  text.textContent = message.text
  button.hidden = !action
  button.textContent = action?.label ?? ""
  button.title = action?.label === UNDO ? `${UNDO} (Ctrl+Z)` : ""
  close.hidden = false
  toast.dataset.shown = ""
  restart()
}

export function hideToast() {
  clearTimeout(timer)
  action = undefined
  delete toast.dataset.shown
  text.textContent = ""
  button.hidden = close.hidden = true
}

function act() {
  const { run } = action ?? {}
  hideToast()
  run?.()
}

function restart() {
  clearTimeout(timer)
  timer = setTimeout(hideToast, SHOWN_MS)
}

/** An open dialog makes everything outside it inert. */
function moveIntoSight() {
  const dialogs = document.querySelectorAll("dialog[open]")
  const host = dialogs[dialogs.length - 1] ?? document.body
  if (toast.parentElement !== host) host.append(toast)
  if (host !== document.body) host.addEventListener("close", moveIntoSight, { once: true })
}

/** @param {EventTarget | null} target whose own text Ctrl+Z would change */
function hasText(target) {
  return (target instanceof HTMLInputElement || target instanceof HTMLTextAreaElement) && target.value !== ""
}

button.addEventListener("click", act)
close.addEventListener("click", hideToast)
// It does not go away under the hand that reaches for it.
for (const type of ["pointerenter", "focusin"]) toast.addEventListener(type, () => clearTimeout(timer))
for (const type of ["pointerleave", "focusout"]) toast.addEventListener(type, () => action && restart())
document.addEventListener("keydown", (event) => {
  const isUndo = (event.ctrlKey || event.metaKey) && !event.shiftKey && !event.altKey && event.key.toLowerCase() === "z"
  if (!isUndo || action?.label !== UNDO || event.defaultPrevented || hasText(event.target)) return
  event.preventDefault()
  act()
})
