// @ts-check
/** Keyboard shortcuts. All but Escape and the arrow need a modifier, so that dictation never triggers one. */

/**
 * With Ctrl (⌘ on a Mac); `code` is the key's place, since Shift changes what it types.
 * @type {{ code: string, shift: boolean, command: string }[]}
 */
const WITH_CTRL = [
  { code: "Slash", shift: false, command: "shortcuts" },
  { code: "KeyK", shift: false, command: "search" },
  { code: "Enter", shift: true, command: "retry-last" },
  { code: "Period", shift: true, command: "copy-last" },
  { code: "KeyO", shift: true, command: "new-chat" },
  { code: "Comma", shift: true, command: "settings" },
]

/** @type {boolean} */
const isMac = /Mac|iP(hone|ad)/.test(navigator.platform)

/** @param {(command: string) => boolean} run returns whether there was something to do */
export function listenForShortcuts(run) {
  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.isComposing || document.querySelector("dialog[open]")) return
    const command = commandFor(event)
    if (command && run(command)) event.preventDefault()
  })
  if (isMac) for (const key of document.querySelectorAll("kbd[data-ctrl]")) key.textContent = "⌘"
}

/** @param {KeyboardEvent} event @returns {string | undefined} */
function commandFor(event) {
  if (event.altKey) return undefined
  if (event.key === "Escape") return event.shiftKey ? "focus" : "stop"
  if (event.key === "ArrowUp" && isEmptyComposer(event.target)) return "edit-last"
  if (!(isMac ? event.metaKey : event.ctrlKey)) return undefined
  return WITH_CTRL.find(({ code, shift }) => matches(event, code) && shift === event.shiftKey)?.command
}

/** @param {KeyboardEvent} event @param {string} code */
function matches(event, code) {
  // On a layout where "/" sits elsewhere, what the key types counts too.
  return event.code === code || (code === "Slash" && event.key === "/") || (code === "Enter" && event.key === "Enter")
}

/** @param {EventTarget | null} target */
const isEmptyComposer = (target) =>
  target instanceof HTMLTextAreaElement && target.id === "message" && target.value === ""
