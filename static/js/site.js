// @ts-check
/** What the header and the copy buttons of every page need. */
import { enableCopyButtons } from "./lib/copy.js"
import { closeMenuOnLeaving } from "./lib/menu.js"

enableCopyButtons()
for (const menu of document.querySelectorAll("details[data-menu]")) {
  if (menu instanceof HTMLDetailsElement) closeMenuOnLeaving(menu)
}
