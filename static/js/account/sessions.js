// @ts-check
/** Where a person is signed in. */
import { get } from "../lib/elements.js"
import { call } from "./api.js"
import { nameOfDevice } from "./devices.js"
import { attempt } from "./forms.js"
import { formatAgo, formatDay } from "./moments.js"
import { newRow, showRows } from "./rows.js"

/**
 * @typedef {{ id: string, kind: "browser" | "program", agent: string, address: string, created_at: string,
 *   last_seen_at: string, current: boolean }} Session
 */

const panel = get("#sessions", HTMLElement)
const others = get("#end-others", HTMLElement)

/** @returns {() => Promise<void>} loads the list */
export function startSessions() {
  others.addEventListener("click", () => void attempt(panel, endOthers, others))
  return load
}

async function endOthers() {
  await call("DELETE", "/account/sessions")
  await load()
}

async function load() {
  /** @type {{ sessions: Session[] }} */
  const { sessions } = await call("GET", "/account/sessions")
  sessions.sort((one, other) => Number(other.current) - Number(one.current))
  showRows("session-rows", null, sessions.map(rowOf))
  others.hidden = sessions.length < 2
}

/** @param {Session} session */
function rowOf({ id, kind, agent, address, created_at, last_seen_at, current }) {
  /** @type {[string, string?][]} */
  const badges = []
  if (current) badges.push(["This device", "accent"])
  if (kind === "program") badges.push(["Program"])
  const end = async () => {
    await call("DELETE", `/account/sessions/${id}`)
    await load()
  }
  return newRow({
    title: nameOfDevice(agent),
    badges,
    facts: [address, `since ${formatDay(created_at)}`, current ? "in use now" : `last seen ${formatAgo(last_seen_at)}`],
    // Here it is signing out, for which there are buttons.
    actions: current ? [] : [{ label: "End", run: () => void attempt(panel, end) }],
  })
}
