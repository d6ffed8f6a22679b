// @ts-check
/** Groups of accounts. */
import { get } from "../lib/elements.js"
import { formatUnits } from "../lib/format.js"
import { call } from "../account/api.js"
import { ask } from "../account/asking.js"
import { attempt } from "../account/forms.js"
import { newRow } from "../account/rows.js"
import { Pager } from "./pager.js"

/** @typedef {{ id: string, name: string, members: number }} Group */

/** @returns {{ load: () => Promise<void>, known: Group[], onChange: (tell: (known: Group[]) => void) => void }} */
export function startGroups() {
  const panel = get("#groups", HTMLElement)
  const form = get("#group-form", HTMLFormElement)
  const list = get("#group-rows", HTMLElement)
  /** @type {Group[]} */
  let known = []
  /** @type {(known: Group[]) => void} */
  let tell = () => {}

  /** @type {Pager<Group>} */
  const pager = new Pager("groups", () => "/admin/groups?limit=100", ({ groups }) => groups, (groups, isFirst) => {
    known = isFirst ? groups : [...known, ...groups]
    list.replaceChildren(...known.map((group) => rowOf(group, rename, remove)))
    get("#groups-empty", HTMLElement).hidden = known.length > 0
    tell(known)
  })

  /** @param {Group} group */
  async function rename({ id, name }) {
    const field = { label: "Name", value: name }
    const wanted = await ask({ title: "Rename the group", text: "Its members stay in it.", yes: "Save", field })
    if (!wanted || wanted === name) return
    await call("PATCH", `/admin/groups/${id}`, { name: wanted })
    await pager.load()
  }

  /** @param {Group} group */
  async function remove({ id, name }) {
    const text = `Who is in “${name}” keeps their account. Invitations into it end.`
    if ((await ask({ title: "Delete the group?", text, yes: "Delete", isDanger: true })) === null) return
    await call("DELETE", `/admin/groups/${id}`)
    await pager.load()
  }

  /** @param {Group} group @param {(group: Group) => Promise<void>} act */
  const run = (group, act) => () => void attempt(panel, () => act(group))

  /** @param {Group} group @param {typeof rename} rename @param {typeof remove} remove */
  function rowOf(group, rename, remove) {
    return newRow({
      title: group.name,
      facts: [formatUnits(group.members, "member")],
      actions: [
        { label: "Rename", run: run(group, rename) },
        { label: "Delete", isDanger: true, run: run(group, remove) },
      ],
    })
  }

  form.addEventListener("submit", (event) => {
    event.preventDefault()
    const add = async () => {
      await call("POST", "/admin/groups", { name: get("#group-name", HTMLInputElement).value })
      form.reset()
      await pager.load()
    }
    void attempt(panel, add, event.submitter)
  })
  return {
    load: pager.load,
    get known() {
      return known
    },
    onChange: (told) => (tell = told),
  }
}
