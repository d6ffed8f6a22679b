// @ts-check
/** The dialog for the folder and the tags of a conversation. */
import { cloneElement, get } from "../lib/elements.js"
import { send } from "./threads_api.js"
import { refreshFilter } from "./threads_pages.js"

/**
 * @typedef {import("./threads_list.js").Conversation} Conversation
 * @typedef {import("./threads_list.js").ThreadList} ThreadList
 */

const dialog = get("#labels", HTMLDialogElement)
const folder = get("#folder", HTMLInputElement)
const tag = get("#tag", HTMLInputElement)
const chosen = get("#labels-tags", HTMLElement)
const problem = get("#labels-error", HTMLElement)
/** @type {() => Promise<void>} */
let save = async () => {}

/** @param {ThreadList} list @param {Conversation} conversation @param {"folder" | "tags"} first what was asked for */
export async function edit(list, conversation, first) {
  save = () => saveTo(list, conversation)
  folder.value = conversation.folder ?? ""
  tag.value = problem.textContent = ""
  chosen.replaceChildren()
  conversation.tags.forEach(add)
  dialog.showModal()
  ;(first === "folder" ? folder : tag).focus()
  try {
    const { folders, tags } = await send("GET", "/conversations/labels")
    suggest("folder-names", folders)
    suggest("tag-names", tags)
  } catch {
    // Names can be typed as well.
  }
}

/** @param {ThreadList} list @param {Conversation} conversation */
async function saveTo(list, conversation) {
  add(tag.value)
  const body = { folder: folder.value.trim() || null, tags: tags() }
  try {
    const changed = await send("PATCH", `/conversations/${conversation.id}`, { body })
    list.put(changed)
    dialog.close()
    await refreshFilter(list)
  } catch (error) {
    problem.textContent = error instanceof Error ? error.message : ""
  }
}

/** @returns {string[]} */
const tags = () => [...chosen.querySelectorAll(".labels__name")].map((name) => name.textContent ?? "")

/** @param {string} text one tag, or several with commas between them */
function add(text) {
  for (const name of text.split(",").map((part) => part.trim())) {
    if (!name || tags().includes(name)) continue
    const item = cloneElement("tag-template")
    get(".labels__name", HTMLElement, item).textContent = name
    get("button", HTMLElement, item).ariaLabel = `Remove ${name}`
    chosen.append(item)
  }
  tag.value = ""
}

/** @param {string} id @param {string[]} names */
function suggest(id, names) {
  get(`#${id}`, HTMLDataListElement).replaceChildren(...names.map((name) => new Option("", name)))
}

chosen.addEventListener("click", ({ target }) => {
  if (!(target instanceof Element) || !target.closest("button")) return
  target.closest("li")?.remove()
  tag.focus()
})
tag.addEventListener("keydown", (event) => {
  if (event.isComposing || (event.key !== "Enter" && event.key !== ",") || !tag.value.trim()) return
  event.preventDefault()
  add(tag.value)
})
get("#labels-form", HTMLFormElement).addEventListener("submit", (event) => {
  event.preventDefault()
  void save()
})
