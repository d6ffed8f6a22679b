// @ts-check
/** What can be done to a conversation from the list, each with its way back. */
import { get } from "../lib/elements.js"
import { keptForTab } from "../lib/storage.js"
import { send } from "./threads_api.js"
import { refresh, showFilter } from "./threads_pages.js"
import { showToast } from "./toast.js"

/**
 * @typedef {import("./threads_list.js").Conversation} Conversation
 * @typedef {import("./threads_list.js").ThreadList} ThreadList
 * @typedef {{ method: "POST" | "PATCH" | "DELETE", path: string, body?: object }} Step
 * @typedef {{ id: string, text: string, undo: Step }} Undoable
 */

/** A message for the page that comes next, because the one it is about is left. */
const pending = keptForTab("chat.toast")

/** @param {ThreadList} list @param {Conversation} conversation */
export function remove(list, conversation) {
  const path = pathOf(conversation)
  return take(list, conversation, {
    text: "Conversation deleted.",
    step: { method: "DELETE", path },
    undo: { method: "POST", path: `${path}/restore` },
    isLeft: true,
  })
}

/** @param {ThreadList} list @param {Conversation} conversation */
export async function toggleArchived(list, conversation) {
  const { archived } = conversation
  const path = pathOf(conversation)
  await take(list, conversation, {
    text: archived ? "Conversation is back in the list." : "Conversation archived.",
    step: { method: "PATCH", path, body: { archived: !archived } },
    undo: { method: "PATCH", path, body: { archived } },
    isLeft: !archived,
  })
  showFilter()
}

/**
 * Change it here at once and on the server; what the server refuses is taken back.
 *
 * @param {ThreadList} list
 * @param {Conversation} conversation
 * @param {Partial<Pick<Conversation, "pinned">> & { title?: string | null }} change
 */
export async function change(list, conversation, change) {
  list.put({ ...conversation, ...change, title: change.title || conversation.title })
  try {
    const changed = await send("PATCH", pathOf(conversation), { body: change })
    // Meanwhile an answer may have begun or ended.
    list.put({ ...changed, running: list.find(changed.id)?.running })
    if ("title" in change && changed.id === list.shownId) tellTitle(changed)
  } catch (error) {
    if (list.find(conversation.id)) list.put(conversation)
    complain(error)
  }
}

/** Show what the page before this one had to say. */
export function showPending() {
  /** @type {Undoable | null} */
  const left = pending.read()
  pending.forget()
  if (left) offerUndo(left, ({ id }) => location.assign(`/chat/${id}`))
}

/**
 * Take a conversation out of the list that is shown.
 *
 * @param {ThreadList} list
 * @param {Conversation} conversation
 * @param {{ text: string, step: Step, undo: Step, isLeft: boolean }} how  `isLeft`: a page that shows it is left
 */
async function take(list, conversation, { text, step, undo, isLeft }) {
  const { id } = conversation
  const { filter } = list
  const next = neighbourOf(list, id)
  list.remove(id)
  next.focus()
  try {
    await send(step.method, step.path, step)
  } catch (error) {
    list.put(conversation)
    list.itemOf(id)?.querySelector("a")?.focus()
    return complain(error)
  }
  if (!isLeft || id !== list.shownId) {
    // By then another part of the list may be shown.
    return offerUndo({ id, text, undo }, (back) => (list.filter === filter ? list.put(back) : void refresh(list)))
  }
  pending.write({ id, text, undo })
  location.assign("/chat")
}

/** @param {Undoable} done @param {(conversation: Conversation) => void} onUndone */
function offerUndo({ text, undo }, onUndone) {
  const run = async () => {
    try {
      onUndone(await send(undo.method, undo.path, undo))
    } catch (error) {
      complain(error)
    }
  }
  showToast({ text, action: { label: "Undo", run } })
}

/** @param {ThreadList} list @param {string} id @returns {HTMLElement} where the focus goes when this one goes */
function neighbourOf(list, id) {
  const { conversations } = list
  const index = conversations.findIndex((each) => each.id === id)
  const neighbour = conversations[index + 1] ?? conversations[index - 1]
  const item = neighbour && list.itemOf(neighbour.id)
  return get("a", HTMLAnchorElement, item ?? get("#threads", HTMLElement))
}

/** @param {Conversation} conversation */
function tellTitle({ id, title }) {
  document.dispatchEvent(new CustomEvent("chat:renamed", { detail: { id, title } }))
}

/** @param {Conversation} conversation */
const pathOf = ({ id }) => `/conversations/${id}`

/** @param {unknown} error */
function complain(error) {
  showToast({ text: `Nothing was changed. ${error instanceof Error ? error.message : ""}` })
}
