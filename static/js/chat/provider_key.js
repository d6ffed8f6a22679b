// @ts-check
/** The person's own provider key: in this tab only, in a header only. */

/** @typedef {import("../lib/storage.js").KeptValue} KeptValue */

const SHORTEST = 8
const LONGEST = 512

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

  /** @param {string} key one that `faultOf` finds nothing wrong with */
  use(key) {
    this.#kept.write(key)
  }

  forget() {
    this.#kept.forget()
  }

  /** @param {string} key @returns {string} what is wrong with it; empty when it may be sent in a header */
  static faultOf(key) {
    if (!/^[!-~]*$/.test(key)) return "A key has no spaces and only plain letters, digits and signs."
    return key.length < SHORTEST || key.length > LONGEST ? `A key has ${SHORTEST} to ${LONGEST} characters.` : ""
  }
}
