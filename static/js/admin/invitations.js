// @ts-check
/** Invitations: links with which people create accounts. */
import { get } from "../lib/elements.js"
import { call } from "../account/api.js"
import { attempt, onSubmit } from "../account/forms.js"
import { formatDay } from "../account/moments.js"
import { newRow } from "../account/rows.js"
import { Pager } from "./pager.js"

/**
 * @typedef {{ id: string, email: string | null, role: "user" | "admin", group: { id: string, name: string } | null,
 *   created_at: string, expires_at: string, used_at: string | null }} Invitation
 */

const panel = get("#invitations", HTMLElement)
const list = get("#invitation-rows", HTMLElement)
const form = get("#invitation-form", HTMLFormElement)
const adding = get("#invitation-adding", HTMLDetailsElement)
const fresh = get("#new-invitation", HTMLElement)

/** @returns {{ load: () => Promise<void>, offer: (groups: { id: string, name: string }[]) => void }} */
export function startInvitations() {
  /** @type {Pager<Invitation>} */
  const pager = new Pager("invitations", () => "/admin/invitations", (answer) => answer.invitations, show)

  /** @param {Invitation[]} found @param {boolean} isFirst */
  function show(found, isFirst) {
    const rows = found.map((invitation) => rowOf(invitation, withdraw))
    if (isFirst) list.replaceChildren(...rows)
    else list.append(...rows)
    get("#invitations-empty", HTMLElement).hidden = list.childElementCount > 0
  }

  /** @param {Invitation} invitation */
  async function withdraw({ id }) {
    await call("DELETE", `/admin/invitations/${id}`)
    forgetFresh()
    await pager.load()
  }

  adding.addEventListener("toggle", () => {
    if (!adding.open) return
    forgetFresh()
    get("#invitation-email", HTMLInputElement).focus()
  })
  onSubmit(form, async ({ email, role, group_id, expires_in_days }) => {
    const wanted = { email, role, group_id, expires_in_days: Number(expires_in_days) }
    const { url } = await call("POST", "/admin/invitations", wanted)
    form.reset()
    adding.open = false
    get("#invitation-link", HTMLElement).textContent = url
    fresh.hidden = false
    fresh.focus()
    await pager.load()
  })
  return { load: pager.load, offer }
}

/** @param {{ id: string, name: string }[]} groups to invite people into */
function offer(groups) {
  const select = get("#invitation-group", HTMLSelectElement)
  const chosen = select.value
  select.replaceChildren(new Option("None", ""), ...groups.map(({ id, name }) => new Option(name, id)))
  select.value = groups.some(({ id }) => id === chosen) ? chosen : ""
}

/** @param {Invitation} invitation @param {(invitation: Invitation) => Promise<void>} withdraw */
function rowOf(invitation, withdraw) {
  const { email, role, group, created_at, expires_at, used_at } = invitation
  const isOver = new Date(expires_at) < new Date()
  const run = () => void attempt(panel, () => withdraw(invitation))
  return newRow({
    title: email ?? "Whoever has the link",
    badges: used_at ? [["Used", "success"]] : isOver ? [["Ended", "warning"]] : [],
    facts: [
      role === "admin" && "as administrator",
      group && `into ${group.name}`,
      `made on ${formatDay(created_at)}`,
      used_at ? `used on ${formatDay(used_at)}` : `${isOver ? "ended" : "ends"} on ${formatDay(expires_at)}`,
    ],
    actions: used_at ? [] : [{ label: isOver ? "Remove" : "Withdraw", isDanger: true, run }],
  })
}

function forgetFresh() {
  fresh.hidden = true
  get("#invitation-link", HTMLElement).textContent = ""
}
