// @ts-check
/** Days and times of an account's things, in the language of its owner. */
import { locale } from "../lib/format.js"

const day = new Intl.DateTimeFormat(locale, { dateStyle: "medium" })
const moment = new Intl.DateTimeFormat(locale, { dateStyle: "medium", timeStyle: "short" })
const relative = new Intl.RelativeTimeFormat(locale, { numeric: "auto" })

const STEPS = /** @type {const} */ ([
  ["minute", 60],
  ["hour", 3600],
  ["day", 86_400],
])
/** From here on the date says more. */
const LONGEST_RELATIVE_S = 14 * 86_400

/** @param {string} iso @returns {string} such as "Nov 20, 2026" */
export const formatDay = (iso) => day.format(new Date(iso))

/** @param {string} iso @returns {string} such as "Nov 20, 2026, 3:04 PM" */
export const formatMoment = (iso) => moment.format(new Date(iso))

/** @param {string} iso @returns {string} such as "2 hours ago"; the date when that is long ago */
export function formatAgo(iso) {
  const seconds = (new Date(iso).getTime() - Date.now()) / 1000
  if (Math.abs(seconds) < 60) return "just now"
  if (Math.abs(seconds) > LONGEST_RELATIVE_S) return `on ${formatDay(iso)}`
  const [unit, length] = STEPS.findLast(([, length]) => Math.abs(seconds) >= length) ?? STEPS[0]
  return relative.format(Math.round(seconds / length), unit)
}
