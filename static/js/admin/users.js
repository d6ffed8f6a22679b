// @ts-check
/** Everybody who has an account. */
import { get } from "../lib/elements.js"
import { formatUnits } from "../lib/format.js"
import { attempt } from "../account/forms.js"
import { formatAgo, formatDay } from "../account/moments.js"
import { newRow } from "../account/rows.js"
import { Manage } from "./manage.js"
import { Pager } from "./pager.js"

/**
 * @typedef {{ id: string, name: string }} Group
 * @typedef {{ id: string, email: string, name: string, role: "user" | "admin", created_at: string,
 *   confirmed_at: string | null, last_seen_at: string | null, suspended_at: string | null, has_password: boolean,
 *   has_totp: boolean, groups: Group[] }} User
 */

/**
 * @param {{ groups: () => Group[], showPerson: (id: string, name: string) => void }} around
 * @returns {{ load: () => Promise<void> }}
 */
export function startUsers(around) {
  const panel = get("#users", HTMLElement)
  const list = get("#user-rows", HTMLElement)
  const query = get("#user-query", HTMLInputElement)
  const manage = new Manage({ ...around, onChange: () => void attempt(panel, pager.load) })

  const address = () => (query.value.trim() ? `/admin/users?q=${encodeURIComponent(query.value.trim())}` : "/admin/users")
  /** @type {Pager<User>} */
  const pager = new Pager("users", address, ({ users }) => users, (users, isFirst) => {
    const rows = users.map((user) => rowOf(user, () => manage.open(user)))
    if (isFirst) list.replaceChildren(...rows)
    else list.append(...rows)
    get("#users-empty", HTMLElement).hidden = list.childElementCount > 0
    get("#users-status", HTMLElement).textContent = `${formatUnits(list.childElementCount, "user")} shown.`
  })

  get("#user-search", HTMLFormElement).addEventListener("submit", (event) => {
    event.preventDefault()
    void attempt(panel, pager.load, event.submitter)
  })
  // Emptying the field by its own cross shows everybody again.
  query.addEventListener("search", () => query.value || void attempt(panel, pager.load))
  return pager
}

/** @param {User} user @param {() => void} manage */
function rowOf({ email, name, role, confirmed_at, created_at, suspended_at, last_seen_at, groups }, manage) {
  /** @type {[string, string?][]} */
  const badges = []
  if (role === "admin") badges.push(["Administrator", "accent"])
  if (suspended_at) badges.push(["Suspended", "danger"])
  if (!confirmed_at) badges.push(["Address not confirmed", "warning"])
  return newRow({
    title: name,
    badges,
    facts: [
      email,
      groups.map((group) => group.name).join(", "),
      `since ${formatDay(created_at)}`,
      last_seen_at && `last seen ${formatAgo(last_seen_at)}`,
    ],
    actions: [{ label: "Manage", run: manage, name: `Manage ${name}, ${email}` }],
  })
}
