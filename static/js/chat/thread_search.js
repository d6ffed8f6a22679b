// @ts-check
/** Search in all conversations as one types. */
import { get } from "../lib/elements.js"
import { formatUnits } from "../lib/format.js"
import { send } from "./threads_api.js"

/**
 * @typedef {{ text: string, match: boolean }} Part
 * @typedef {{ conversation: { id: string }, title: Part[],
 *   matches: { message_id: string, snippet: Part[] }[] }} Result
 */

const PAUSE_MS = 150
const MOST = 20

const results = get("#thread-results", HTMLElement)
const groups = get("#thread-groups", HTMLElement)
const status = get("#threads-status", HTMLElement)
const more = get("#threads-more", HTMLButtonElement)
let turn = new AbortController()
/** The query whose results are shown. */
let answered = ""

/** @param {HTMLInputElement} input */
export function startSearch(input) {
  answered = input.defaultValue
  /** @type {number | undefined} */
  let timer
  const search = () => find(input.value.trim())
  input.addEventListener("input", () => {
    clearTimeout(timer)
    timer = setTimeout(search, input.value.trim() ? PAUSE_MS : 0)
  })
  input.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && input.value) {
      event.stopPropagation() // it would stop the answer as well
      input.value = ""
      void search()
    }
    if (event.key === "ArrowDown") step(event, links()[0])
  })
  input.form?.addEventListener("submit", async (event) => {
    event.preventDefault()
    clearTimeout(timer)
    const query = input.value.trim()
    if (answered !== query) await find(query)
    if (answered === query) links()[0]?.click()
  })
  results.addEventListener("keydown", (event) => {
    const all = links()
    const index = all.findIndex((link) => link === document.activeElement)
    if (event.key === "ArrowDown") step(event, all[index + 1])
    if (event.key === "ArrowUp") step(event, all[index - 1] ?? input)
    if (event.key === "Escape") {
      event.stopPropagation()
      input.focus()
    }
  })
  if (input.value !== input.defaultValue) void search()
}

/** @param {string} query */
async function find(query) {
  turn.abort()
  const { signal } = (turn = new AbortController())
  if (!query) return show("", [], false)
  try {
    const address = `/conversations/search?q=${encodeURIComponent(query)}&limit=${MOST}`
    const { results, next } = await send("GET", address, { signal })
    show(query, results, next !== null)
  } catch (error) {
    if (!signal.aborted && error instanceof Error) status.textContent = `The search failed. ${error.message}`
  }
}

/** @param {string} query @param {Result[]} found @param {boolean} hasMore */
function show(query, found, hasMore) {
  answered = query
  groups.hidden = query !== ""
  results.hidden = query === ""
  more.hidden = query !== "" || !more.dataset.next
  results.replaceChildren(...found.map(newResult))
  status.textContent = query && summaryOf(query, found.length, hasMore)
}

/** @param {string} query @param {number} count @param {boolean} hasMore */
function summaryOf(query, count, hasMore) {
  if (!count) return `Nothing found for “${query}”.`
  return hasMore ? `The newest ${count} conversations. Add a word to see fewer.` : formatUnits(count, "conversation")
}

/** @param {Result} result @returns {HTMLElement} */
function newResult({ conversation, title, matches }) {
  const item = document.createElement("li")
  const address = `/chat/${conversation.id}`
  item.className = "result"
  for (const { message_id, snippet } of matches) {
    item.append(newLink(`${address}?at=${message_id}#m-${message_id}`, newLine("result__snippet", snippet)))
  }
  if (!matches.length) item.append(newLink(address))
  item.firstElementChild?.prepend(newLine("result__title", title))
  return item
}

/** @param {string} href @param {...HTMLElement} lines */
function newLink(href, ...lines) {
  const link = document.createElement("a")
  link.className = "result__link"
  link.href = href
  link.append(...lines)
  return link
}

/** @param {string} className @param {Part[]} parts @returns {HTMLElement} */
function newLine(className, parts) {
  const line = document.createElement("span")
  line.className = className
  line.dir = "auto"
  for (const { text, match } of parts) {
    if (!match) line.append(text)
    else line.append(Object.assign(document.createElement("mark"), { textContent: text }))
  }
  return line
}

/** @returns {HTMLAnchorElement[]} */
const links = () => [...results.querySelectorAll("a")]

/** @param {KeyboardEvent} event @param {HTMLElement | undefined} target */
function step(event, target) {
  event.preventDefault()
  target?.focus()
}
