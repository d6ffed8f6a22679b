// @ts-check
/** The audit log: what happened that matters to security. */
import { get } from "../lib/elements.js"
import { attempt } from "../account/forms.js"
import { formatMoment } from "../account/moments.js"
import { Pager } from "./pager.js"

/**
 * @typedef {{ id: string, name: string | null, email: string | null }} Person
 * @typedef {{ id: number, at: string, kind: string, actor: Person | null, subject: Person | null, address: string,
 *   request_id: string, facts: Record<string, unknown> }} AuditEvent
 */

const panel = get("#audit", HTMLElement)
const body = get("#audit-rows", HTMLElement)
const kind = get("#audit-kind", HTMLSelectElement)
const chosen = get("#audit-person", HTMLButtonElement)

/** @returns {{ load: () => Promise<void>, showPerson: (id: string, name: string) => void }} */
export function startAudit() {
  let person = ""
  /** @type {Pager<AuditEvent>} */
  const pager = new Pager("audit", () => addressOf(kind.value, person), ({ events }) => events, (events, isFirst) => {
    const rows = events.map(rowOf)
    if (isFirst) body.replaceChildren(...rows)
    else body.append(...rows)
    get("#audit-empty", HTMLElement).hidden = body.childElementCount > 0
  })
  const reload = (/** @type {Element | null} */ button = null) => void attempt(panel, pager.load, button)

  /** @param {string} id empty for everybody @param {string} name */
  function choose(id, name) {
    person = id
    chosen.hidden = !id
    chosen.textContent = `${name} ×`
    chosen.ariaLabel = `Show everybody, not only ${name}`
    reload()
  }

  get("#audit-form", HTMLFormElement).addEventListener("submit", (event) => {
    event.preventDefault()
    reload(event.submitter)
  })
  kind.addEventListener("change", () => reload())
  chosen.addEventListener("click", () => {
    choose("", "")
    kind.focus()
  })
  return {
    load: pager.load,
    showPerson: (id, name) => {
      choose(id, name)
      panel.scrollIntoView()
      kind.focus({ preventScroll: true })
    },
  }
}

/** @param {string} kind @param {string} person */
function addressOf(kind, person) {
  const query = new URLSearchParams({ ...(kind && { kind }), ...(person && { person }) })
  return query.size ? `/admin/audit?${query}` : "/admin/audit"
}

/** @param {AuditEvent} event */
function rowOf({ at, kind, actor, subject, address, request_id, facts }) {
  const row = document.createElement("tr")
  const time = document.createElement("time")
  Object.assign(time, { dateTime: at, textContent: formatMoment(at) })
  const code = Object.assign(document.createElement("code"), { textContent: kind })
  const isSelf = actor !== null && actor.id === subject?.id
  const more = Object.entries(facts).map(([name, value]) => `${name}: ${textOf(value)}`)
  row.title = request_id ? `Request ${request_id}` : ""
  row.append(
    cell(time),
    cell(code),
    cell(nameOf(actor), "auto"),
    cell(isSelf ? "" : nameOf(subject), "auto"),
    cell(address),
    cell(more.join(", ")),
  )
  return row
}

/** @param {string | HTMLElement} content @param {string} [dir] */
function cell(content, dir = "") {
  const made = document.createElement("td")
  made.append(content)
  if (dir) made.dir = dir
  return made
}

/** @param {unknown} value */
const textOf = (value) => (Array.isArray(value) ? value.join(" ") : String(value))

/** @param {Person | null} person */
const nameOf = (person) => (person ? (person.name ?? `gone (${person.id.slice(0, 8)}…)`) : "")
