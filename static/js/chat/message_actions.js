// @ts-check
/** What can be done with a message that the server has: rate it, keep it in context, fork, see its versions. */
import { get } from "../lib/elements.js"
import { callApi, readMessages } from "./api.js"
import { settleAddress } from "./around.js"
import { entryOf } from "./conversation.js"
import { showSummary } from "./summary.js"

/**
 * @typedef {import("./conversation.js").Entry} Entry
 * @typedef {import("./page.js").Shown} Shown
 */

/**
 * @param {string} action
 * @param {Entry} entry
 * @param {Shown} shown
 */
export async function act(action, entry, shown) {
  try {
    if (action === "previous-version") await showVersion(entry, -1, shown)
    else if (action === "next-version") await showVersion(entry, 1, shown)
    else if (action === "fork") await fork(entry)
    else await mark(action, entry, shown)
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error)
    document.dispatchEvent(new CustomEvent("chat:toast", { detail: { text } }))
  }
}

/** @param {string} action @param {Entry} entry @param {Shown} shown */
async function mark(action, entry, { conversation, transcript }) {
  const change = changeFor(action, entry)
  const before = { ...entry }
  // Shown at once, and taken back when the server does not take it.
  transcript.update(Object.assign(entry, change))
  try {
    await callApi("PATCH", `/conversations/${conversation.id}/messages/${entry.id}`, change)
  } catch (error) {
    transcript.update(Object.assign(entry, before))
    throw error
  }
}

/** @param {string} action @param {Entry} entry */
function changeFor(action, entry) {
  if (action === "pin") return { pinned: !entry.pinned }
  return { rating: entry.role === "assistant" && entry.rating === action ? null : action }
}

/** @param {Entry} entry the last message that goes along */
async function fork({ id }) {
  const { id: conversationId } = await callApi("POST", "/conversations", { fork_of: id })
  location.assign(`/chat/${conversationId}`)
}

/**
 * @param {Entry} entry
 * @param {number} step 1 for the next version, -1 for the previous one
 * @param {Shown} shown
 */
async function showVersion(entry, step, { conversation, transcript, scroll, log, isBusy, changed, join }) {
  const index = entry.siblings.indexOf(entry.id) + step
  const sibling = entry.siblings[index]
  if (!sibling || isBusy()) return
  const { head_id } = await callApi("PATCH", `/conversations/${conversation.id}`, { head_id: sibling })
  const { messages, more, summary } = await readMessages(conversation.id, `at=${sibling}`)
  const first = messages.findIndex(({ id }) => id === sibling)
  // A version with a long tail begins above the messages that came.
  transcript.dropFrom(first < 0 ? conversation.entries[0] : entry)
  if (first < 0) conversation.hasOlder = more
  for (const message of messages.slice(Math.max(0, first))) transcript.add(entryOf(message))
  conversation.headId = head_id
  showSummary(summary, log)
  settleAddress(conversation)
  changed()
  const element = document.getElementById(`m-${sibling}`)
  if (element) focusVersion(element, step, scroll)
  get("#status", HTMLElement).textContent = `Version ${index + 1} of ${entry.siblings.length}`
  join()
}

/** The focus stays on the button that was pressed. @param {HTMLElement} element @param {number} step @param {Shown["scroll"]} scroll */
function focusVersion(element, step, scroll) {
  scroll.show(element)
  const action = step > 0 ? "next-version" : "previous-version"
  get(`[data-action=${action}]`, HTMLElement, element).focus({ preventScroll: true })
}
