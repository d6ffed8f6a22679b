// @ts-check
/** The landing page's miniature chat: one conversation, forgotten when the page is left. */
import "./site.js"
import { isArriving, newAnswer } from "./chat/answer.js"
import { Turn } from "./chat/turn.js"
import { sanitisedFragment } from "./lib/elements.js"
import { formatCost, formatDuration, formatUnits } from "./lib/format.js"

const ABOVE_QUESTION_PX = 12

/**
 * @typedef {import("./chat/answer.js").Answer} Answer
 * @typedef {import("./chat/api.js").WireMessage} WireMessage
 */

class MiniChat {
  #root
  #log
  #input
  /** @type {WireMessage[]} */
  #said = []
  /** @type {Turn | null} */
  #turn = null
  #followedTo_px = 0

  /** @param {HTMLElement} root */
  constructor(root) {
    this.#root = root
    this.#log = find(root, "[data-log]", HTMLElement)
    this.#input = find(root, "input", HTMLInputElement)
    // Submits bubble: the composer's and the starters' both arrive here.
    root.addEventListener("submit", (event) => this.#submitted(event))
    find(root, "[data-stop]", HTMLElement).addEventListener("click", () => this.#turn?.stop())
    root.addEventListener("keydown", ({ key }) => key === "Escape" && this.#turn?.stop())
  }

  /** @param {SubmitEvent} event */
  #submitted(event) {
    event.preventDefault()
    const starter = event.submitter instanceof HTMLButtonElement ? event.submitter.value : ""
    const message = starter || this.#input.value.trim()
    if (!message || this.#turn) return
    if (!starter) this.#input.value = ""
    this.#root.querySelector("[data-starters]")?.remove()
    this.#show("[data-asked]").textContent = message
    this.#said.push({ role: "user", content: message })
    // A tap on a starter must not bring up the keyboard over the answer it asks for.
    const next = starter && matchMedia("(pointer: coarse)").matches ? this.#log : this.#input
    next.focus({ preventScroll: true })
    this.#answer()
  }

  /** Ask for an answer to everything said so far. */
  async #answer() {
    const view = new AnswerView(this.#show("[data-answered]"), () => this.#retry(view))
    const answer = newAnswer("", Date.now())
    const turn = (this.#turn = new Turn(answer, {
      ask: { body: { messages: this.#said } },
      key: null,
      onChange: () => {
        view.update(answer)
        this.#follow()
      },
    }))
    this.#busy(true)
    this.#followedTo_px = this.#log.scrollTop
    this.#follow()
    await turn.receive()
    this.#turn = null
    this.#busy(false)
    if (answer.problem) this.#log.scrollTop = this.#log.scrollHeight
    // A failed question is asked again by its button; the model never sees half an exchange twice.
    if (answer.text && answer.state !== "failed") this.#said.push({ role: "assistant", content: answer.text })
  }

  /** @param {AnswerView} view */
  #retry(view) {
    if (this.#turn) return
    view.remove()
    this.#input.focus({ preventScroll: true })
    this.#answer()
  }

  /** @param {boolean} busy */
  #busy(busy) {
    this.#log.setAttribute("aria-busy", String(busy))
    find(this.#root, "[data-send]", HTMLElement).hidden = busy
    find(this.#root, "[data-stop]", HTMLElement).hidden = !busy
  }

  /** Scroll on as the answer grows, until its question stands at the top; never against a reader who has scrolled. */
  #follow() {
    const log = this.#log
    const question = [...log.querySelectorAll(".bubble")].at(-1)
    if (!question || Math.abs(log.scrollTop - this.#followedTo_px) > 1) return
    log.scrollTop += question.getBoundingClientRect().top - log.getBoundingClientRect().top - ABOVE_QUESTION_PX
    this.#followedTo_px = log.scrollTop
  }

  /** Add a copy of a template to the log. @param {string} template @returns {HTMLElement} */
  #show(template) {
    const { content } = find(this.#root, `template${template}`, HTMLTemplateElement)
    const element = find(/** @type {DocumentFragment} */ (content.cloneNode(true)), "*", HTMLElement)
    this.#log.append(element)
    return element
  }
}

class AnswerView {
  #element
  #blocks
  #rest
  /** @type {string[]} */
  #shown = []

  /** @param {HTMLElement} element @param {() => void} onRetry */
  constructor(element, onRetry) {
    this.#element = element
    this.#blocks = find(element, "[data-blocks]", HTMLElement)
    this.#rest = find(element, "[data-rest]", HTMLElement)
    find(element, "[data-retry]", HTMLElement).addEventListener("click", onRetry)
  }

  /** @param {Answer} answer */
  update(answer) {
    this.#updateBlocks(answer.blocks)
    this.#rest.textContent = answer.rest.trimStart()
    this.#rest.hidden = !answer.rest.trim()
    this.#rest.classList.toggle("caret", answer.state === "streaming")
    this.#part("[data-waiting]").hidden = answer.state !== "waiting"
    if (isArriving(answer)) return
    this.#say("[data-figures]", [...answer.notices, figures(answer)].join(" "))
    this.#part("[data-problem]").hidden = !answer.problem
    this.#part("[data-retry]").hidden = !answer.problem?.retryable
    this.#say("[data-problem-title]", answer.problem?.title ?? "")
    this.#say("[data-problem-detail]", answer.problem?.detail ?? "")
  }

  remove() {
    this.#element.remove()
  }

  /** Blocks stay as they are, but for the last while it grows; the whole answer may replace all. @param {string[]} blocks */
  #updateBlocks(blocks) {
    if (blocks[this.#shown.length - 1] !== this.#shown.at(-1)) {
      this.#blocks.replaceChildren()
      this.#shown = []
    }
    for (const html of blocks.slice(this.#shown.length)) this.#blocks.append(sanitisedFragment(html))
    this.#shown = [...blocks]
  }

  /** @param {string} selector @param {string} text */
  #say(selector, text) {
    this.#part(selector).textContent = text
    this.#part(selector).hidden = !text
  }

  /** @param {string} selector */
  #part(selector) {
    return find(this.#element, selector, HTMLElement)
  }
}

/** The line under an answer: "1,240 tokens · $0.0031 · 1.8 s". @param {Answer} answer */
function figures({ usage, cost_usd, elapsed_ms, state }) {
  const parts = state === "stopped" ? ["stopped"] : []
  if (usage) {
    const tokens = formatUnits(usage.total_tokens, "token")
    parts.push(usage.estimated ? `about ${tokens}` : tokens, cost_usd == null ? "price unknown" : formatCost(cost_usd))
  }
  if (usage && elapsed_ms) parts.push(formatDuration(elapsed_ms))
  return parts.join(" · ")
}

/**
 * @template {Element} T
 * @param {ParentNode} root
 * @param {string} selector
 * @param {{ new (): T }} type
 * @returns {T}
 */
function find(root, selector, type) {
  const element = root.querySelector(selector)
  if (!(element instanceof type)) throw new Error(`The page has no ${selector}.`)
  return element
}

for (const root of document.querySelectorAll("[data-mini-chat]")) {
  if (root instanceof HTMLElement) new MiniChat(root)
}
