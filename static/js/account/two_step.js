// @ts-check
/** Two-step sign-in: set up with an app's code, recovery codes, turned off. */
import { get } from "../lib/elements.js"
import { formatUnits } from "../lib/format.js"
import { call } from "./api.js"
import { ask } from "./asking.js"
import { attempt, onSubmit } from "./forms.js"

const panel = get("#two-step", HTMLElement)
const form = get("#totp-form", HTMLFormElement)
const badge = get("#two-step-badge", HTMLElement)
const recovery = get("#recovery", HTMLElement)

/**
 * @param {() => Promise<void>} refresh
 * @returns {(account: import("./settings.js").Account) => void} shows how things stand
 */
export function startTwoStep(refresh) {
  on("begin-totp", begin)
  on("new-codes", async () => showCodes(await call("POST", "/account/recovery-codes")).then(refresh))
  on("end-totp", () => turnOff(refresh))
  on("leave-totp", async () => leave())
  on("print-codes", async () => print())
  on("kept-codes", async () => forgetCodes())
  onSubmit(form, async ({ code }) => {
    const answer = await call("POST", "/account/totp/confirm", { code: code.replaceAll(" ", "") })
    form.hidden = true
    await refresh()
    await showCodes(answer)
  })
  return show
}

/** @param {import("./settings.js").Account} account */
function show({ has_totp, recovery_codes_left }) {
  badge.textContent = has_totp ? "On" : "Off"
  badge.classList.toggle("badge--success", has_totp)
  get("#two-step-off", HTMLElement).hidden = has_totp || !form.hidden
  get("#two-step-on", HTMLElement).hidden = !has_totp
  const warning = recovery_codes_left < 3 ? " Make new ones before you run out." : ""
  get("#codes-left", HTMLElement).textContent = `${formatUnits(recovery_codes_left, "recovery code")} left.${warning}`
}

async function begin() {
  const { secret, qr_svg } = await call("POST", "/account/totp")
  get("#totp-picture", HTMLImageElement).src = qr_svg
  get("#totp-secret", HTMLElement).textContent = secret.match(/.{1,4}/g).join(" ")
  get("#two-step-off", HTMLElement).hidden = true
  form.hidden = false
  get("#totp-code", HTMLInputElement).focus()
}

function leave() {
  form.hidden = true
  form.reset()
  get("#two-step-off", HTMLElement).hidden = false
  get("[data-action=begin-totp]", HTMLElement).focus()
}

/** @param {() => Promise<void>} refresh */
async function turnOff(refresh) {
  const answer = await ask({
    title: "Turn off two-step sign-in?",
    text: "The password alone then opens this account, and the recovery codes no longer work.",
    yes: "Turn off",
    isDanger: true,
  })
  if (answer === null) return
  await call("DELETE", "/account/totp")
  forgetCodes()
  await refresh()
}

/** @param {{ recovery_codes: string[] }} answer */
async function showCodes({ recovery_codes }) {
  const items = recovery_codes.map((code) => {
    const item = document.createElement("li")
    item.append(Object.assign(document.createElement("code"), { textContent: code }))
    return item
  })
  const text = recovery_codes.join("\n")
  get("#recovery-codes", HTMLElement).replaceChildren(...items)
  get("#recovery-text", HTMLElement).textContent = text
  const link = get("#recovery-download", HTMLAnchorElement)
  link.href = URL.createObjectURL(new Blob([`Recovery codes for ${location.host}\n\n${text}\n`], { type: "text/plain" }))
  recovery.hidden = false
  recovery.focus()
}

function forgetCodes() {
  URL.revokeObjectURL(get("#recovery-download", HTMLAnchorElement).href)
  get("#recovery-codes", HTMLElement).replaceChildren()
  get("#recovery-text", HTMLElement).textContent = ""
  recovery.hidden = true
}

/** @param {string} action @param {() => Promise<void>} run */
function on(action, run) {
  const button = get(`[data-action=${action}]`, HTMLElement)
  button.addEventListener("click", () => void attempt(panel, run, button))
}
