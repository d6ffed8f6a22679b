// @ts-check
/** The accounts elsewhere with which a person can sign in here. */
import { call, requestSignedIn } from "./api.js"
import { ask } from "./asking.js"
import { attempt } from "./forms.js"
import { newRow, showRows } from "./rows.js"

/**
 * @param {() => Promise<void>} refresh
 * @returns {(account: import("./settings.js").Account) => void} shows how things stand
 */
export function startIdentities(refresh) {
  const panel = document.querySelector("#connected")
  if (!(panel instanceof HTMLElement)) return () => {}

  /** @param {string} host */
  async function disconnect(host) {
    const text = `You then no longer sign in here with ${host}. Your account there stays as it is.`
    if ((await ask({ title: "Disconnect?", text, yes: "Disconnect", isDanger: true })) === null) return
    await call("DELETE", `/account/identities/${encodeURIComponent(host)}`)
    await refresh()
  }

  const form = document.querySelector("#connect-form")
  if (form instanceof HTMLFormElement) connectConfirmed(form, panel)
  return ({ identities }) => {
    const rows = identities.map((issuer) => {
      const { host } = new URL(issuer)
      const run = () => void attempt(panel, () => disconnect(host))
      return newRow({ title: host, facts: [], actions: [{ label: "Disconnect", isDanger: true, run }] })
    })
    showRows("identity-rows", "identities-empty", rows)
  }
}

/**
 * A form cannot ask for a proof of who they are: the same request goes before it and does.
 *
 * @param {HTMLFormElement} form
 * @param {HTMLElement} panel
 */
function connectConfirmed(form, panel) {
  let isConfirmed = false
  form.addEventListener("submit", (event) => {
    if (isConfirmed) return
    event.preventDefault()
    void attempt(
      panel,
      async () => {
        await requestSignedIn("POST", "/account/identities")
        isConfirmed = true
        form.requestSubmit()
      },
      event.submitter,
    )
  })
}
