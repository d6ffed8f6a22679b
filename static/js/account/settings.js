// @ts-check
/** The settings of an account: starts each part of the page and gives it what the server knows. */
import { get } from "../lib/elements.js"
import { call } from "./api.js"
import { listenForDialogs } from "./asking.js"
import { attempt, listenForForms } from "./forms.js"
import { startIdentities } from "./identities.js"
import { startKeys } from "./keys.js"
import { startLeaving } from "./leaving.js"
import { startPasskeys } from "./passkey_list.js"
import { startProfile } from "./profile.js"
import { startSessions } from "./sessions.js"
import { startTokens } from "./tokens.js"
import { startTwoStep } from "./two_step.js"

/**
 * @typedef {{ id: string, email: string, name: string, initials: string, language: string,
 *   theme: "auto" | "light" | "dark", role: "user" | "admin", has_password: boolean, has_totp: boolean,
 *   recovery_codes_left: number, passkeys: number, identities: string[] }} Account  as the server tells of it
 */

/** Ask the server anew, and show what has changed. */
async function refresh() {
  /** @type {Account} */
  const account = await call("GET", "/account")
  showTwoStep(account)
  showIdentities(account)
}

listenForForms()
listenForDialogs()
startProfile()
startLeaving()
const showTwoStep = startTwoStep(refresh)
const showIdentities = startIdentities(refresh)

for (const [id, load] of Object.entries({
  "two-step": refresh,
  passkeys: startPasskeys(),
  sessions: startSessions(),
  tokens: startTokens(),
  keys: startKeys(),
})) {
  void attempt(get(`#${id}`, HTMLElement), load)
}

// What was hidden before the page's script ran could not be gone to.
if (location.hash) document.querySelector(location.hash)?.scrollIntoView()
