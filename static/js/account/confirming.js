// @ts-check
/** The dialog that asks a person to show once more who they are: by password, by code or by passkey. */
import { get } from "../lib/elements.js"
import { GivenUp, Refused, request } from "./api.js"
import { clearFaults, onSubmit, showFault, whileBusy } from "./forms.js"
import { passkeyFailure, hasPasskeys, usePasskey } from "./passkeys.js"

/** @typedef {{ has_password: boolean, has_totp: boolean, passkeys: number }} Account */

const dialog = get("#confirm", HTMLDialogElement)
const form = get("#confirm-form", HTMLFormElement)
const byPassword = get("#confirm-by-password", HTMLElement)
const byCode = get("#confirm-by-code", HTMLElement)
const password = get("#confirm-password", HTMLInputElement)
const code = get("#confirm-code", HTMLInputElement)
const other = get("#confirm-switch", HTMLButtonElement)
const passkey = get("#confirm-passkey", HTMLButtonElement)
const submit = get("[type=submit]", HTMLButtonElement, form)

/** @type {Promise<void> | null} */
let asked = null
let isConfirmed = false
let isListening = false

/**
 * @returns {Promise<void>} when the server knows again who asks
 * @throws {GivenUp} when the dialog is closed without
 */
export function confirm() {
  asked ??= open().finally(() => (asked = null))
  return asked
}

async function open() {
  const account = await (await request("GET", "/account")).json()
  if (!isListening) listen()
  isListening = true
  isConfirmed = false
  form.reset()
  clearFaults(form)
  offer(account)
  dialog.showModal()
  focusFirst()
  await new Promise((resolve) => dialog.addEventListener("close", resolve, { once: true }))
  form.reset()
  if (!isConfirmed) throw new GivenUp()
}

/** @param {Account} account */
function offer({ has_password, has_totp, passkeys }) {
  passkey.hidden = !(passkeys > 0 && hasPasskeys())
  other.hidden = !(has_password && has_totp)
  show({ isByCode: !has_password && has_totp })
  submit.hidden = !has_password && !has_totp
  if (!submit.hidden) return
  byPassword.hidden = true
  if (passkey.hidden) showFault(form, new Error("Sign out and in again, then repeat this within 15 minutes."))
}

/** @param {{ isByCode: boolean }} which */
function show({ isByCode }) {
  byPassword.hidden = isByCode
  byCode.hidden = !isByCode
  password.required = !isByCode
  code.required = isByCode
  password.value = code.value = ""
  other.textContent = isByCode ? "Use the password instead" : "Use a code instead"
}

function focusFirst() {
  const first = [password, code, passkey].find((each) => each.checkVisibility())
  first?.focus()
}

function conclude() {
  isConfirmed = true
  dialog.close()
}

function listen() {
  onSubmit(form, async () => {
    await request("POST", "/auth/confirm", byCode.hidden ? { password: password.value } : { code: code.value.trim() })
    conclude()
  })
  other.addEventListener("click", () => {
    clearFaults(form)
    show({ isByCode: byCode.hidden })
    focusFirst()
  })
  passkey.addEventListener("click", () => {
    if (passkey.ariaBusy === "true") return
    clearFaults(form)
    void whileBusy(passkey, byPasskey)
  })
}

async function byPasskey() {
  try {
    const { ticket, options } = await (await request("POST", "/auth/passkey/options")).json()
    const credential = await usePasskey(options)
    await request("POST", "/auth/confirm/passkey", { ticket, credential })
    conclude()
  } catch (error) {
    showFault(form, error instanceof Refused ? error : new Error(passkeyFailure(error)))
  }
}
