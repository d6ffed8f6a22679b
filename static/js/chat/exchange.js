// @ts-check
/** Asking and being answered: new messages, new versions of old ones, and answers that are being made already. */
import { isArriving, newAnswer } from "./answer.js"
import { callApi } from "./api.js"
import { newQuestion } from "./conversation.js"
import { Turn } from "./turn.js"

/**
 * @typedef {import("./answer.js").Answer} Answer
 * @typedef {import("./conversation.js").Question} Question
 * @typedef {{ message?: string, parent_id: string | null, branch?: boolean }} Wish  what is asked of a conversation
 */

export class Exchange {
  #conversation
  #transcript
  #modelId
  #settings
  #key
  #hasGuest
  #onBusy
  #onStart
  #onOver
  /** @type {Turn | null} */
  #turn = null
  #isAsking = false
  /** @type {WeakMap<Answer, { wish: Wish, ask: import("./turn.js").Ask }>} what an answer was asked for with */
  #asked = new WeakMap()

  /**
   * @param {import("./conversation.js").Conversation} conversation
   * @param {import("./transcript.js").Transcript} transcript
   * @param {object} options
   * @param {() => string} options.modelId
   * @param {import("./settings.js").Settings} options.settings
   * @param {() => string | null} options.key the person's own provider key
   * @param {boolean} options.hasGuest whether the server knows this browser
   * @param {(isAsked: boolean) => void} options.onBusy an answer is waited for, which was asked for here or elsewhere
   * @param {(title: string) => void} options.onStart the server has the message
   * @param {(question: Question, answer: Answer) => void} options.onOver
   */
  constructor(conversation, transcript, { modelId, settings, key, hasGuest, onBusy, onStart, onOver }) {
    this.#conversation = conversation
    this.#transcript = transcript
    this.#modelId = modelId
    this.#settings = settings
    this.#key = key
    this.#hasGuest = hasGuest
    this.#onBusy = onBusy
    this.#onStart = onStart
    this.#onOver = onOver
  }

  get isBusy() {
    return this.#isAsking || this.#turn !== null
  }

  /** @param {string} text @param {Question} [instead] the question it is a new version of */
  ask(text, instead) {
    const isVersion = Boolean(instead?.id)
    if (instead) this.#transcript.dropFrom(instead)
    const parent_id = isVersion && instead ? instead.parent_id : this.#conversation.tipId
    const question = newQuestion(text, parent_id, (isVersion && instead?.siblings) || [])
    this.#transcript.add(question)
    void this.#answer(question, { message: text, parent_id, ...(isVersion && { branch: true }) })
  }

  /** Have an answer made again, beside the one that is there. @param {Answer} answer */
  retry(answer) {
    const question = this.#conversation.questionOf(answer)
    if (this.isBusy || !question) return
    const { id, siblings, problem } = answer
    const asked = this.#asked.get(answer)
    this.#transcript.dropFrom(answer)
    if (id) return void this.#answer(question, { parent_id: question.id }, { siblings })
    const wish = asked?.wish ?? { message: question.text, parent_id: question.parent_id }
    // What may have arrived after all is sent under the same name, so that it is answered once.
    void this.#answer(question, wish, { ask: problem?.code === "connection_lost" ? asked?.ask : undefined })
  }

  /** Follow an answer that is being made already. */
  join() {
    const answer = this.#conversation.lastAnswer
    const question = answer && this.#conversation.questionOf(answer)
    if (!this.isBusy && question && isArriving(answer)) void this.#receive(question, answer)
  }

  /** @returns {boolean} whether there was an answer to stop */
  stop() {
    this.#turn?.stop()
    return this.isBusy
  }

  /**
   * @param {Question} question
   * @param {Wish} wish
   * @param {{ siblings?: string[], ask?: import("./turn.js").Ask }} [options]
   */
  async #answer(question, wish, { siblings = [], ask } = {}) {
    this.#isAsking = true
    const answer = { ...newAnswer(this.#modelId(), Date.now()), parent_id: question.id, siblings }
    const asking = ask ?? (await this.#asking(wish))
    this.#asked.set(answer, { wish, ask: asking })
    this.#transcript.add(answer)
    this.#isAsking = false
    await this.#receive(question, answer, asking)
  }

  /** @param {Wish} wish @returns {Promise<import("./turn.js").Ask>} */
  async #asking(wish) {
    const parameters = { model: this.#modelId(), ...this.#settings.parameters }
    const instructions = this.#settings.values.system
    if (this.#conversation.isTemporary) {
      const { wholeConversation } = await import("./temporary.js")
      return { body: { messages: wholeConversation(this.#conversation, instructions), ...parameters } }
    }
    const conversation_id = this.#conversation.id ?? "new"
    const body = { conversation_id, ...wish, ...(instructions && { instructions }), ...parameters }
    return { body, once: newName() }
  }

  /** @param {Question} question @param {Answer} answer @param {import("./turn.js").Ask} [ask] */
  async #receive(question, answer, ask) {
    const turn = (this.#turn = new Turn(answer, {
      ask,
      key: this.#key(),
      prepare: () => this.#becomeGuest(),
      onStart: (data) => this.#started(question, answer, data),
      onChange: this.#showWhileArriving(answer),
    }))
    this.#onBusy(ask !== undefined)
    try {
      await turn.receive()
    } finally {
      this.#turn = null
      this.#transcript.update(answer)
      this.#onOver(question, answer)
    }
  }

  /** A guest first, so that a message that has to be sent twice finds the same one. */
  async #becomeGuest() {
    if (this.#hasGuest || this.#conversation.isTemporary) return
    await callApi("POST", "/guests", { credential: "cookie" })
    this.#hasGuest = true
  }

  /** @param {Question} question @param {Answer} answer @param {any} data of the `start` event */
  #started(question, answer, { conversation_id, user_message_id, message_id, title }) {
    // A temporary chat has no ids.
    if (!conversation_id) return
    question.id ||= user_message_id
    Object.assign(answer, { id: message_id, parent_id: question.id })
    for (const entry of [question, answer]) {
      if (!entry.siblings.includes(entry.id)) entry.siblings = [...entry.siblings, entry.id]
      this.#transcript.update(entry)
    }
    Object.assign(this.#conversation, { id: conversation_id, headId: message_id })
    this.#onStart(title)
  }

  /** @param {Answer} answer @returns {() => void} shows at most one change a frame */
  #showWhileArriving(answer) {
    let isDue = false
    return () => {
      if (isDue) return
      isDue = true
      requestAnimationFrame(() => {
        isDue = false
        this.#transcript.update(answer)
      })
    }
  }
}

/** @returns {string} one of its kind; `crypto.randomUUID` is missing on pages served over plain http */
function newName() {
  const bytes = crypto.getRandomValues(new Uint8Array(16))
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("")
}
