// @ts-check
/** Code in an answer gets its tools: copying and wrapping. */
import { clone } from "../lib/elements.js"

/** @param {ParentNode} content freshly rendered blocks */
export function equipCode(content) {
  for (const head of content.querySelectorAll(".code-block__head")) head.append(clone("code-tools-template"))
}

/** @param {Element} button in a code block's head @returns {string} the block's code */
export const codeBeside = (button) => button.closest(".code-block")?.querySelector("pre")?.textContent ?? ""

/** @param {Element} button */
export function toggleWrap(button) {
  const isWrapped = button.closest(".code-block")?.toggleAttribute("data-wrap") ?? false
  button.setAttribute("aria-pressed", String(isWrapped))
}
