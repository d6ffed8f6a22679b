// @ts-check
/** What happens to a conversation in other tabs: noticed, told, and shown. */
import { cloneElement, get } from "../lib/elements.js"
import { callApi, readMessages } from "./api.js"
import { entryOf } from "./conversation.js"
import { showSummary } from "./summary.js"

/** @typedef {import("./page.js").Shown} Shown */

/** @type {Record<string, string>} */
const SIGNED_OUT = {
  signed_out: "You were signed out",
  sign_in_required: "Sign in to go on",
  account_suspended: "This account is suspended",
}
const TEXT_IS_KEPT = "Your text stays in the message field, also while you sign in."
const DELETED = "It was deleted in another tab or window. Your text is still in the message field."

/** @param {import("./api.js").Problem} problem why the server did not take a message @param {Shown} shown */
export function showElsewhere({ code, detail, newer }, shown) {
  const card = cloneElement("elsewhere-template")
  const button = get("button", HTMLButtonElement, card)
  if (code === "not_found") {
    get(".notice__title", HTMLElement, card).textContent = "This conversation is no longer there"
    get(".elsewhere__detail", HTMLElement, card).textContent = DELETED
    button.dataset.command = "new-chat"
    button.textContent = "Start a new chat"
  } else if (code in SIGNED_OUT) {
    get(".notice__title", HTMLElement, card).textContent = SIGNED_OUT[code]
    const reason = code === "account_suspended" ? `${detail} ` : ""
    get(".elsewhere__detail", HTMLElement, card).textContent = reason + TEXT_IS_KEPT
    button.textContent = "Sign in"
    button.addEventListener("click", () => location.assign(`/signin?next=${encodeURIComponent(location.pathname)}`))
  } else {
    button.addEventListener("click", () => showNewest(shown, newer?.at(-1)?.id))
  }
  get("#aside", HTMLElement).replaceChildren(card)
  card.scrollIntoView({ block: "nearest" })
}

/** Show what has become of the conversation since. @param {Shown} shown */
export async function catchUp(shown) {
  const { conversation, isBusy, changed } = shown
  // Not now: the next look at the page tries again.
  const stored = await callApi("GET", `/conversations/${conversation.id}`).catch(() => null)
  if (!stored || isBusy()) return
  conversation.title = stored.title
  if (stored.head_id !== conversation.headId && !conversation.has(stored.head_id)) await showNewest(shown)
  changed()
}

/**
 * Go on from the last message that is shown here and on the newest path, which may be another one than the server's.
 *
 * @param {Shown} shown
 * @param {string} [newestId] a message of that path
 */
async function showNewest({ conversation, transcript, log, isBusy, join, changed }, newestId) {
  const page = await readMessages(conversation.id, newestId ? `at=${newestId}` : "").catch(() => null)
  if (!page || isBusy()) return
  const known = page.messages.findLastIndex(({ id }) => conversation.has(id))
  const last = conversation.entries.findIndex(({ id }) => id === page.messages[known]?.id)
  const next = conversation.entries[last + 1]
  if (next) transcript.dropFrom(next)
  if (known < 0) conversation.hasOlder = page.more
  for (const message of page.messages.slice(known + 1)) transcript.add(entryOf(message))
  conversation.headId = page.messages.at(-1)?.id ?? null
  get("#aside", HTMLElement).replaceChildren()
  showSummary(page.summary, log)
  changed()
  join()
}
