// @ts-check
/** What the server rendered into the page, read once at the start. */
import { get } from "../lib/elements.js"
import { newAnswer } from "./answer.js"

/**
 * @typedef {import("./api.js").Model} Model
 * @typedef {import("./api.js").Problem} Problem
 * @typedef {import("./conversation.js").Entry} Entry
 * @typedef {{ models: Model[], default_model: string, demo: boolean, max_message_chars: number, draft: string,
 *   conversation: { role: "user" | "assistant", text: string, html?: string, time?: string }[],
 *   error: Problem | null }} PageData
 */

/** @returns {PageData} */
export const readPageData = () => JSON.parse(get("#chat-data", HTMLScriptElement).textContent ?? "")

/**
 * The conversation of a form post, which a page whose script came late goes on with.
 * @param {PageData} data
 * @returns {Entry[]}
 */
export function adoptedEntries({ conversation }) {
  return conversation.map(({ role, text, html, time }) => {
    const at = Date.parse(time ?? "") || Date.now()
    if (role === "user") return { role, id: 0, text, at }
    return { ...newAnswer("", at), text, blocks: html ? [html] : [], rest: html ? "" : text, state: "done" }
  })
}
