// @ts-check
/** Copy buttons: `<button data-copy="#id">` copies the text of that element; `data-copy` alone its value. */

const SHOWN_MS = 2000

/**
 * Put text on the clipboard, also where the clipboard API is missing (pages served over plain http).
 *
 * @param {string} text
 * @returns {Promise<boolean>} whether it is there now
 */
export async function copyText(text) {
  try {
    await navigator.clipboard.writeText(text)
    return true
  } catch {
    return copyBySelection(text)
  }
}

/** @param {string} text */
function copyBySelection(text) {
  const focused = document.activeElement
  const field = document.createElement("textarea")
  field.value = text
  field.className = "visually-hidden"
  // An open dialog makes everything outside it inert.
  ;(focused?.closest("dialog") ?? document.body).append(field)
  field.select()
  const done = document.execCommand("copy")
  field.remove()
  if (focused instanceof HTMLElement) focused.focus()
  return done
}

/**
 * Show on a copy button that it worked, and say so to those who do not see it.
 *
 * @param {HTMLElement} button
 * @param {boolean} copied
 */
export function showCopied(button, copied) {
  say(copied ? "Copied." : "Your browser did not allow copying. Select the text and press Ctrl+C.")
  if (!copied) return
  button.dataset.copied = ""
  setTimeout(() => delete button.dataset.copied, SHOWN_MS)
}

/** Make every `[data-copy]` button of the page work, now and later. */
export function enableCopyButtons() {
  statusRegion()
  document.addEventListener("click", async (event) => {
    if (!(event.target instanceof Element)) return
    const button = event.target.closest("[data-copy]")
    if (button instanceof HTMLElement) showCopied(button, await copyText(textFor(button)))
  })
}

/** @param {HTMLElement} button */
function textFor(button) {
  const wanted = button.dataset.copy ?? ""
  if (!wanted.startsWith("#")) return wanted
  return document.getElementById(wanted.slice(1))?.textContent?.trim() ?? ""
}

/** @param {string} sentence */
function say(sentence) {
  const region = statusRegion()
  // The same sentence twice in a row is only announced when the region was empty in between.
  region.textContent = ""
  requestAnimationFrame(() => (region.textContent = sentence))
}

/** A region must be in the page before it is filled, or its first message goes unheard. */
function statusRegion() {
  const existing = document.getElementById("copy-status")
  if (existing) return existing
  const region = document.createElement("div")
  region.id = "copy-status"
  region.className = "visually-hidden"
  region.setAttribute("role", "status")
  document.body.append(region)
  return region
}
