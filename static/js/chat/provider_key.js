// @ts-check
/** The person's own provider key: in this tab only, in a header only. */

/** @typedef {import("../lib/storage.js").KeptValue} KeptValue */

export class ProviderKey {
  #kept

  /** @param {KeptValue} kept for this tab */
  constructor(kept) {
    this.#kept = kept
  }

  /** @returns {string | null} */
  get value() {
    const key = this.#kept.read()
    return typeof key === "string" && key ? key : null
  }

  /** @param {string} key fit to be sent in a header */
  use(key) {
    this.#kept.write(key)
  }

  forget() {
    this.#kept.forget()
  }
}
