// @ts-check
/** The end of an arriving answer that is not yet a finished block: plain text, or a code block in the making. */

const FENCE = /^\s*(`{3,}|~{3,})([^\n`]*)\n?/

/** Shows text as text nodes only; what it means is for the server to say when the block is finished. */
export class RestView {
  #parent
  /** @type {HTMLElement | null} */
  #element = null
  #text = document.createTextNode("")
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
    if (!this.#element || this.#isCode !== isCode) this.#build(isCode, fence?.[2].trim() ?? "")
    if (this.#text.data !== text) this.#text.data = text
    this.#text.parentElement?.classList.toggle("caret", isArriving)
  }

  remove() {
    this.#element?.remove()
    this.#element = null
  }

  /** @param {boolean} isCode @param {string} language */
  #build(isCode, language) {
    this.remove()
    this.#isCode = isCode
    this.#element = isCode ? this.#codeBlock(language) : document.createElement("p")
    if (!isCode) {
      this.#element.className = "message__plain"
      this.#element.dir = "auto"
      this.#element.append(this.#text)
    }
    this.#parent.append(this.#element)
  }

  /** @param {string} language @returns {HTMLElement} shaped like the server's own */
  #codeBlock(language) {
    const [block, head, label] = ["code-block", "code-block__head", "code-block__language"].map((name) => {
      const element = document.createElement(name.endsWith("language") ? "span" : "div")
      element.className = name
      return element
    })
    const [pre, code] = [document.createElement("pre"), document.createElement("code")]
    label.textContent = language.split(/\s/, 1)[0] || "text"
    pre.tabIndex = 0
    code.append(this.#text)
    pre.append(code)
    head.append(label)
    block.append(head, pre)
    return block
  }
}

/** @param {string} rest @param {RegExpExecArray} fence @returns {string} without the fences around it */
function codeOf(rest, fence) {
  const code = rest.slice(fence[0].length)
  const closing = code.lastIndexOf(`\n${fence[1]}`)
  return closing >= 0 ? code.slice(0, closing + 1) : code
}
