// @ts-check
/** The memory dialog: what the model is told in every conversation. */
import { cloneElement, get } from "../lib/elements.js"
import { formatUnits } from "../lib/format.js"
import { send } from "./threads_api.js"
import { showToast } from "./toast.js"

/**
 * @typedef {{ id: string, text: string, tokens: number }} Fact
 * @typedef {{ enabled: boolean, tokens: number, facts: Fact[] }} Memory
 */

const dialog = get("#memory", HTMLDialogElement)
const enabled = get("#memory-enabled", HTMLInputElement)
const cost = get("#memory-cost", HTMLElement)
const list = get("#memory-facts", HTMLElement)
const empty = get("#memory-empty", HTMLElement)
const input = get("#memory-text", HTMLInputElement)
const problem = get("#memory-error", HTMLElement)

export async function openMemory() {
  if (dialog.open) return
  dialog.showModal()
  input.focus()
  await attempt(load)
}

async function load() {
  show(await send("GET", "/memory"))
}

/** @param {Memory} memory */
function show({ enabled: isEnabled, tokens, facts }) {
  enabled.checked = isEnabled
  cost.textContent = !facts.length
    ? ""
    : isEnabled
      ? `Costs ${formatUnits(tokens, "token")} in every conversation.`
      : "Switched off: it costs nothing and the model knows none of it."
  empty.hidden = facts.length > 0
  list.replaceChildren(...facts.map(newItem))
}

/** @param {Fact} fact @returns {HTMLElement} */
function newItem({ id, text, tokens }) {
  const item = cloneElement("fact-template")
  item.dataset.fact = id
  get(".fact__text", HTMLElement, item).textContent = text
  get(".fact__tokens", HTMLElement, item).textContent = formatUnits(tokens, "token")
  get("[data-action=edit-fact]", HTMLElement, item).ariaLabel = `Edit: ${text}`
  get("[data-action=forget-fact]", HTMLElement, item).ariaLabel = `Delete: ${text}`
  return item
}

/** @param {HTMLElement} item */
function edit(item) {
  const editor = cloneElement("fact-editor-template")
  const field = get("textarea", HTMLTextAreaElement, editor)
  field.value = textOf(item)
  const leave = () => {
    editor.replaceWith(item)
    get("[data-action=edit-fact]", HTMLElement, item).focus()
  }
  get("[data-action=cancel-fact]", HTMLElement, editor).addEventListener("click", leave)
  editor.addEventListener("keydown", (event) => {
    if (event.key === "Escape") {
      event.preventDefault() // it would close the dialog
      leave()
    } else if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
      event.preventDefault()
      get("form", HTMLFormElement, editor).requestSubmit()
    }
  })
  editor.addEventListener("submit", (event) => {
    event.preventDefault()
    void attempt(async () => {
      await send("PATCH", `/memory/${item.dataset.fact}`, { body: { text: field.value.trim() } })
      await load()
      const button = list.querySelector(`[data-fact="${item.dataset.fact}"] [data-action=edit-fact]`)
      if (button instanceof HTMLElement) button.focus()
    })
  })
  item.replaceWith(editor)
  field.focus()
}

/** @param {HTMLElement} item */
async function forget(item) {
  const text = textOf(item)
  await send("DELETE", `/memory/${item.dataset.fact}`)
  await load()
  input.focus()
  showToast({ text: "Fact deleted.", action: { label: "Undo", run: () => void attempt(() => add(text)) } })
}

/** @param {string} text */
async function add(text) {
  await becomeGuest()
  await send("POST", "/memory", { body: { text } })
  await load()
}

/** A memory belongs to somebody: whoever is here for the first time becomes a guest by it. */
const becomeGuest = () => send("POST", "/guests", { body: { credential: "cookie" } })

/** @param {() => Promise<void>} what its failure is told in the dialog */
async function attempt(what) {
  problem.textContent = ""
  try {
    await what()
  } catch (error) {
    problem.textContent = error instanceof Error ? error.message : ""
  }
}

/** @param {HTMLElement} item */
const textOf = (item) => get(".fact__text", HTMLElement, item).textContent ?? ""

get("#memory-form", HTMLFormElement).addEventListener("submit", (event) => {
  event.preventDefault()
  void attempt(async () => {
    await add(input.value.trim())
    input.value = ""
  })
})
enabled.addEventListener("change", () => {
  void attempt(async () => {
    await becomeGuest()
    show(await send("PATCH", "/memory", { body: { enabled: enabled.checked } }))
  })
})
list.addEventListener("click", ({ target }) => {
  const button = target instanceof Element ? target.closest("[data-action]") : null
  const item = button?.closest("li")
  if (!(button instanceof HTMLElement) || !item) return
  if (button.dataset.action === "edit-fact") edit(item)
  if (button.dataset.action === "forget-fact") void attempt(() => forget(item))
})
