// @ts-check
/** Renaming a conversation where it stands. */
import { get } from "../lib/elements.js"
import { change } from "./thread_actions.js"

/**
 * Enter saves, Escape does not; an empty title lets the server find one again.
 *
 * @param {import("./threads_list.js").ThreadList} list
 * @param {import("./threads_list.js").Conversation} conversation
 */
export function rename(list, conversation) {
  const item = list.itemOf(conversation.id)
  if (!item) return
  const input = newInput(conversation)
  let isDone = false
  /** @param {boolean} isSaving */
  const finish = (isSaving) => {
    if (isDone) return
    isDone = true
    const hadFocus = document.activeElement === input
    const title = input.value.trim()
    input.remove()
    delete item.dataset.renaming
    if (hadFocus) get("a", HTMLAnchorElement, item).focus()
    const isChanged = title ? title !== conversation.title : conversation.has_own_title
    if (isSaving && isChanged) void change(list, list.find(conversation.id) ?? conversation, { title: title || null })
  }
  input.addEventListener("keydown", (event) => {
    if (event.isComposing || (event.key !== "Enter" && event.key !== "Escape")) return
    event.stopPropagation()
    event.preventDefault()
    finish(event.key === "Enter")
  })
  // The list may put its items in another order, which takes the focus for a moment only.
  input.addEventListener("blur", () => setTimeout(() => document.activeElement !== input && finish(true)))
  item.dataset.renaming = ""
  item.prepend(input)
  input.focus()
  input.select()
}

/** @param {import("./threads_list.js").Conversation} conversation */
function newInput({ title }) {
  const input = document.createElement("input")
  input.className = "input thread__input"
  input.dir = "auto"
  input.value = title
  input.maxLength = 200
  input.enterKeyHint = "done"
  input.placeholder = "Automatic title"
  input.ariaLabel = "Title of the conversation"
  return input
}
