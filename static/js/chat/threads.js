// @ts-check
/** Starts the list of conversations. The server rendered it; what changes it is loaded when that is first asked for. */
import { get } from "../lib/elements.js"
import { keptForGood, keptForTab } from "../lib/storage.js"

/** @typedef {import("./threads_list.js").Conversation} Conversation */
/** @typedef {() => Promise<import("./threads_list.js").ThreadList>} LoadList */

/** How often the marks of answers that another page follows are looked after. */
const WATCH_EVERY_MS = 5_000
const RUNNING_ELSEWHERE = ".thread__link:not([aria-current]) > .thread__running:not([hidden])"

/**
 * @param {{ conversation: Conversation | null }} data of the page
 * @returns {(command: string) => boolean} runs a command of a button or a key, if it is one of the list's
 */
export function startThreads({ conversation }) {
  /** @type {ReturnType<LoadList> | undefined} */
  let list
  const load = () => (list ??= import("./threads_list.js").then(({ ThreadList }) => new ThreadList(conversation)))
  listenForNews(load)
  listenForWishes(load)
  keepFresh(load)
  // The server grouped by days of UTC; the list does it by the reader's own.
  if (new Date().getTimezoneOffset() !== 0 && document.querySelector(".thread")) void load()
  if (keptForTab("chat.toast").read()) void import("./thread_actions.js").then(({ showPending }) => showPending())
  return newCommands()
}

/** @param {LoadList} load */
function listenForNews(load) {
  document.addEventListener("chat:conversation", async (event) => {
    // A temporary chat has no id, and no place in the list.
    if (event instanceof CustomEvent && event.detail.id) (await load()).note(event.detail)
  })
  document.addEventListener("chat:toast", async (event) => {
    if (event instanceof CustomEvent) (await import("./toast.js")).showToast(event.detail)
  })
}

/** @param {LoadList} load */
function listenForWishes(load) {
  get("#thread-groups", HTMLElement).addEventListener("click", async ({ target }) => {
    const button = target instanceof Element ? target.closest(".thread__more") : null
    if (button instanceof HTMLElement) (await import("./thread_menu.js")).toggleMenu(await load(), button)
  })
  const query = get("#thread-query", HTMLInputElement)
  query.addEventListener("focus", async () => (await import("./thread_search.js")).startSearch(query), { once: true })
  const filter = get("#thread-filter", HTMLSelectElement)
  filter.addEventListener("change", async () => (await import("./threads_pages.js")).show(await load(), filter.value))
}

/** @param {LoadList} load the list asks the server again whenever that may bring something new */
function keepFresh(load) {
  const more = get("#threads-more", HTMLButtonElement)
  const loadMore = async () => (await import("./threads_pages.js")).loadMore(await load())
  more.addEventListener("click", loadMore)
  new IntersectionObserver(([entry]) => entry?.isIntersecting && loadMore()).observe(more)

  /** @type {number | undefined} */
  let timer
  const watch = () => {
    clearTimeout(timer)
    if (document.querySelector(RUNNING_ELSEWHERE)) timer = setTimeout(refresh, WATCH_EVERY_MS)
  }
  const refresh = async () => {
    if (document.hidden) return
    await (await import("./threads_pages.js")).refresh(await load())
    watch()
  }
  document.addEventListener("visibilitychange", refresh)
  watch()
}

/** @returns {(command: string) => boolean} */
function newCommands() {
  const panel = new Panel()
  return (command) => {
    if (command === "threads") panel.toggle()
    else if (command === "search") panel.search()
    else if (command === "memory") void import("./memory.js").then(({ openMemory }) => openMemory())
    else return false
    return true
  }
}

/** The list's place: a column beside the conversation, on small screens a sheet over it. */
class Panel {
  #root = document.documentElement
  #nav = get("#threads", HTMLElement)
  #toggle = document.querySelector(".chat-header [data-command=threads]")
  #small = matchMedia("(max-width: 45rem)")
  #kept = keptForGood("chat.threads")

  constructor() {
    this.#small.addEventListener("change", () => this.#set(!this.#small.matches && this.#kept.read() !== "closed"))
    this.#nav.addEventListener("keydown", (event) => {
      if (event.key !== "Escape" || !this.#small.matches) return
      event.stopPropagation() // it would stop the answer as well
      this.toggle()
    })
    this.#tell()
  }

  get #isOpen() {
    return this.#small.matches ? this.#root.dataset.threads === "open" : this.#root.dataset.threads !== "closed"
  }

  toggle() {
    const isOpen = !this.#isOpen
    this.#set(isOpen)
    if (!this.#small.matches) return void this.#kept.write(isOpen ? "open" : "closed")
    const target = isOpen ? this.#nav.querySelector("a") : this.#toggle
    if (target instanceof HTMLElement) target.focus()
  }

  search() {
    if (!this.#isOpen) this.toggle()
    get("#thread-query", HTMLInputElement).select()
  }

  /** @param {boolean} isOpen */
  #set(isOpen) {
    this.#root.dataset.threads = isOpen ? "open" : "closed"
    // What lies under the sheet is not there for the keyboard either.
    for (const each of document.querySelectorAll(".chat-header, .chat__conversation")) {
      each.toggleAttribute("inert", isOpen && this.#small.matches)
    }
    this.#tell()
  }

  #tell() {
    this.#toggle?.setAttribute("aria-expanded", String(this.#isOpen))
    this.#toggle?.setAttribute("aria-controls", "threads")
  }
}
