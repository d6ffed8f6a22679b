// @ts-check
/** The end of an arriving answer that is not yet a finished block: plain text, or a code block in the making. */
import { cloneElement, get } from "../lib/elements.js"

const FENCE = /^\s*(`{3,}|~{3,})([^\n`]*)\n?/

/** Shows text as text nodes only; what it means is for the server to say when the block is finished. */
export class RestView {
  #parent
  /** @type {HTMLElement | null} */
  #element = null
  #text = document.createTextNode("")
  #language = document.createTextNode("")
  #isCode = false

  /** @param {HTMLElement} parent it stands last in */
  constructor(parent) {
    this.#parent = parent
  }

  /**
   * @param {string} rest
   * @param {boolean} isArriving shows the caret
   */
  show(rest, isArriving) {
    const fence = FENCE.exec(rest)
    const isCode = fence !== null
    const text = isCode ? codeOf(rest, fence) : rest.trimStart()
    if (!text && !isCode && !isArriving) return this.remove()
    if (!this.#element || this.#isCode !== isCode) this.#build(isCode)
    if (isCode) this.#language.data = fence[2].trim().split(/\s/, 1)[0] || "text"
    if (this.#text.data !== text) this.#text.data = text
    this.#text.parentElement?.classList.toggle("caret", isArriving)
  }

  remove() {
    this.#element?.remove()
    this.#element = null
  }

  /** @param {boolean} isCode */
  #build(isCode) {
    this.remove()
    this.#isCode = isCode
    this.#element = isCode ? this.#codeBlock() : this.#paragraph()
    this.#parent.append(this.#element)
  }

  /** @returns {HTMLElement} */
  #paragraph() {
    const paragraph = document.createElement("p")
    paragraph.className = "message__plain"
    paragraph.dir = "auto"
    paragraph.append(this.#text)
    return paragraph
  }

  /** @returns {HTMLElement} */
  #codeBlock() {
    const block = cloneElement("code-template")
    get(".code-block__language", HTMLElement, block).append(this.#language)
    get("code", HTMLElement, block).append(this.#text)
    return block
  }
}

/** @param {string} rest @param {RegExpExecArray} fence @returns {string} without the fences around it */
function codeOf(rest, fence) {
  const code = rest.slice(fence[0].length)
  const closing = code.lastIndexOf(`\n${fence[1]}`)
  return closing >= 0 ? code.slice(0, closing + 1) : code
}
