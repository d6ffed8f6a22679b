// @ts-check
/** What the server rendered into the page, read once at the start. */
import { get } from "../lib/elements.js"
import { newAnswer } from "./answer.js"

/**
 * @typedef {import("./api.js").Model} Model
 * @typedef {import("./api.js").Problem} Problem
 * @typedef {import("./answer.js").Answer} Answer
 * @typedef {import("./conversation.js").Entry} Entry
 * @typedef {{ models: Model[], default_model: string, demo: boolean, max_message_chars: number, draft: string,
 *   conversation: { role: "user" | "assistant", text: string, html?: string, time?: string }[],
 *   error: Problem | null }} PageData
 */

/** @returns {PageData} */
export const readPageData = () => JSON.parse(get("#chat-data", HTMLScriptElement).textContent ?? "")

/**
 * The conversation of a form post, which a page whose script came late goes on with.
 * A failed post becomes what it would have been here: the question, and under it the card with its Retry.
 *
 * @param {PageData} data
 * @returns {Entry[]}
 */
export function adoptedEntries({ conversation, draft, error }) {
  const entries = conversation.map(({ role, text, html, time }) => {
    const at = Date.parse(time ?? "") || Date.now()
    if (role === "user") return asked(text, at)
    return answered(at, { text, blocks: html ? [html] : [], rest: html ? "" : text, state: "done" })
  })
  if (!error || !draft) return entries
  const now = Date.now()
  return [...entries, asked(draft, now), answered(now, { state: "failed", problem: error })]
}

/** @param {string} text @param {number} at @returns {Entry} */
const asked = (text, at) => ({ role: "user", id: 0, text, at })

/** @param {number} at @param {Partial<Answer>} known @returns {Entry} */
const answered = (at, known) => ({ ...newAnswer("", at), ...known })
