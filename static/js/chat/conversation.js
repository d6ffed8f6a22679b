// @ts-check
/** The conversation this page shows: the messages of one path through it, from the oldest that is loaded on. */
import { answerOf } from "./answer.js"

/**
 * @typedef {import("./api.js").Message} Message
 * @typedef {object} Question
 * @property {"user"} role
 * @property {string} id empty until the server has it
 * @property {string | null} parent_id
 * @property {string[]} siblings versions of the same question in order, this one included
 * @property {string} text
 * @property {number} at in milliseconds since the epoch
 * @property {boolean} pinned always told to the model
 * @typedef {import("./answer.js").Answer} Answer
 * @typedef {Question | Answer} Entry
 */

/** @param {string} text @param {string | null} parent_id @param {string[]} siblings @returns {Question} */
export const newQuestion = (text, parent_id, siblings) => ({
  role: "user",
  id: "",
  parent_id,
  siblings,
  text,
  at: Date.now(),
  pinned: false,
})

/** @param {Message} message @returns {Entry} */
export function entryOf(message) {
  if (message.role === "assistant") return answerOf(message)
  const { id, parent_id, siblings, text, pinned, created_at } = message
  return { role: "user", id, parent_id, siblings, text, pinned, at: Date.parse(created_at) }
}

export class Conversation {
  /** @type {Entry[]} */
  #entries = []
  /** @type {string | null} the newest message that the server told of */
  headId = null
  /** Whether older messages than the first can be loaded. */
  hasOlder
  /** Nothing of it is kept anywhere. */
  isTemporary = false

  /** @param {{ conversation: import("./api.js").StoredConversation | null, messages: Message[], more: boolean }} data */
  constructor({ conversation, messages, more }) {
    /** @type {string | null} null until the server has it */
    this.id = conversation?.id ?? null
    this.title = conversation?.title ?? ""
    this.isSummarised = conversation?.summarise ?? true
    this.headId = conversation?.head_id ?? null
    this.hasOlder = more
    this.#entries = messages.map(entryOf)
  }

  /** @returns {readonly Entry[]} */
  get entries() {
    return this.#entries
  }

  get isEmpty() {
    return this.#entries.length === 0
  }

  /** @returns {string | null} the last message that the server has, which the next one follows */
  get tipId() {
    return this.#entries.findLast((entry) => entry.id)?.id ?? null
  }

  /** @returns {Question | undefined} */
  get lastQuestion() {
    return /** @type {Question | undefined} */ (this.#entries.findLast((entry) => entry.role === "user"))
  }

  /** @returns {Answer | undefined} */
  get lastAnswer() {
    return /** @type {Answer | undefined} */ (this.#entries.findLast((entry) => entry.role === "assistant"))
  }

  /** @param {Answer} answer @returns {Question | undefined} what it answers */
  questionOf(answer) {
    const before = this.#entries.slice(0, this.#entries.indexOf(answer))
    return /** @type {Question | undefined} */ (before.findLast((entry) => entry.role === "user"))
  }

  /** @param {string | null} id */
  has(id) {
    return this.#entries.some((entry) => entry.id === id)
  }

  /** @param {Entry} entry */
  append(entry) {
    this.#entries.push(entry)
  }

  /** @param {Entry[]} entries that came before the first */
  prepend(entries) {
    this.#entries.unshift(...entries)
  }

  /** @param {Entry} entry it and all after it are no longer shown */
  dropFrom(entry) {
    const index = this.#entries.indexOf(entry)
    if (index >= 0) this.#entries.length = index
  }
}
