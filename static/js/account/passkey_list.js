// @ts-check
/** The passkeys of an account: added, renamed, removed. */
import { get } from "../lib/elements.js"
import { call } from "./api.js"
import { ask } from "./asking.js"
import { nameOfDevice } from "./devices.js"
import { attempt } from "./forms.js"
import { formatAgo, formatDay } from "./moments.js"
import { createPasskey, passkeyFailure, hasPasskeys } from "./passkeys.js"
import { newRow, showRows } from "./rows.js"

/** @typedef {{ id: string, name: string, created_at: string, last_used_at: string | null }} Passkey */

const panel = get("#passkeys", HTMLElement)

/** @returns {() => Promise<void>} loads the list */
export function startPasskeys() {
  get("#passkey-actions", HTMLElement).hidden = !hasPasskeys()
  get("#passkeys-missing", HTMLElement).hidden = hasPasskeys()
  const button = get("[data-action=add-passkey]", HTMLElement)
  button.addEventListener("click", () => void attempt(panel, add, button))
  return load
}

async function load() {
  /** @type {{ passkeys: Passkey[] }} */
  const { passkeys } = await call("GET", "/account/passkeys")
  showRows("passkey-rows", "passkeys-empty", passkeys.map(rowOf))
}

/** @param {Passkey} passkey */
function rowOf(passkey) {
  const { name, created_at, last_used_at } = passkey
  return newRow({
    title: name,
    facts: [`Added on ${formatDay(created_at)}`, last_used_at ? `last used ${formatAgo(last_used_at)}` : "never used"],
    actions: [
      { label: "Rename", run: () => void attempt(panel, () => rename(passkey)) },
      { label: "Remove", isDanger: true, run: () => void attempt(panel, () => remove(passkey)) },
    ],
  })
}

async function add() {
  const { ticket, options } = await call("POST", "/account/passkeys/options")
  const credential = await createPasskey(options).catch((error) => {
    throw new Error(passkeyFailure(error), { cause: error })
  })
  await call("POST", "/account/passkeys", { ticket, credential, name: nameOfDevice(navigator.userAgent) })
  await load()
}

/** @param {Passkey} passkey */
async function rename({ id, name }) {
  const field = { label: "Name", value: name }
  const wanted = await ask({ title: "Rename the passkey", text: "So that you know it again.", yes: "Save", field })
  if (!wanted || wanted === name) return
  await call("PATCH", `/account/passkeys/${id}`, { name: wanted })
  await load()
}

/** @param {Passkey} passkey */
async function remove({ id, name }) {
  const text = `“${name}” then no longer signs you in here. Your device may keep its part; remove it there as well.`
  if ((await ask({ title: "Remove the passkey?", text, yes: "Remove", isDanger: true })) === null) return
  await call("DELETE", `/account/passkeys/${id}`)
  await load()
}
