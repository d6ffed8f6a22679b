// @ts-check
/** What stands below a message: when it was written, which version of it this is, what is thought of it. */
import { formatClock, formatExactTime } from "../lib/format.js"
import { clone, get } from "../lib/elements.js"

/** @typedef {import("./conversation.js").Entry} Entry */

/** @param {HTMLElement} element a message @param {number} at milliseconds since the epoch */
export function showClock(element, at) {
  const time = get("time", HTMLTimeElement, element)
  time.dateTime = new Date(at).toISOString()
  time.textContent = formatClock(at)
  time.title = formatExactTime(at)
}

/** @param {HTMLElement} element as the server rendered it, without what only a script can do @param {string} template */
export function equipMessage(element, template) {
  const { childNodes } = get(".message__actions", HTMLElement, clone(template))
  get(".message__actions", HTMLElement, element).append(...childNodes)
}

/** @param {HTMLElement} element a message @param {Entry} entry which the server may have by now */
export function showIdentity(element, entry) {
  const { id, siblings, pinned } = entry
  if (!id) return
  element.id = `m-${id}`
  element.dataset.id = id
  showVersions(element, siblings, siblings.indexOf(id))
  press(element, "pin", pinned)
  if (entry.role === "user") return
  press(element, "up", entry.rating === "up")
  press(element, "down", entry.rating === "down")
}

/** @param {HTMLElement} element @param {string[]} siblings @param {number} index */
function showVersions(element, siblings, index) {
  const versions = element.querySelector(".versions")
  if (!(versions instanceof HTMLElement)) return
  versions.hidden = siblings.length < 2
  get(".versions__count", HTMLElement, versions).textContent = `${index + 1}/${siblings.length}`
  const [previous, next] = versions.querySelectorAll("a")
  point(previous, siblings[index - 1])
  point(next, siblings[index + 1])
}

/** @param {HTMLAnchorElement} link @param {string | undefined} sibling none at either end */
function point(link, sibling) {
  link.search = sibling ? `at=${sibling}` : ""
  link.setAttribute("aria-disabled", String(!sibling))
}

/** @param {HTMLElement} element @param {string} action @param {boolean} isPressed */
const press = (element, action, isPressed) =>
  element.querySelector(`[data-action=${action}]`)?.setAttribute("aria-pressed", String(isPressed))
