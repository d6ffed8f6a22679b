// @ts-check
/** Pages of the list of conversations, as the server has them. */
import { get } from "../lib/elements.js"
import { send } from "./threads_api.js"
import { showToast } from "./toast.js"

/**
 * @typedef {import("./threads_list.js").Conversation} Conversation
 * @typedef {import("./threads_list.js").ThreadList} ThreadList
 * @typedef {{ conversations: Conversation[], next: string | null }} Page
 */

const PAGE_SIZE = 30

const more = get("#threads-more", HTMLButtonElement)
const groups = get("#thread-groups", HTMLElement)
const empty = get("#threads-empty", HTMLElement)
const picker = get("#thread-filter", HTMLSelectElement)
const EMPTY = empty.textContent

/** @param {ThreadList} list */
export async function loadMore(list) {
  const cursor = more.dataset.next
  if (!cursor || more.disabled) return
  more.disabled = true
  try {
    const page = await fetchPage(list, cursor)
    list.replace([...list.conversations, ...page.conversations])
    setNext(page.next)
  } catch (error) {
    complain("More conversations could not be loaded.", error)
  } finally {
    more.disabled = false
  }
}

/**
 * Bring the first page up to date, quietly; what was loaded after it stays.
 * @param {ThreadList} list
 */
export async function refresh(list) {
  const { filter } = list
  try {
    const page = await fetchPage(list)
    if (list.filter !== filter) return
    const last = page.conversations.at(-1)
    const rest = page.next && last ? list.after(last) : []
    list.replace([...page.conversations, ...rest])
    if (!rest.length) setNext(page.next)
  } catch {
    // It was not asked for by anybody; the next time will do.
  }
}

/**
 * Show a folder, a tag or the archive instead.
 * @param {ThreadList} list
 * @param {string} query such as "folder=Work"; "" for all but the archived
 */
export async function show(list, query) {
  const before = list.filter
  const wanted = (list.filter = String(new URLSearchParams(query)))
  try {
    const page = await fetchPage(list)
    if (list.filter !== wanted) return
    empty.textContent = query ? "No conversations here." : EMPTY
    list.replace(page.conversations)
    setNext(page.next)
  } catch (error) {
    list.filter = picker.value = before
    complain("These conversations could not be loaded.", error)
  }
}

/**
 * Offer exactly the folders and tags that are in use.
 * @param {ThreadList} list
 */
export async function refreshFilter(list) {
  const { folders, tags } = await send("GET", "/conversations/labels")
  const all = picker.options[0]
  const archived = picker.options[picker.options.length - 1]
  picker.replaceChildren(
    ...(all ? [all] : []),
    ...optionsOf("Folders", "folder", folders),
    ...optionsOf("Tags", "tag", tags),
    ...(archived ? [archived] : []),
  )
  picker.value = list.filter
  // The last conversation has left the folder that is shown.
  if (picker.selectedIndex < 0) picker.value = ""
  showFilter()
  if (list.filter) await show(list, picker.value)
}

export function showFilter() {
  get("#thread-filter-row", HTMLElement).hidden = false
}

/** @param {ThreadList} list @param {string} [cursor] @returns {Promise<Page>} */
function fetchPage({ filter }, cursor) {
  const query = new URLSearchParams(filter)
  query.set("limit", String(PAGE_SIZE))
  if (cursor) query.set("cursor", cursor)
  return send("GET", `/conversations?${query}`)
}

/** @param {string | null} cursor */
function setNext(cursor) {
  more.dataset.next = cursor ?? ""
  // Under the results of a search it would offer more of something else.
  more.hidden = !cursor || groups.hidden
}

/** @param {string} label @param {string} field @param {string[]} names @returns {HTMLElement[]} */
function optionsOf(label, field, names) {
  if (!names.length) return []
  const group = document.createElement("optgroup")
  group.label = label
  group.append(...names.map((name) => new Option(name, String(new URLSearchParams({ [field]: name })))))
  return [group]
}

/** @param {string} what @param {unknown} error */
function complain(what, error) {
  showToast({ text: `${what} ${error instanceof Error ? error.message : ""}` })
}
