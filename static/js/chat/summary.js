// @ts-check
/** The line that says which messages the model is told in short, and in what words. */
import { cloneElement, get } from "../lib/elements.js"
import { formatUnits } from "../lib/format.js"
import { readMessages } from "./api.js"

/** @typedef {import("./api.js").Summary} Summary */

/** @param {import("./page.js").Shown} shown */
export async function refreshSummary({ conversation, log }) {
  const { summary } = await readMessages(conversation.id, "")
  showSummary(summary, log)
}

/** @param {Summary | null} summary @param {HTMLElement} log */
export function showSummary(summary, log) {
  const shown = log.querySelector(".summary")
  if (!summary) return shown?.remove()
  const element = shown ?? cloneElement("summary-template")
  get(".summary__count", HTMLElement, element).textContent = formatUnits(summary.covers, "message")
  get(".summary__text", HTMLElement, element).textContent = summary.text
  const last = document.getElementById(`m-${summary.until_id}`)
  if (last) last.after(element)
  else log.prepend(element)
}
