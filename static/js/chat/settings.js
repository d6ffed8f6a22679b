// @ts-check
/** The settings dialog: how the model should answer, and with whose key. */
import { get } from "../lib/elements.js"
import { ProviderKey } from "./provider_key.js"

/** @typedef {{ system: string, temperature: number | null, max_tokens: number | null }} Values null: the model's own */

/** @type {Values} */
const DEFAULTS = { system: "", temperature: null, max_tokens: null }

export class Settings {
  #dialog = get("#settings", HTMLDialogElement)
  #system = get("#system-prompt", HTMLTextAreaElement)
  #temperature = get("#temperature", HTMLInputElement)
  #maxTokens = get("#max-tokens", HTMLInputElement)
  #keyInput = get("#provider-key", HTMLInputElement)
  #keyError = get("#key-error", HTMLElement)
  #forget = get("#forget-key", HTMLButtonElement)
  #opener = get("[data-command=settings]", HTMLElement)
  #kept
  #key
  #onKey

  /**
   * @param {import("../lib/storage.js").KeptValue} kept
   * @param {ProviderKey} key
   * @param {() => void} onKey told when a key comes into use or is forgotten
   */
  constructor(kept, key, onKey) {
    this.#kept = kept
    this.#key = key
    this.#onKey = onKey
    get("#settings-form", HTMLFormElement).addEventListener("submit", (event) => {
      if (!this.#save()) event.preventDefault()
    })
    get("#reset-settings", HTMLElement).addEventListener("click", () => this.#fill(DEFAULTS))
    this.#forget.addEventListener("click", () => this.#forgetKey())
    this.#keyInput.addEventListener("input", () => this.#showFault(""))
    this.#mark()
  }

  /** @returns {Values} */
  get values() {
    return { ...DEFAULTS, ...this.#kept.read() }
  }

  /** @returns {{ temperature?: number, max_tokens?: number }} what a request says of them */
  get parameters() {
    const { temperature, max_tokens } = this.values
    return { ...(temperature !== null && { temperature }), ...(max_tokens !== null && { max_tokens }) }
  }

  /** @param {{ forKey?: boolean }} [options] puts the focus into the key's field */
  open({ forKey = false } = {}) {
    if (this.#dialog.open) return
    this.#fill(this.values)
    this.#keyInput.value = ""
    this.#showKey()
    this.#dialog.showModal()
    if (forKey) this.#keyInput.focus()
  }

  /** @param {Values} values */
  #fill({ system, temperature, max_tokens }) {
    this.#system.value = system
    this.#temperature.value = String(temperature ?? "")
    this.#maxTokens.value = String(max_tokens ?? "")
  }

  /** @returns {boolean} false when the key cannot be one; the form itself checks the numbers */
  #save() {
    const key = this.#keyInput.value.trim()
    const fault = key && ProviderKey.faultOf(key)
    this.#showFault(fault)
    if (fault) return false
    if (key) {
      this.#key.use(key)
      this.#onKey()
    }
    this.#keyInput.value = ""
    this.#kept.write({
      system: this.#system.value.trim(),
      temperature: numberIn(this.#temperature),
      max_tokens: numberIn(this.#maxTokens),
    })
    this.#mark()
    return true
  }

  #forgetKey() {
    this.#key.forget()
    this.#onKey()
    this.#showKey()
    this.#mark()
    this.#keyInput.focus()
  }

  #showKey() {
    const hasKey = this.#key.value !== null
    this.#showFault("")
    this.#forget.hidden = !hasKey
    this.#keyInput.placeholder = hasKey ? "A key is in use; type to replace it" : "sk-…"
  }

  /** @param {string} fault */
  #showFault(fault) {
    this.#keyError.textContent = fault
    this.#keyInput.setAttribute("aria-invalid", String(fault !== ""))
    if (fault) this.#keyInput.focus()
  }

  /** The button in the header tells when something here differs from the defaults. */
  #mark() {
    const { system, temperature, max_tokens } = this.values
    const isChanged = system !== "" || temperature !== null || max_tokens !== null || this.#key.value !== null
    const label = isChanged ? "Settings (changed)" : "Settings"
    this.#opener.toggleAttribute("data-changed", isChanged)
    this.#opener.setAttribute("aria-label", label)
    this.#opener.title = label
  }
}

/** @param {HTMLInputElement} input @returns {number | null} */
const numberIn = (input) => (Number.isNaN(input.valueAsNumber) ? null : input.valueAsNumber)
