// @ts-check
/** Which model answers; the choice is remembered. */
import { formatDate } from "../lib/format.js"
import { get } from "../lib/elements.js"

/** @typedef {import("./api.js").Model} Model */

export class ModelPicker {
  #select = get("#model", HTMLSelectElement)
  #note = get("#model-note", HTMLElement)
  #models
  #fallback
  #hasKey

  /**
   * @param {object} options
   * @param {Model[]} options.models
   * @param {string} options.fallback the server's default model
   * @param {import("../lib/storage.js").KeptValue} options.choice
   * @param {() => boolean} options.hasKey whether the person's own key is in use
   * @param {(model: Model) => void} options.onPick
   */
  constructor({ models, fallback, choice, hasKey, onPick }) {
    this.#models = new Map(models.map((model) => [model.id, model]))
    this.#fallback = fallback
    this.#hasKey = hasKey
    this.#restore(choice.read())
    this.describe()
    this.#select.addEventListener("change", () => {
      choice.write(this.#select.value)
      this.describe()
      onPick(this.model)
    })
  }

  /** @returns {Model} */
  get model() {
    const model = this.#models.get(this.#select.value) ?? this.#models.get(this.#fallback)
    return model ?? unknownModel(this.#select.value)
  }

  /** Say beside each model what there is to know of it. */
  describe() {
    const hasKey = this.#hasKey()
    for (const option of this.#select.options) {
      const model = this.#models.get(option.value)
      if (model) option.textContent = [model.name, shortNote(model, hasKey)].filter(Boolean).join(" · ")
    }
    const note = longNote(this.model, hasKey)
    this.#note.textContent = note
    this.#select.title = note || `Model: ${this.model.name}`
  }

  /** @param {unknown} id what was chosen on an earlier visit, if it can still be chosen */
  #restore(id) {
    const option = [...this.#select.options].find((option) => option.value === id && !option.disabled)
    if (option) this.#select.value = option.value
  }
}

/** @param {Model} model @param {boolean} hasKey @returns {string} */
function shortNote({ status, retires_on, successor }, hasKey) {
  if (status === "no_key") return hasKey ? "your key" : "needs your key"
  if (status === "retiring") return retires_on ? `retires ${formatDate(retires_on)}` : "retires soon"
  if (status === "retired") return successor ? `retired, now ${successor}` : "retired"
  return ""
}

/** @param {Model} model @param {boolean} hasKey @returns {string} */
function longNote({ name, status, retires_on, successor }, hasKey) {
  const then = successor ? ` ${successor} follows it.` : ""
  const end = retires_on ? ` It retires on ${formatDate(retires_on)}.${then}` : ""
  if (status === "no_key") return `${name} ${hasKey ? "answers with your own key" : "needs a key of your own"}.${end}`
  if (status === "retiring") return end ? `${name}:${end}` : `${name} retires soon.${then}`
  if (status === "retired") return `${name} is retired.${then}`
  return ""
}

/** @param {string} id @returns {Model} */
const unknownModel = (id) => ({
  id,
  name: id,
  provider: "",
  context_window: null,
  input_usd_per_million: null,
  output_usd_per_million: null,
  status: "available",
  retires_on: null,
  successor: null,
})
