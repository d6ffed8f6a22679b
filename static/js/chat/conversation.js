// @ts-check
/** The conversation of this tab: what was said, in order, kept so that a reload loses nothing. */

/**
 * @typedef {import("./api.js").WireMessage} WireMessage
 * @typedef {import("../lib/storage.js").KeptValue} KeptValue
 * @typedef {{ role: "user", id: number, text: string, at: number }} Question  `at` in milliseconds since the epoch
 * @typedef {import("./answer.js").Answer} Answer
 * @typedef {Question | Answer} Entry
 */

const TITLE_LENGTH = 60
/** A little less than the server takes in one request unless it is set up otherwise. */
const MOST_MESSAGES = 1_900
const MOST_BYTES = 900_000
const encoder = new TextEncoder()

export class Conversation {
  /** @type {Entry[]} */
  #entries = []
  #nextId = 1
  #kept

  /** @param {KeptValue} kept */
  constructor(kept) {
    this.#kept = kept
    const entries = kept.read()
    if (Array.isArray(entries)) this.replace(entries.filter(isEntry))
  }

  /** @returns {readonly Entry[]} */
  get entries() {
    return this.#entries
  }

  get isEmpty() {
    return this.#entries.length === 0
  }

  /** @returns {string} the first line that was asked, shortened; empty for a new conversation */
  get title() {
    const line = this.#entries.find((entry) => entry.role === "user")?.text.trim().split("\n", 1)[0] ?? ""
    return line.length > TITLE_LENGTH ? `${line.slice(0, TITLE_LENGTH).trimEnd()}…` : line
  }

  /** @param {Entry[]} entries of an earlier page; an answer that was still arriving then was cut off */
  replace(entries) {
    this.#entries = entries
    for (const entry of entries) {
      entry.id = this.#nextId++
      if (entry.role === "assistant" && (entry.state === "waiting" || entry.state === "streaming")) entry.state = "cut"
    }
  }

  /**
   * @template {Entry} T
   * @param {T} entry
   * @returns {T} the same entry, with its id
   */
  append(entry) {
    entry.id = this.#nextId++
    this.#entries.push(entry)
    this.save()
    return entry
  }

  /** @param {number} id @returns {Entry | undefined} */
  find(id) {
    return this.#entries.find((entry) => entry.id === id)
  }

  /** @returns {Question | undefined} */
  get lastQuestion() {
    return /** @type {Question | undefined} */ (this.#entries.findLast((entry) => entry.role === "user"))
  }

  /** @returns {Answer | undefined} */
  get lastAnswer() {
    return /** @type {Answer | undefined} */ (this.#entries.findLast((entry) => entry.role === "assistant"))
  }

  /** @returns {import("./api.js").Context | undefined} of the last answer that told how much was in use */
  get lastContext() {
    const contexts = this.#entries.map((entry) => (entry.role === "assistant" ? entry.context : undefined))
    return contexts.findLast((context) => context?.used_tokens !== undefined)
  }

  /** @param {number} id this entry and all after it are dropped */
  dropFrom(id) {
    const index = this.#entries.findIndex((entry) => entry.id === id)
    if (index >= 0) this.#entries.length = index
    this.save()
  }

  clear() {
    this.#entries = []
    this.#kept.forget()
  }

  /**
   * What a model is told: the system prompt, if any, and the newest messages that one request takes.
   * An answer that never began says nothing.
   *
   * @param {string} systemPrompt
   * @returns {{ messages: WireMessage[], left_out: number }}
   */
  messages(systemPrompt) {
    const system = wireMessages("system", systemPrompt)
    const said = this.#entries.flatMap(({ role, text }) => wireMessages(role, text))
    let bytes = bytesOf(system)
    let first = said.length
    while (first > 0 && said.length - first < MOST_MESSAGES) {
      bytes += bytesOf(said[first - 1])
      // The question itself always goes: whether it is too long is for the server to say.
      if (bytes > MOST_BYTES && first < said.length) break
      first -= 1
    }
    return { messages: [...system, ...said.slice(first)], left_out: first }
  }

  /** A tab's storage is small: when the whole does not fit, the rendered answers go before the words do. */
  save() {
    if (this.#kept.write(this.#entries)) return
    this.#kept.write(
      this.#entries.map((entry) => (entry.role === "user" ? entry : { ...entry, blocks: [], rest: entry.text })),
    )
  }
}

/**
 * @param {any} value what an earlier version of this page may have kept
 * @returns {value is Entry}
 */
function isEntry(value) {
  if (typeof value?.text !== "string" || typeof value.at !== "number") return false
  if (value.role === "user") return true
  return value.role === "assistant" && Array.isArray(value.blocks) && Array.isArray(value.notices)
}

/** @param {WireMessage["role"]} role @param {string} content @returns {WireMessage[]} none for empty content */
const wireMessages = (role, content) => (content ? [{ role, content }] : [])

/** @param {unknown} value @returns {number} its size as JSON */
const bytesOf = (value) => encoder.encode(JSON.stringify(value)).length
