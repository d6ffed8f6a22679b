// @ts-check
/** How the model should answer, and with whose key. */
import { get } from "../lib/elements.js"

/** @typedef {{ system: string, temperature: number | null, max_tokens: number | null }} Values null: the model's own */

/** @type {Values} */
export const DEFAULTS = { system: "", temperature: null, max_tokens: null }

export class Settings {
  #opener = get("[data-command=settings]", HTMLElement)
  #kept
  #key
  #onKey

  /**
   * @param {import("../lib/storage.js").KeptValue} kept
   * @param {import("./provider_key.js").ProviderKey} key
   * @param {() => void} onKey told when a key comes into use or is forgotten
   */
  constructor(kept, key, onKey) {
    this.#kept = kept
    this.#key = key
    this.#onKey = onKey
    this.#mark()
  }

  /** @returns {Values} */
  get values() {
    return { ...DEFAULTS, ...this.#kept.read() }
  }

  /** @param {Values} values */
  set values(values) {
    this.#kept.write(values)
    this.#mark()
  }

  /** @returns {{ temperature?: number, max_tokens?: number }} what a request says of them */
  get parameters() {
    const { temperature, max_tokens } = this.values
    return { ...(temperature !== null && { temperature }), ...(max_tokens !== null && { max_tokens }) }
  }

  /** @param {string | null} key null forgets it */
  useKey(key) {
    if (key) this.#key.use(key)
    else this.#key.forget()
    this.#onKey()
    this.#mark()
  }

  get hasKey() {
    return this.#key.value !== null
  }

  /** @param {import("./conversation.js").Conversation} conversation @param {{ forKey?: boolean }} [options] */
  async open(conversation, options) {
    const { openSettings } = await import("./settings_dialog.js")
    openSettings(this, conversation, options)
  }

  /** The button in the header tells when something here differs from the defaults. */
  #mark() {
    const { system, temperature, max_tokens } = this.values
    const isChanged = system !== "" || temperature !== null || max_tokens !== null || this.hasKey
    const label = isChanged ? "Settings (changed)" : "Settings"
    this.#opener.toggleAttribute("data-changed", isChanged)
    this.#opener.setAttribute("aria-label", label)
    this.#opener.title = label
  }
}
