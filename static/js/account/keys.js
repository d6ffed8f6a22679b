// @ts-check
/** A person's own keys for model providers. */
import { get } from "../lib/elements.js"
import { formatUnits } from "../lib/format.js"
import { call } from "./api.js"
import { ask } from "./asking.js"
import { attempt, onSubmit, say } from "./forms.js"
import { formatAgo } from "./moments.js"
import { newRow, showRows } from "./rows.js"

/**
 * @typedef {{ id: string, name: string, host: string, base_url: string, last_four: string, models: string[],
 *   use: "provider" | "own_server" | "unused", created_at: string, last_used_at: string | null, readable: boolean }} Key
 */

const panel = get("#keys", HTMLElement)
const form = get("#key-form", HTMLFormElement)
const adding = get("#key-adding", HTMLDetailsElement)

/** @returns {() => Promise<void>} loads the list */
export function startKeys() {
  adding.addEventListener("toggle", () => adding.open && get("#key-name", HTMLInputElement).focus())
  onSubmit(form, async ({ name, key, base_url }) => {
    say(form, "Trying the key…")
    try {
      await call("POST", "/account/keys", { name, key: key.trim(), ...(base_url && { base_url }) })
    } finally {
      say(form, "")
    }
    form.reset()
    adding.open = false
    get("summary", HTMLElement, adding).focus()
    await load()
  })
  return load
}

async function load() {
  /** @type {{ keys: Key[], own_base_urls: boolean }} */
  const { keys, own_base_urls } = await call("GET", "/account/keys")
  get("#key-server", HTMLElement).hidden = !own_base_urls
  showRows("key-rows", "keys-empty", keys.map(rowOf))
}

/** @param {Key} key */
function rowOf({ id, name, host, last_four, models, use, last_used_at, readable }) {
  const remove = async () => {
    const text = `“${name}” is deleted here. At ${host} the key stays good until you revoke it there.`
    if ((await ask({ title: "Remove the key?", text, yes: "Remove", isDanger: true })) === null) return
    await call("DELETE", `/account/keys/${id}`)
    await load()
  }
  return newRow({
    title: name,
    badges: readable ? (use === "unused" ? [["Not in use here"]] : []) : [["Cannot be read", "warning"]],
    facts: [
      host,
      `…${last_four}`,
      formatUnits(models.length, "model"),
      last_used_at ? `last used ${formatAgo(last_used_at)}` : "never used",
      !readable && "remove it and add it again, or ask whoever runs this site",
    ],
    actions: [{ label: "Remove", isDanger: true, run: () => void attempt(panel, remove) }],
  })
}
