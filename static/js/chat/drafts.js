// @ts-check
/** What was written and not yet sent, kept in the browser for each conversation. */
import { keptForGood } from "../lib/storage.js"

const PREFIX = "chat.draft."
const MOST_DRAFTS = 50

export class Draft {
  #kept
  /** Off in a temporary chat. */
  isKept = true

  /** @param {string | null} conversationId null for one that has not begun */
  constructor(conversationId) {
    this.#kept = keptFor(conversationId)
    forgetOldest()
  }

  get text() {
    return String(this.#kept.read()?.text ?? "")
  }

  /** @param {string} text */
  keep(text) {
    if (text && this.isKept) this.#kept.write({ text, at: Date.now() })
    else this.#kept.forget()
  }

  /** @param {string | null} conversationId where it belongs from now on; null for one that has not begun */
  moveTo(conversationId) {
    this.#kept.forget()
    this.#kept = keptFor(conversationId)
  }
}

/** @param {string | null} conversationId */
const keptFor = (conversationId) => keptForGood(PREFIX + (conversationId ?? "new"))

function forgetOldest() {
  try {
    const kept = Object.keys(localStorage)
      .filter((key) => key.startsWith(PREFIX))
      .map((key) => ({ draft: keptForGood(key), at: Number(keptForGood(key).read()?.at ?? 0) }))
    for (const { draft } of kept.sort((a, b) => b.at - a.at).slice(MOST_DRAFTS)) draft.forget()
  } catch {
    // A browser that keeps nothing has nothing to forget.
  }
}
