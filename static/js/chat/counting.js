// @ts-check
/** Has what stands in the composer counted, by a part of the page that comes with the first word. */
import { get } from "../lib/elements.js"

/** @typedef {import("./counter.js").Counter} Counter */

export class Counting {
  #options
  /** @type {Promise<Counter> | undefined} */
  #counter

  /** @param {import("./counter.js").Options} options */
  constructor(options) {
    this.#options = options
  }

  /** @param {string} text */
  async count(text) {
    if (!this.#counter && !text) return
    try {
      this.#counter ??= this.#load()
      const counter = await this.#counter
      counter.count(text)
    } catch {
      // A count is not worth a word; the next key press tries again.
      this.#counter = undefined
    }
  }

  async #load() {
    const { Counter } = await import("./counter.js")
    return new Counter(get("#counter", HTMLElement), this.#options)
  }
}
