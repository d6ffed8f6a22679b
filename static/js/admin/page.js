// @ts-check
/** The administration: starts each part of the page. */
import { get } from "../lib/elements.js"
import { listenForDialogs } from "../account/asking.js"
import { attempt, listenForForms } from "../account/forms.js"
import { startAudit } from "./audit.js"
import { startGroups } from "./groups.js"
import { startInvitations } from "./invitations.js"
import { startUsers } from "./users.js"

listenForForms()
listenForDialogs()
const audit = startAudit()
const groups = startGroups()
const users = startUsers({ groups: () => groups.known, showPerson: audit.showPerson })
const invitations = startInvitations()
groups.onChange((known) => invitations.offer(known))

for (const [id, load] of Object.entries({
  users: users.load,
  groups: groups.load,
  invitations: invitations.load,
  audit: audit.load,
})) {
  void attempt(get(`#${id}`, HTMLElement), load)
}
