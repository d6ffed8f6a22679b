// @ts-check
/** When a message was written: the time beside it, the day above the first of a day. */
import { dayOf, formatClock, formatDay, formatExactTime } from "../lib/format.js"

/** @param {HTMLTimeElement} element @param {number} at milliseconds since the epoch */
export function showClock(element, at) {
  element.dateTime = new Date(at).toISOString()
  element.textContent = formatClock(at)
  element.title = formatExactTime(at)
}

/**
 * @param {number} at
 * @param {number | undefined} previousAt when the message above was written
 * @returns {HTMLElement | null} null when both are of one day
 */
export function daySeparator(at, previousAt) {
  if (previousAt !== undefined && dayOf(at) === dayOf(previousAt)) return null
  const separator = document.createElement("p")
  const time = document.createElement("time")
  separator.className = "day"
  time.dateTime = new Date(at).toISOString().slice(0, 10)
  time.textContent = formatDay(at, Date.now())
  separator.append(time)
  return separator
}
