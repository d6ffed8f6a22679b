// @ts-check
/** Numbers, money and times as people read them, in the language of their account, else of the page. */

const root = globalThis.document?.documentElement
export const locale = root?.dataset.locale || root?.lang || "en"
const counts = new Intl.NumberFormat(locale)
const shortCounts = new Intl.NumberFormat(locale, { notation: "compact", maximumFractionDigits: 1 })
const percents = new Intl.NumberFormat(locale, { style: "percent", maximumFractionDigits: 0 })
const clock = new Intl.DateTimeFormat(locale, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" })
const exact = new Intl.DateTimeFormat(locale, { dateStyle: "full", timeStyle: "medium", hourCycle: "h23" })
const longDay = new Intl.DateTimeFormat(locale, { weekday: "long", day: "numeric", month: "long", year: "numeric" })
const date = new Intl.DateTimeFormat(locale, { day: "numeric", month: "short", year: "numeric", timeZone: "UTC" })
const relativeDay = new Intl.RelativeTimeFormat(locale, { numeric: "auto" })

/** @param {number} count */
export const formatCount = (count) => counts.format(count)

/** @param {number} count @returns {string} such as "128K" */
export const formatShortCount = (count) => shortCounts.format(count)

/** @param {number} share 0 to 1 */
export const formatShare = (share) => (share > 0 && share < 0.01 ? `<${percents.format(0.01)}` : percents.format(share))

/** @param {number} count @param {string} unit in the singular */
export const formatUnits = (count, unit) => `${counts.format(count)} ${unit}${count === 1 ? "" : "s"}`

/**
 * Dollars with two figures that mean something: "$1.20", "$0.0031", "free".
 * @param {number} usd
 */
export function formatCost(usd) {
  if (usd === 0) return "free"
  if (usd < 0.000_001) return "under $0.000001"
  const digits = usd >= 1 ? 2 : Math.min(8, 1 - Math.floor(Math.log10(usd)))
  return `$${usd.toFixed(Math.max(2, digits))}`
}

/** @param {number} ms @returns {string} such as "1.8 s" or "2 min 5 s" */
export function formatDuration(ms) {
  const seconds = Math.round(ms / 1000)
  return ms < 59_950 ? `${(ms / 1000).toFixed(1)} s` : `${Math.floor(seconds / 60)} min ${seconds % 60} s`
}

/** @param {number} at milliseconds since the epoch @returns {string} such as "14:05" */
export const formatClock = (at) => clock.format(at)

/** @param {number} at milliseconds since the epoch */
export const formatExactTime = (at) => exact.format(at)

/** @param {string} isoDate a calendar day such as "2027-01-14" */
export const formatDate = (isoDate) => date.format(new Date(`${isoDate}T00:00:00Z`))

/** @param {number} at milliseconds since the epoch @returns {string} equal for two times of one local day */
export const dayOf = (at) => new Date(at).toDateString()

/**
 * "Today", "Yesterday", else the whole date.
 * @param {number} at milliseconds since the epoch
 * @param {number} now milliseconds since the epoch
 */
export function formatDay(at, now) {
  const midnight = (/** @type {number} */ time) => new Date(time).setHours(0, 0, 0, 0)
  const days = Math.round((midnight(at) - midnight(now)) / 86_400_000)
  if (days !== 0 && days !== -1) return longDay.format(at)
  const name = relativeDay.format(days, "day")
  return name.charAt(0).toLocaleUpperCase(locale) + name.slice(1)
}
