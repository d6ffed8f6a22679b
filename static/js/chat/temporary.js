// @ts-check
/** A temporary chat: the server keeps nothing, so that each message takes along all that was said before. */

/** @typedef {import("./api.js").WireMessage} WireMessage */

/** A little less than the server takes in one request unless it is set up otherwise. */
const MOST_MESSAGES = 1_900
const MOST_BYTES = 900_000
const encoder = new TextEncoder()

/**
 * What a model is told: the system prompt, if any, and the newest messages that one request takes.
 * An answer that never began says nothing.
 *
 * @param {import("./conversation.js").Conversation} conversation
 * @param {string} systemPrompt
 * @returns {WireMessage[]}
 */
export function wholeConversation({ entries }, systemPrompt) {
  const system = wireMessages("system", systemPrompt)
  const said = entries.flatMap(({ role, text }) => wireMessages(role, text))
  let bytes = bytesOf(system)
  let first = said.length
  while (first > 0 && said.length - first < MOST_MESSAGES) {
    bytes += bytesOf(said[first - 1])
    // The question itself always goes: whether it is too long is for the server to say.
    if (bytes > MOST_BYTES && first < said.length) break
    first -= 1
  }
  return [...system, ...said.slice(first)]
}

/** @param {WireMessage["role"]} role @param {string} content @returns {WireMessage[]} none for empty content */
const wireMessages = (role, content) => (content ? [{ role, content }] : [])

/** @param {unknown} value @returns {number} its size as JSON */
const bytesOf = (value) => encoder.encode(JSON.stringify(value)).length
