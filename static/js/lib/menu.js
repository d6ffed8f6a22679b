// @ts-check
/** The site menu works without scripts; this closes it where people expect it to close. */

/** @param {HTMLDetailsElement} menu */
export function closeMenuOnLeaving(menu) {
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !menu.open) return
    menu.open = false
    menu.querySelector("summary")?.focus()
  })
  document.addEventListener("click", (event) => {
    if (!(event.target instanceof Node)) return
    const summary = menu.querySelector("summary")
    if (!summary?.contains(event.target)) menu.open = false
  })
  menu.addEventListener("focusout", (event) => {
    if (event.relatedTarget instanceof Node && !menu.contains(event.relatedTarget)) menu.open = false
  })
}
