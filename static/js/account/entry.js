// @ts-check
/** The pages through which people come in; without this their forms are answered by the server as well. */
import { get } from "../lib/elements.js"
import { Refused, request } from "./api.js"
import { clearFaults, listenForForms, onSubmit, showFault, tell, whileBusy } from "./forms.js"

/** @typedef {Record<string, string>} Values */

const HOME = "/chat"

/** @type {Record<string, (form: HTMLFormElement) => void>} by the name of a form */
const FORMS = {
  "sign-in": (form) => onSubmit(form, ({ email, password }) => signIn({ email, password })),
  "second-factor": (form) =>
    onSubmit(form, async ({ ticket, code }) => {
      try {
        proceed(await answerOf("/auth/second-factor", { ticket, code: code.trim() }))
      } catch (error) {
        if (!(error instanceof Refused && error.code === "link_not_valid")) throw error
        startAgain(error)
      }
    }),
  "sign-up": (form) => {
    takeSecret(form, "invitation")
    onSubmit(form, signUp)
  },
  forgotten: (form) =>
    onSubmit(form, async ({ email }) => {
      await request("POST", "/auth/forgotten", { email })
      showDone(form, email)
    }),
  reset: (form) => {
    if (!takeSecret(form, "ticket")) return showInstead(form, "bad-link")
    onSubmit(form, ({ ticket, password }) => useLink(form, "/auth/reset", { ticket, password }))
  },
  verify: (form) => {
    if (!takeSecret(form, "ticket")) return showInstead(form, "bad-link")
    onSubmit(form, ({ ticket }) => useLink(form, "/auth/verify", { ticket }))
  },
}

/** @param {Values} given */
async function signIn(given) {
  proceed(await answerOf("/auth/sign-in", given))
}

/** @param {{ state: string, ticket?: string }} answer of a door that ends in a session, or in a second step */
function proceed({ state, ticket }) {
  if (state !== "second_factor") return location.replace(nextPath())
  const form = get("#second-factor", HTMLFormElement)
  get("[name=ticket]", HTMLInputElement, form).value = ticket ?? ""
  get("#other-ways", HTMLElement).hidden = get("#sign-in", HTMLFormElement).hidden = true
  form.hidden = false
  get("#code", HTMLInputElement).focus()
}

/** The second step took too long. @param {Error} error */
function startAgain(error) {
  const form = get("#sign-in", HTMLFormElement)
  get("#second-factor", HTMLFormElement).hidden = true
  get("#other-ways", HTMLElement).hidden = form.hidden = false
  get("#password", HTMLInputElement).value = ""
  showFault(form, new Error("That took too long. Sign in again.", { cause: error }))
}

/** @param {Values} given */
async function signUp(given) {
  const { next } = await answerOf("/auth/register", given)
  const form = get("#sign-up", HTMLFormElement)
  if (next === "check_mail") return showDone(form, given.email)
  try {
    const { state } = await answerOf("/auth/sign-in", { email: given.email, password: given.password })
    location.replace(state === "signed_in" ? HOME : "/signin")
  } catch {
    // The address had an account already, with another password; nobody is told so but who can sign in.
    location.replace("/signin?said=registered")
  }
}

/** @param {HTMLFormElement} form @param {string} path @param {Values} given */
async function useLink(form, path, given) {
  try {
    await request("POST", path, given)
    showInstead(form, "done")
  } catch (error) {
    if (!(error instanceof Refused && error.code === "link_not_valid")) throw error
    showInstead(form, "bad-link")
  }
}

/** @param {string} path @param {unknown} [body] @returns {Promise<any>} */
const answerOf = async (path, body) => (await request("POST", path, body)).json()

/** @returns {string} where the person was going; the server has seen that it is a page of this site */
function nextPath() {
  const given = get("#sign-in [name=next]", HTMLInputElement).value
  return given || HOME
}

/**
 * Put the secret of the address into a form, and take it out of the address: it is not for the browser's history.
 *
 * @param {HTMLFormElement} form
 * @param {string} name of its field
 * @returns {boolean} whether there is one
 */
function takeSecret(form, name) {
  const secret = location.hash.slice(1)
  for (const input of document.querySelectorAll(`[name=${name}]`)) {
    if (secret && input instanceof HTMLInputElement) input.value = secret
  }
  if (secret) history.replaceState(null, "", location.pathname + location.search)
  return get(`[name=${name}]`, HTMLInputElement, form).value !== ""
}

/** @param {HTMLFormElement} form @param {string} email */
function showDone(form, email) {
  get("#done-email", HTMLElement).textContent = email
  const others = document.querySelector("#other-ways")
  if (others instanceof HTMLElement) others.hidden = true
  showInstead(form, "done")
}

/** @param {HTMLFormElement} form @param {string} id */
function showInstead(form, id) {
  form.hidden = true
  const instead = get(`#${id}`, HTMLElement)
  instead.hidden = false
  instead.focus()
}

/** Offer a passkey where the browser has them: by a button, and among what it fills into the field for the address. */
async function offerPasskey() {
  const button = document.querySelector("#use-passkey")
  if (!(button instanceof HTMLButtonElement)) return
  const { passkeysFillIn, hasPasskeys } = await import("./passkeys.js")
  if (!hasPasskeys()) return
  button.hidden = false
  get("#other-ways", HTMLElement).classList.remove("entry__others--passkey")
  let waiting = new AbortController()
  button.addEventListener("click", () => {
    if (button.ariaBusy === "true") return
    waiting.abort()
    void whileBusy(button, () => signInByPasskey({ signal: (waiting = new AbortController()).signal }))
  })
  if (await passkeysFillIn()) await signInByPasskey({ signal: waiting.signal, fillIn: true })
}

/** @param {{ signal: AbortSignal, fillIn?: boolean }} how */
async function signInByPasskey(how) {
  const { passkeyFailure, usePasskey } = await import("./passkeys.js")
  const form = get("#sign-in", HTMLFormElement)
  clearFaults(form)
  try {
    const { ticket, options } = await answerOf("/auth/passkey/options")
    const credential = await usePasskey(options, how)
    proceed(await answerOf("/auth/passkey", { ticket, credential }))
  } catch (error) {
    const message = error instanceof Refused ? error.message : passkeyFailure(error)
    if (message) tell(form, message)
  }
}

listenForForms()
for (const form of document.querySelectorAll("form[data-form]")) {
  if (form instanceof HTMLFormElement) FORMS[form.dataset.form ?? ""]?.(form)
}
void offerPasskey()
