// @ts-check
/** The service page's model table, refreshed from the server. */
import "./site.js"
import { formatClock } from "./lib/format.js"

/**
 * @typedef {{ id: string, name: string, provider: string, context_window: number | null,
 *   max_output_tokens: number | null, input_usd_per_million: number | null, output_usd_per_million: number | null,
 *   abilities: string[], status: string, retires_on: string | null, successor: string | null }} Model
 */

const counts = new Intl.NumberFormat("en")

/** @param {string} tag @param {string} className @param {...(string | Node)} children */
function element(tag, className, ...children) {
  const made = document.createElement(tag)
  if (className) made.className = className
  made.append(...children)
  return made
}

/** @param {number | null} count */
const tokens = (count) => (count === null ? "unknown" : counts.format(count))

/** @param {number | null} usd per million tokens */
function price(usd) {
  if (usd === null) return "unknown"
  if (usd === 0) return "free"
  return Math.abs(usd * 100 - Math.round(usd * 100)) < 1e-6 ? usd.toFixed(2) : String(Number(usd.toPrecision(4)))
}

/** @type {Record<string, [word: string, tone: string]>} */
const STATUSES = {
  available: ["Available", " badge--success"],
  no_key: ["Needs a key", ""],
  retiring: ["Retiring", " badge--warning"],
  retired: ["Retired", " badge--danger"],
}

/** @param {Model} model @returns {Node[]} */
function status({ status, retires_on, successor }) {
  const [word, tone] = STATUSES[status] ?? [status, ""]
  const badge = element("span", `badge${tone}`, word)
  if (!retires_on) return [badge]
  const when = status === "retired" ? "since " : "until "
  const note = element("span", "models__note", when, element("time", "", retires_on))
  if (successor) note.append(`, then ${successor}`)
  return [badge, note]
}

/** The same row as templates/_models.html writes. @param {Model} model @param {string} defaultModel */
function row(model, defaultModel) {
  const head = element("th", "", element("code", "", model.id))
  head.setAttribute("scope", "row")
  if (model.id === defaultModel) head.append(" ", element("span", "badge badge--accent", "Default"))
  head.append(element("span", "models__note", `${model.name} · ${model.provider}`))
  return element(
    "tr",
    "",
    head,
    element("td", "", ...status(model)),
    element("td", "number", tokens(model.context_window)),
    element("td", "number", tokens(model.max_output_tokens)),
    element("td", "number", price(model.input_usd_per_million)),
    element("td", "number", price(model.output_usd_per_million)),
    element("td", "", model.abilities.join(", ")),
  )
}

/**
 * Ask which models there are and show them; what stands there stays when that fails.
 *
 * @param {HTMLElement} body of the table
 * @returns {Promise<string>} a sentence on how it went
 */
async function refresh(body) {
  try {
    const response = await fetch("/models", { headers: { accept: "application/json" } })
    if (!response.ok) return `The list could not be refreshed (status ${response.status}).`
    const { models, default: defaultModel } = await response.json()
    body.replaceChildren(...models.map((/** @type {Model} */ model) => row(model, defaultModel)))
    return `${counts.format(models.length)} models · checked at ${formatClock(Date.now())}`
  } catch (error) {
    if (error instanceof TypeError) return "The list could not be refreshed: the server did not answer."
    throw error
  }
}

const body = document.querySelector("[data-models]")
const button = document.querySelector("[data-models-refresh]")
const report = document.querySelector("[data-models-status]")
if (body instanceof HTMLElement && button instanceof HTMLButtonElement && report) {
  const run = async () => {
    // Not `disabled`: that would take the keyboard's place away.
    button.setAttribute("aria-disabled", "true")
    report.textContent = await refresh(body)
    button.removeAttribute("aria-disabled")
  }
  button.addEventListener("click", () => button.hasAttribute("aria-disabled") || run())
  run()
}
