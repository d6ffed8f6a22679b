// @ts-check
/** JSON kept in the browser; a browser that keeps nothing (private mode, full, forbidden) is not an error. */

export class KeptValue {
  #area
  #key

  /**
   * @param {() => Storage} area asked for at each use, since merely naming a forbidden storage throws
   * @param {string} key
   */
  constructor(area, key) {
    this.#area = area
    this.#key = key
  }

  /** @returns {any} null when nothing is kept */
  read() {
    try {
      return JSON.parse(this.#area().getItem(this.#key) ?? "null")
    } catch {
      return null
    }
  }

  /** @param {unknown} value @returns {boolean} whether it is kept now */
  write(value) {
    try {
      this.#area().setItem(this.#key, JSON.stringify(value))
      return true
    } catch {
      return false
    }
  }

  forget() {
    try {
      this.#area().removeItem(this.#key)
    } catch {
      // What could not be stored need not be removed.
    }
  }
}

/** @param {string} key @returns {KeptValue} kept until this tab is closed */
export const keptForTab = (key) => new KeptValue(() => sessionStorage, key)

/** @param {string} key @returns {KeptValue} kept until the person clears it */
export const keptForGood = (key) => new KeptValue(() => localStorage, key)
