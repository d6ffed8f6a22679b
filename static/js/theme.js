// @ts-check
// Blocking on purpose and in <head>: it pins what was saved before anything is painted. Without a saved choice the
// style sheet follows the system by itself, so this file then changes nothing.
;(() => {
  const KEY = "theme"
  const NEXT = /** @type {const} */ ({ auto: "light", light: "dark", dark: "auto" })
  const NAMES = { auto: "automatic", light: "light", dark: "dark" }
  const root = document.documentElement
  // Who is signed in has a theme on every device; the server has written it into the page.
  const isKept = "account" in root.dataset

  /** @returns {keyof typeof NEXT} the theme that is in force */
  function current() {
    const theme = root.dataset.theme
    return theme === "light" || theme === "dark" ? theme : "auto"
  }

  /** @param {string | null} theme */
  function apply(theme) {
    if (theme === "light" || theme === "dark") root.dataset.theme = theme
    else delete root.dataset.theme
    for (const toggle of document.querySelectorAll("[data-theme-toggle]")) label(toggle)
  }

  /** @param {Element} toggle */
  function label(toggle) {
    const text = `Theme: ${NAMES[current()]}. Switch to ${NAMES[NEXT[current()]]}`
    toggle.setAttribute("aria-label", text)
    toggle.setAttribute("title", text)
  }

  /** @param {string} key @returns {string | null} null as well where storage is forbidden */
  function saved(key) {
    try {
      return localStorage.getItem(key)
    } catch {
      return null
    }
  }

  /** @param {string} theme */
  function save(theme) {
    try {
      localStorage.setItem(KEY, theme)
    } catch {
      // The choice then lasts for this page only.
    }
  }

  if (!isKept) apply(saved(KEY))
  // The chat page's list of conversations, which may be put away.
  if (saved("chat.threads") === '"closed"') root.dataset.threads = "closed"
  document.addEventListener("DOMContentLoaded", () => apply(current()))
  document.addEventListener("click", (event) => {
    if (!(event.target instanceof Element) || !event.target.closest("[data-theme-toggle]")) return
    const theme = NEXT[current()]
    save(theme)
    apply(theme)
    if (isKept) {
      const headers = { "content-type": "application/json" }
      fetch("/account", { method: "PATCH", headers, body: JSON.stringify({ theme }), keepalive: true }).catch(() => {})
    }
  })
  // Another tab of this site changed it.
  addEventListener("storage", (event) => {
    if (event.key === KEY) apply(event.newValue)
  })
})()
