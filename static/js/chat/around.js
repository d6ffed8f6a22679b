// @ts-check
/** What stands around the messages and follows them: title, address, greeting, the list of conversations. */
import { get } from "../lib/elements.js"

/** @typedef {import("./conversation.js").Conversation} Conversation */

/** A longer answer is announced by its beginning; the rest stands in the log. */
const ANNOUNCED_CHARS = 1_500
const siteName = document.title.split(" · ").at(-1)

/** @param {Conversation} conversation */
export function showAround({ id, title, isEmpty, isTemporary, hasOlder }) {
  const shownTitle = title || (isTemporary ? "Temporary chat" : "New chat")
  get("#title", HTMLElement).textContent = shownTitle
  if (id) document.title = `${shownTitle} · ${siteName}`
  get("#greeting", HTMLElement).hidden = !isEmpty
  get("#older", HTMLElement).hidden = !hasOlder
  get("#temporary", HTMLElement).setAttribute("aria-pressed", String(isTemporary))
  const chat = get(".chat", HTMLElement)
  chat.dataset.state = isEmpty ? "empty" : "stored"
  chat.toggleAttribute("data-temporary", isTemporary)
}

/** The newest of this conversation is shown, also after a reload. @param {Conversation} conversation */
export const settleAddress = ({ id }) => history.replaceState(null, "", `/chat/${id}`)

/** @param {Conversation} conversation @param {boolean} running whether an answer is being made */
export function tellList({ id, title }, running) {
  document.dispatchEvent(new CustomEvent("chat:conversation", { detail: { id, title, running } }))
}

/** @param {import("./answer.js").Answer} answer told once, when it is whole, to those who hear the page */
export function announce({ state, text, problem }) {
  const isLong = text.length > ANNOUNCED_CHARS
  const start = isLong ? `${text.slice(0, ANNOUNCED_CHARS)}… The whole answer is in the messages.` : text
  const end = state === "failed" ? `${problem?.title}. ${problem?.detail}` : state === "stopped" ? "Stopped." : ""
  get("#status", HTMLElement).textContent = [start, end].filter(Boolean).join(" ")
}
