// @ts-check
/** The day above the first message of a day. */
import { dayOf, formatDay } from "../lib/format.js"

/**
 * @param {number} at milliseconds since the epoch
 * @param {number | undefined} previousAt when the message above was written
 * @returns {HTMLElement[]} none when both are of one day
 */
export function daySeparator(at, previousAt) {
  if (previousAt !== undefined && dayOf(at) === dayOf(previousAt)) return []
  const separator = document.createElement("p")
  const time = document.createElement("time")
  separator.className = "day"
  time.dateTime = new Date(at).toISOString().slice(0, 10)
  time.textContent = formatDay(at, Date.now())
  separator.append(time)
  return [separator]
}
