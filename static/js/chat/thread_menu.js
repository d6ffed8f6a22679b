// @ts-check
/** The menu of one conversation in the list. */
import { get } from "../lib/elements.js"
import { change, remove, toggleArchived } from "./thread_actions.js"

/**
 * @typedef {import("./threads_list.js").Conversation} Conversation
 * @typedef {import("./threads_list.js").ThreadList} ThreadList
 */

const EDGE_PX = 8

const menu = get("#thread-menu", HTMLElement)
/** @type {HTMLElement | null} */
let opener = null
/** @type {(action: string) => void} */
let choose = () => {}

/** @param {ThreadList} list @param {HTMLElement} button of the conversation */
export function toggleMenu(list, button) {
  const conversation = list.conversationAt(button)
  const isOpen = opener === button
  close()
  if (isOpen || !conversation) return
  choose = (action) => void run(action, list, conversation)
  opener = button
  button.setAttribute("aria-expanded", "true")
  label("pin", conversation.pinned ? "Unpin" : "Pin")
  label("archive", conversation.archived ? "Unarchive" : "Archive")
  get("[data-action=print]", HTMLAnchorElement, menu).href = `/chat/${conversation.id}/print`
  menu.ariaLabel = button.ariaLabel
  menu.showPopover()
  placeBeside(button)
  items()[0]?.focus()
}

/** @param {string} action @param {ThreadList} list @param {Conversation} conversation */
async function run(action, list, conversation) {
  // It may have changed while the menu was open.
  const current = list.find(conversation.id) ?? conversation
  if (action === "rename") return (await import("./thread_rename.js")).rename(list, current)
  if (action === "pin") return change(list, current, { pinned: !current.pinned })
  if (action === "archive") return toggleArchived(list, current)
  if (action === "delete") return remove(list, current)
  if (action === "folder" || action === "tags") return (await import("./thread_labels.js")).edit(list, current, action)
}

/** @param {{ giveFocusBack?: boolean }} [options] */
function close({ giveFocusBack = false } = {}) {
  if (!opener) return
  menu.hidePopover()
  opener.setAttribute("aria-expanded", "false")
  if (giveFocusBack) opener.focus()
  opener = null
}

/** @param {HTMLElement} button */
function placeBeside(button) {
  const isRightToLeft = getComputedStyle(menu).direction === "rtl"
  const at = button.getBoundingClientRect()
  const { width, height } = menu.getBoundingClientRect()
  const left = isRightToLeft ? at.right - width : at.left
  const top = at.bottom + height + EDGE_PX > innerHeight ? at.top - height : at.bottom
  menu.style.setProperty("left", `${Math.max(EDGE_PX, Math.min(left, innerWidth - width - EDGE_PX))}px`)
  menu.style.setProperty("top", `${Math.max(EDGE_PX, top)}px`)
}

/** @param {string} action @param {string} text */
function label(action, text) {
  get(`[data-action=${action}] span`, HTMLElement, menu).textContent = text
}

/** @returns {HTMLElement[]} */
const items = () => [...menu.querySelectorAll("[role=menuitem]")].filter((each) => each instanceof HTMLElement)

/** @param {KeyboardEvent} event */
function move(event) {
  const all = items()
  const index = all.findIndex((each) => each === document.activeElement)
  const targets = { ArrowDown: index + 1, ArrowUp: index - 1, Home: 0, End: -1 }
  const target = targets[/** @type {keyof typeof targets} */ (event.key)]
  if (target === undefined) return
  event.preventDefault()
  all.at(target % all.length)?.focus()
}

menu.addEventListener("keydown", (event) => {
  if (event.key === "Tab") return close({ giveFocusBack: true })
  if (event.key !== "Escape") return move(event)
  event.stopPropagation() // it would stop the answer as well
  close({ giveFocusBack: true })
})
menu.addEventListener("click", ({ target }) => {
  const item = target instanceof Element ? target.closest("[data-action]") : null
  if (!(item instanceof HTMLElement)) return
  close({ giveFocusBack: true })
  choose(item.dataset.action ?? "")
})
document.addEventListener("pointerdown", ({ target }) => {
  if (target instanceof Node && !menu.contains(target) && !opener?.contains(target)) close()
})
get(".threads__scroll", HTMLElement).addEventListener("scroll", () => close(), { passive: true })
addEventListener("resize", () => close())
