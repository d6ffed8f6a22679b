// @ts-check
/** Keeps the newest line in view while the reader is there, and never moves the page against the reader. */

/** How near to the end, in CSS pixels, a reader who comes back must get. */
const NEAR_END = 48

export class ScrollFollower {
  #scroller
  #onAway
  #isFollowing = false
  #lastTop = 0

  /**
   * @param {HTMLElement} scroller
   * @param {HTMLElement} content what grows inside it
   * @param {(isAway: boolean) => void} onAway told when the reader leaves the end or comes back
   */
  constructor(scroller, content, onAway) {
    this.#scroller = scroller
    this.#onAway = onAway
    scroller.addEventListener("scroll", () => this.#readerMoved(), { passive: true })
    const sizes = new ResizeObserver(() => this.#sizeChanged())
    sizes.observe(content)
    sizes.observe(scroller)
  }

  /** Go to the end and stay there. */
  follow() {
    this.#set(true)
    this.#toEnd()
  }

  /** @param {HTMLElement} element is what the reader works on now, so that the end no longer matters */
  show(element) {
    this.#isFollowing = false
    element.scrollIntoView({ block: "nearest" })
    this.#onAway(this.#gap > NEAR_END)
  }

  /** Go to the beginning, as for a page that has nothing to follow yet. */
  rest() {
    this.#isFollowing = false
    this.#scroller.scrollTop = 0
    this.#onAway(false)
  }

  get #gap() {
    return this.#scroller.scrollHeight - this.#scroller.scrollTop - this.#scroller.clientHeight
  }

  #readerMoved() {
    const top = this.#scroller.scrollTop
    // Growing content never lowers scrollTop, so that a smaller one is the reader's own doing.
    if (top < this.#lastTop - 1 && this.#gap > 2) this.#set(false)
    else if (this.#gap <= NEAR_END) this.#set(true)
    this.#lastTop = top
  }

  #sizeChanged() {
    if (this.#isFollowing) this.#toEnd()
    else if (this.#gap <= 2) this.#set(true)
  }

  #toEnd() {
    this.#scroller.scrollTop = this.#scroller.scrollHeight
    this.#lastTop = this.#scroller.scrollTop
  }

  /** @param {boolean} isFollowing */
  #set(isFollowing) {
    if (this.#isFollowing === isFollowing) return
    this.#isFollowing = isFollowing
    this.#onAway(!isFollowing)
  }
}
