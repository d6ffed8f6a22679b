// @ts-check
/** The session ended while a page was open: told once, and nothing on the page is lost. */
import { cloneElement, get } from "../lib/elements.js"

export function showSignedOut() {
  if (document.querySelector(".signed-out")) return
  for (const dialog of document.querySelectorAll("dialog[open]")) {
    if (dialog instanceof HTMLDialogElement) dialog.close()
  }
  const notice = cloneElement("signed-out-template")
  const link = get("a", HTMLAnchorElement, notice)
  link.href = `/signin?next=${encodeURIComponent(location.pathname)}`
  get("main", HTMLElement).prepend(notice)
  notice.scrollIntoView({ block: "nearest" })
}
