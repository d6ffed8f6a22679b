// @ts-check
/** The list of conversations as it stands in the page. */
import { cloneElement, get } from "../lib/elements.js"

/**
 * @typedef {{ id: string, title: string, has_own_title: boolean, updated_at: string, pinned: boolean,
 *   archived: boolean, folder: string | null, tags: string[], running: unknown }} Conversation
 *   `running` is true or a run's id while an answer to it is being written
 */

const DAY_MS = 86_400_000
const UNTITLED = "New chat"

export class ThreadList {
  #filter = ""
  /** @type {Conversation | null} what the page shows */
  #shown
  #groups = get("#thread-groups", HTMLElement)
  #empty = get("#threads-empty", HTMLElement)
  /** @type {Map<string, Conversation>} */
  #conversations = new Map()
  /** @type {Map<string, HTMLElement>} */
  #items = new Map()
  /** What was taken out here stays out, even if an answer that was under way still names it. */
  #removed = new Set()

  /** @param {Conversation | null} shown the conversation that the page shows */
  constructor(shown) {
    this.#shown = shown
    for (const item of this.#groups.querySelectorAll("li")) {
      const conversation = JSON.parse(item.dataset.conversation ?? "null")
      this.#conversations.set(conversation.id, conversation)
      this.#items.set(conversation.id, item)
    }
    const headings = [...this.#groups.querySelectorAll("h2")].map((heading) => heading.textContent)
    // The server groups by days of UTC.
    if ([...this.#grouped().keys()].join() !== headings.join()) this.#render()
  }

  /** @returns {string | undefined} the conversation that the page shows */
  get shownId() {
    return this.#shown?.id
  }

  /** @returns {string} what is shown of all conversations, as the query of a request; "" for all but the archived */
  get filter() {
    return this.#filter
  }

  set filter(query) {
    this.#filter = query
    this.#removed.clear() // what left one list may stand in another
  }

  /** @returns {Conversation[]} in the order shown */
  get conversations() {
    return [...this.#conversations.values()].sort(compare)
  }

  /** @param {Conversation} conversation @returns {Conversation[]} those that stand below it */
  after(conversation) {
    return this.conversations.filter((each) => compare(conversation, each) < 0)
  }

  /** @param {string} id */
  find(id) {
    return this.#conversations.get(id)
  }

  /** @param {string} id */
  itemOf(id) {
    return this.#items.get(id)
  }

  /** @param {Element} element inside an item @returns {Conversation | undefined} */
  conversationAt(element) {
    return this.find(element.closest("li")?.dataset.id ?? "")
  }

  /** @param {Conversation[]} conversations take the place of all that stood here */
  replace(conversations) {
    const shown = this.find(this.shownId ?? "")
    this.#conversations = new Map()
    for (const each of conversations) {
      if (this.#removed.has(each.id)) continue
      // The page itself knows first when the answer that it shows has ended.
      const running = shown && each.id === shown.id ? shown.running : each.running
      this.#conversations.set(each.id, { ...each, running })
    }
    this.#render()
  }

  /** @param {Conversation} conversation new, or instead of the one with its id */
  put(conversation) {
    this.#removed.delete(conversation.id)
    this.#conversations.set(conversation.id, conversation)
    this.#render()
  }

  /** @param {string} id */
  remove(id) {
    this.#removed.add(id)
    this.#conversations.delete(id)
    this.#render()
  }

  /**
   * Something happened in the conversation that the page shows.
   * @param {{ id: string, title: string, running: boolean }} news
   */
  note({ id, title, running }) {
    const known = this.find(id)
    const before = known ?? (id === this.shownId ? this.#shown : null) ?? newConversation(id)
    // A beginning answer moves its conversation to the top; an end or a first look does not.
    const updated_at = running && !before.running ? new Date().toISOString() : before.updated_at
    this.#shown = { ...before, title: title || before.title, running, updated_at }
    // Whether a new one belongs to a folder's list is for the server to say.
    if (known || !(this.filter || before.archived)) this.put(this.#shown)
  }

  #grouped() {
    /** @type {Map<string, Conversation[]>} */
    const groups = new Map()
    const now = Date.now()
    for (const each of this.conversations) {
      const heading = headingOf(each, now)
      groups.set(heading, [...(groups.get(heading) ?? []), each])
    }
    return groups
  }

  #render() {
    const focused = document.activeElement
    const sections = []
    for (const [heading, conversations] of this.#grouped()) {
      const section = cloneElement("thread-group-template")
      get("h2", HTMLElement, section).textContent = heading
      get("ul", HTMLElement, section).append(...conversations.map((each) => this.#item(each)))
      sections.push(section)
    }
    this.#empty.hidden = sections.length > 0
    this.#groups.replaceChildren(...sections, this.#empty)
    if (focused instanceof HTMLElement && focused !== document.activeElement && this.#groups.contains(focused)) {
      focused.focus({ preventScroll: true })
    }
  }

  /** @param {Conversation} conversation @returns {HTMLElement} */
  #item({ id, title, running }) {
    const item = this.#items.get(id) ?? cloneElement("thread-template")
    const link = get("a", HTMLAnchorElement, item)
    const name = title || UNTITLED
    this.#items.set(id, item)
    item.dataset.id = id
    link.href = `/chat/${id}`
    link.title = name
    get(".thread__title", HTMLElement, item).textContent = name
    get(".thread__running", HTMLElement, item).hidden = !running
    get(".thread__more", HTMLElement, item).ariaLabel = `Actions for ${name}`
    if (id === this.shownId) link.setAttribute("aria-current", "page")
    else link.removeAttribute("aria-current")
    return item
  }
}

/** @param {string} id @returns {Conversation} */
const newConversation = (id) => ({
  id,
  title: "",
  has_own_title: false,
  updated_at: new Date().toISOString(),
  pinned: false,
  archived: false,
  folder: null,
  tags: [],
  running: null,
})

/**
 * Pinned first, then by last activity.
 * @param {Conversation} a @param {Conversation} b
 */
const compare = (a, b) => Number(b.pinned) - Number(a.pinned) || Date.parse(b.updated_at) - Date.parse(a.updated_at)

/**
 * The heading for a conversation in the reader's own time zone.
 * @param {Conversation} conversation
 * @param {number} now milliseconds since the epoch
 * @returns {string}
 */
export function headingOf({ pinned, updated_at }, now) {
  if (pinned) return "Pinned"
  const days = Math.round((midnight(now) - midnight(Date.parse(updated_at))) / DAY_MS)
  if (days < 1) return "Today"
  if (days < 2) return "Yesterday"
  if (days <= 7) return "Previous 7 days"
  if (days <= 30) return "Previous 30 days"
  return new Date(updated_at).toLocaleDateString("en", { month: "long", year: "numeric" })
}

/** @param {number} at */
const midnight = (at) => new Date(at).setHours(0, 0, 0, 0)
