// @ts-check
/** Taking one's data along, and deleting the account. */
import { get } from "../lib/elements.js"
import { call, requestSignedIn } from "./api.js"
import { ask } from "./asking.js"
import { attempt, onSubmit } from "./forms.js"

export function startLeaving() {
  const button = get("[data-action=download]", HTMLElement)
  button.addEventListener("click", () => void attempt(get("#data", HTMLElement), download, button))
  onSubmit(get("#delete-form", HTMLFormElement), async ({ email }) => {
    const text = "There is no way back. Download your data first if you want to keep any of it."
    if ((await ask({ title: "Delete your account?", text, yes: "Delete for good", isDanger: true })) === null) return
    await call("DELETE", "/account", { email })
    location.replace("/")
  })
}

async function download() {
  const response = await requestSignedIn("GET", "/account/data")
  const link = document.createElement("a")
  link.href = URL.createObjectURL(await response.blob())
  link.download = nameIn(response.headers.get("content-disposition")) ?? "my-data.json"
  link.click()
  // The browser has taken it over by then.
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000)
}

/** @param {string | null} disposition @returns {string | undefined} */
const nameIn = (disposition) => /filename="?([^";]+)/.exec(disposition ?? "")?.[1]
