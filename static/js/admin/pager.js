// @ts-check
/** A long list that comes page by page. */
import { get } from "../lib/elements.js"
import { call } from "../account/api.js"
import { attempt } from "../account/forms.js"

/** @template T */
export class Pager {
  #panel
  #more
  #read
  #show
  #next = ""
  /** What was asked for last: an earlier answer that comes late is of no interest. */
  #turn = 0

  /**
   * @param {string} id of the panel; its button for more is `<id>-more`
   * @param {() => string} address of the first page, which may have a query
   * @param {(answer: any) => T[]} read the things of a page
   * @param {(things: T[], isFirst: boolean) => void} show
   */
  constructor(id, address, read, show) {
    this.#panel = get(`#${id}`, HTMLElement)
    this.#more = get(`#${id}-more`, HTMLElement)
    this.#read = read
    this.#show = show
    this.address = address
    this.#more.addEventListener("click", () => void attempt(this.#panel, () => this.#load(this.#next), this.#more))
  }

  /** Begin again at the first page. */
  load = () => this.#load("")

  /** @param {string} after */
  async #load(after) {
    const turn = ++this.#turn
    const address = this.address()
    const answer = await call("GET", after ? `${address}${address.includes("?") ? "&" : "?"}after=${after}` : address)
    if (turn !== this.#turn) return
    this.#next = answer.next ?? ""
    this.#more.hidden = !this.#next
    this.#show(this.#read(answer), after === "")
  }
}
