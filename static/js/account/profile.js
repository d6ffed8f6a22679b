// @ts-check
/** Name, language, theme and password. */
import { get } from "../lib/elements.js"
import { call } from "./api.js"
import { onSubmit, say } from "./forms.js"

export function startProfile() {
  const profile = get("#profile-form", HTMLFormElement)
  const language = get("#profile-language", HTMLSelectElement)
  let before = language.value
  onSubmit(profile, async ({ name, language: tag, theme }) => {
    const account = await call("PATCH", "/account", { name, language: tag, theme })
    show(account)
    // What stands on the page was written in the language before.
    if (before !== account.language) return location.reload()
    before = account.language
    say(profile, "Saved.")
  })
  profile.addEventListener("input", () => say(profile, ""))

  const password = get("#password-form", HTMLFormElement)
  onSubmit(password, async ({ password: wanted, current }) => {
    await call("POST", "/account/password", current === undefined ? { password: wanted } : { password: wanted, current })
    password.reset()
    get("[type=submit]", HTMLButtonElement, password).textContent = "Change the password"
    say(password, "Saved. You are signed out everywhere else.")
  })
  password.addEventListener("input", () => say(password, ""))
}

/** @param {import("./settings.js").Account} account */
function show({ name, initials, theme }) {
  get("#profile-name", HTMLInputElement).value = name
  for (const picture of document.querySelectorAll(".avatar text")) picture.textContent = initials
  for (const place of document.querySelectorAll("[data-account-name]")) place.textContent = name
  const root = document.documentElement
  if (theme === "auto") delete root.dataset.theme
  else root.dataset.theme = theme
}
