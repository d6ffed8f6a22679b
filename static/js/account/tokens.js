// @ts-check
/** Tokens for programs: made, shown once, revoked. */
import { get } from "../lib/elements.js"
import { call } from "./api.js"
import { ask } from "./asking.js"
import { attempt, onSubmit } from "./forms.js"
import { formatAgo, formatDay } from "./moments.js"
import { newRow, showRows } from "./rows.js"

/**
 * @typedef {{ id: string, name: string, last_four: string, scopes: string[], created_at: string,
 *   expires_at: string | null, last_used_at: string | null }} Token
 */

const panel = get("#tokens", HTMLElement)
const form = get("#token-form", HTMLFormElement)
const adding = get("#token-adding", HTMLDetailsElement)
const fresh = get("#new-token", HTMLElement)

/** @returns {() => Promise<void>} loads the list */
export function startTokens() {
  adding.addEventListener("toggle", () => {
    if (!adding.open) return
    forgetFresh()
    get("#token-name", HTMLInputElement).focus()
  })
  onSubmit(form, create)
  return load
}

async function load() {
  /** @type {{ tokens: Token[] }} */
  const { tokens } = await call("GET", "/account/tokens")
  showRows("token-rows", "tokens-empty", tokens.map(rowOf))
}

/** @param {Token} token */
function rowOf({ id, name, last_four, scopes, created_at, expires_at, last_used_at }) {
  const isOver = expires_at !== null && new Date(expires_at) < new Date()
  const end = expires_at === null ? "never ends" : `${isOver ? "ended" : "ends"} on ${formatDay(expires_at)}`
  const revoke = async () => {
    const text = `Programs that use “${name}” stop working at once.`
    if ((await ask({ title: "Revoke the token?", text, yes: "Revoke", isDanger: true })) === null) return
    await call("DELETE", `/account/tokens/${id}`)
    forgetFresh()
    await load()
  }
  return newRow({
    title: name,
    badges: isOver ? [["Ended", "warning"]] : [],
    facts: [
      `…${last_four}`,
      scopes.join(", "),
      `made on ${formatDay(created_at)}`,
      end,
      last_used_at ? `last used ${formatAgo(last_used_at)}` : "never used",
    ],
    actions: [{ label: "Revoke", isDanger: true, run: () => void attempt(panel, revoke) }],
  })
}

/** @param {Record<string, string>} given */
async function create({ name, expires_in_days }) {
  const scopes = new FormData(form).getAll("scopes")
  if (!scopes.length) {
    const error = get("#token-scopes-error", HTMLElement)
    error.textContent = "Choose at least one thing that it may do."
    return get("[name=scopes]", HTMLInputElement, form).focus()
  }
  const wanted = { name, scopes, ...(expires_in_days && { expires_in_days: Number(expires_in_days) }) }
  const { token } = await call("POST", "/account/tokens", wanted)
  form.reset()
  adding.open = false
  get("#token-text", HTMLElement).textContent = token
  fresh.hidden = false
  fresh.focus()
  await load()
}

function forgetFresh() {
  fresh.hidden = true
  get("#token-text", HTMLElement).textContent = ""
}
