// @ts-check
/** Lists of an account's things: what each is, what is known of it, what can be done with it. */
import { cloneElement, get } from "../lib/elements.js"

/**
 * @typedef {{ label: string, run: () => void, isDanger?: boolean, name?: string }} RowAction  `name` says it to those
 *   who do not see the row around it
 * @typedef {{ title: string, badges?: ([string, string?])[], facts: (string | null | undefined | false)[],
 *   actions?: RowAction[] }} Row  badges: text and kind
 */

/** @param {Row} row @returns {HTMLElement} */
export function newRow({ title, badges = [], facts, actions = [] }) {
  const row = cloneElement("row-template")
  get(".row-item__name", HTMLElement, row).textContent = title
  get(".row-item__title", HTMLElement, row).append(...badges.map(([text, kind]) => newBadge(text, kind)))
  get(".row-item__facts", HTMLElement, row).textContent = facts.filter(Boolean).join(" · ")
  get(".row-item__actions", HTMLElement, row).append(...actions.map((action) => newButton(action, title)))
  return row
}

/** @param {string} listId @param {string | null} emptyId @param {HTMLElement[]} rows */
export function showRows(listId, emptyId, rows) {
  get(`#${listId}`, HTMLElement).replaceChildren(...rows)
  if (emptyId) get(`#${emptyId}`, HTMLElement).hidden = rows.length > 0
}

/** @param {string} text @param {string} [kind] */
export function newBadge(text, kind) {
  const badge = document.createElement("span")
  badge.className = kind ? `badge badge--${kind}` : "badge"
  badge.textContent = text
  return badge
}

/** @param {RowAction} action @param {string} title */
function newButton({ label, run, isDanger, name }, title) {
  const button = document.createElement("button")
  Object.assign(button, { type: "button", className: `btn btn--small${isDanger ? " btn--danger" : ""}` })
  button.textContent = label
  button.ariaLabel = name ?? `${label}: ${title}`
  button.addEventListener("click", run)
  return button
}
