// @ts-check
/** The dialog for one account: role, groups, and what an administrator may do with it. */
import { get } from "../lib/elements.js"
import { call } from "../account/api.js"
import { ask } from "../account/asking.js"
import { attempt, onSubmit, say } from "../account/forms.js"
import { formatMoment } from "../account/moments.js"

/** @typedef {import("./users.js").User} User @typedef {import("./users.js").Group} Group */

const dialog = get("#manage", HTMLDialogElement)
const form = get("#manage-form", HTMLFormElement)
const resetShown = get("#reset-shown", HTMLElement)

export class Manage {
  /** @type {User | null} */
  #user = null
  #groups
  #showPerson
  #onChange

  /**
   * @param {object} around
   * @param {() => Group[]} around.groups that there are
   * @param {(id: string, name: string) => void} around.showPerson in the audit log
   * @param {() => void} around.onChange
   */
  constructor({ groups, showPerson, onChange }) {
    this.#groups = groups
    this.#showPerson = showPerson
    this.#onChange = onChange
    onSubmit(form, ({ role }) => this.#save(role))
    form.addEventListener("input", () => say(form, ""))
    for (const button of dialog.querySelectorAll("[data-act]")) {
      if (!(button instanceof HTMLElement)) continue
      button.addEventListener("click", () => void attempt(dialog, () => this.#act(button.dataset.act ?? ""), button))
    }
  }

  /** @param {User} user */
  open(user) {
    get(".form-fault", HTMLElement, dialog).replaceChildren()
    resetShown.hidden = true
    get("#reset-link", HTMLElement).textContent = ""
    say(form, "")
    this.#show(user)
    dialog.showModal()
  }

  /** @param {User} user */
  #show(user) {
    this.#user = user
    const { name, email, created_at, has_totp, has_password, suspended_at } = user
    get("#manage-title", HTMLElement).textContent = name
    get("#manage-facts", HTMLElement).textContent = [
      email,
      `account since ${formatMoment(created_at)}`,
      has_totp ? "two-step sign-in is on" : "two-step sign-in is off",
      has_password ? "" : "no password",
      suspended_at ? `suspended since ${formatMoment(suspended_at)}` : "",
    ]
      .filter(Boolean)
      .join(" · ")
    get("#manage-role", HTMLSelectElement).value = user.role
    // Groups of theirs that are beyond the first page of all.
    const all = new Map([...this.#groups(), ...user.groups].map((group) => [group.id, group]))
    get("#manage-groups", HTMLElement).replaceChildren(...[...all.values()].map((group) => newCheck(group, user)))
    get("#manage-groups-field", HTMLElement).hidden = all.size === 0
    get("[data-act=suspend]", HTMLElement, dialog).hidden = suspended_at !== null
    get("[data-act=restore]", HTMLElement, dialog).hidden = suspended_at === null
  }

  /** @param {string} role */
  async #save(role) {
    const groups = new FormData(form).getAll("groups")
    this.#show(await call("PATCH", this.#address, { role, groups }))
    say(form, "Saved.")
    this.#onChange()
  }

  /** @param {string} act */
  async #act(act) {
    const { id = "", name = "" } = this.#user ?? {}
    switch (act) {
      case "suspend": {
        const text = "They are shut out at once, everywhere, and their answers in the making end. Nothing is deleted."
        if (!(await isSure(`Suspend ${name}?`, text, "Suspend"))) return
        this.#show(await call("POST", `${this.#address}/suspend`))
        break
      }
      case "restore":
        this.#show(await call("POST", `${this.#address}/restore`))
        break
      case "sign-out":
        await call("DELETE", `${this.#address}/sessions`)
        say(form, "Signed out everywhere.")
        break
      case "reset": {
        const { url } = await call("POST", `${this.#address}/reset`)
        get("#reset-link", HTMLElement).textContent = url
        resetShown.hidden = false
        resetShown.focus()
        return
      }
      case "audit":
        dialog.close()
        return this.#showPerson(id, name)
      case "delete":
        if (!(await isSure(`Delete ${name}?`, "The account and all that is in it are gone for good.", "Delete"))) return
        await call("DELETE", this.#address)
        dialog.close()
        break
    }
    this.#onChange()
  }

  get #address() {
    return `/admin/users/${this.#user?.id}`
  }
}

/** @param {string} title @param {string} text @param {string} yes */
const isSure = async (title, text, yes) => (await ask({ title, text, yes, isDanger: true })) !== null

/** @param {Group} group @param {User} user */
function newCheck(group, user) {
  const label = document.createElement("label")
  const input = document.createElement("input")
  const name = document.createElement("span")
  label.className = "check"
  Object.assign(input, { type: "checkbox", name: "groups", value: group.id })
  input.checked = user.groups.some(({ id }) => id === group.id)
  Object.assign(name, { textContent: group.name, dir: "auto" })
  label.append(input, name)
  return label
}
