// @ts-check
/** What an answer took, in one line for people. */
import { formatCost, formatCount, formatDuration, formatUnits } from "../lib/format.js"

/** @typedef {import("./answer.js").Answer} Answer */

/**
 * @param {Answer} answer
 * @param {string} modelName empty when it is not known
 * @returns {string} such as "gpt-4o-mini · 1,240 tokens · $0.0031 · 1.8 s"; "~" marks an estimate
 */
export function usageLine({ usage, cost_usd, elapsed_ms }, modelName) {
  const parts = modelName ? [modelName] : []
  if (usage) {
    const about = usage.estimated ? "~" : ""
    parts.push(about + formatUnits(usage.total_tokens, "token"), costText(cost_usd, about))
  }
  if (elapsed_ms != null) parts.push(formatDuration(elapsed_ms))
  return parts.join(" · ")
}

/** @param {Answer} answer @returns {string} the figures behind the line */
export function usageDetails({ usage, first_token_ms }) {
  if (!usage) return ""
  const cached = usage.cached_tokens ? ` (${formatCount(usage.cached_tokens)} of them cached)` : ""
  const reasoning = usage.reasoning_tokens ? ` (${formatCount(usage.reasoning_tokens)} of them thinking)` : ""
  const [asked, answered] = [formatCount(usage.prompt_tokens), formatCount(usage.completion_tokens)]
  const parts = [`${asked} in${cached}`, `${answered} out${reasoning}`]
  if (first_token_ms != null) parts.push(`first words after ${formatDuration(first_token_ms)}`)
  if (usage.estimated) parts.push("estimated, since the provider sent no figures")
  return parts.join(" · ")
}

/** @param {number | null | undefined} cost_usd @param {string} about */
function costText(cost_usd, about) {
  if (cost_usd == null) return "price unknown"
  return cost_usd === 0 ? formatCost(0) : about + formatCost(cost_usd)
}
