// @ts-check
/** The chat page: what each button and key does. */
import { copyText, showCopied } from "../lib/copy.js"
import { get } from "../lib/elements.js"
import { keptForGood, keptForTab } from "../lib/storage.js"
import { isArriving } from "./answer.js"
import { announce, settleAddress, showAround, tellList } from "./around.js"
import { codeBeside, toggleWrap } from "./code_blocks.js"
import { Composer } from "./composer.js"
import { ContextGauge } from "./context_gauge.js"
import { Conversation } from "./conversation.js"
import { Counting } from "./counting.js"
import { Draft } from "./drafts.js"
import { ModelPicker } from "./model_picker.js"
import { ProviderKey } from "./provider_key.js"
import { ScrollFollower } from "./scroll_follower.js"
import { Settings } from "./settings.js"
import { Transcript } from "./transcript.js"
import { listenForVersionKeys } from "./version_keys.js"

/**
 * @typedef {import("./exchange.js").Exchange} Exchange
 * @typedef {import("./answer.js").Answer} Answer
 * @typedef {import("./conversation.js").Question} Question
 * @typedef {import("./conversation.js").Entry} Entry
 * @typedef {import("./api.js").Message} Message
 * @typedef {{ models: import("./api.js").Model[], default_model: string, demo: boolean, max_message_chars: number,
 *   has_guest: boolean, conversation: import("./api.js").StoredConversation | null, messages: Message[],
 *   more: boolean, draft: string }} PageData  what the server wrote into the page
 * @typedef {{ conversation: Conversation, transcript: Transcript, scroll: ScrollFollower, log: HTMLElement,
 *   isBusy: () => boolean, join: () => void, changed: () => void }} Shown  what those parts of the page get that are
 *   loaded when they are needed
 */

const CONTINUE = "Continue exactly where you stopped."
/** The conversation went on, or went away, in another tab; or the session ended. */
const ELSEWHERE = ["stale_parent", "answer_in_progress", "not_found", "signed_out", "sign_in_required", "account_suspended"]

export class ChatPage {
  #conversation
  #key = new ProviderKey(keptForTab("chat.provider-key"))
  #settings = new Settings(keptForGood("chat.settings"), this.#key, () => this.#picker.describe())
  #gauge = new ContextGauge(get("#gauge", HTMLElement))
  #log = get("#log", HTMLElement)
  #hasGuest
  #transcript
  #scroll
  #picker
  #counting
  #draft
  #composer
  /** @type {Promise<Exchange> | undefined} */
  #loading
  /** @type {Exchange | undefined} */
  #exchange

  /** @param {PageData} data */
  constructor(data) {
    this.#hasGuest = data.has_guest
    this.#conversation = new Conversation(data)
    const nameOf = (/** @type {string} */ id) => data.models.find((model) => model.id === id)?.name ?? id
    this.#transcript = new Transcript(this.#log, this.#conversation, nameOf, (action, entry, button) =>
      this.#act(action, entry, button),
    )
    this.#picker = new ModelPicker({
      models: data.models,
      fallback: data.default_model,
      choice: keptForGood("chat.model"),
      hasKey: () => this.#key.value !== null,
      onPick: (model) => this.#picked(model),
    })
    this.#counting = new Counting({
      maxChars: data.max_message_chars,
      model: () => this.#picker.model,
      key: () => this.#key.value,
      onTokens: (tokens) => this.#gauge.setDraft(tokens),
    })
    this.#draft = new Draft(this.#conversation.id)
    this.#composer = new Composer({
      draft: this.#draft,
      maxChars: data.max_message_chars,
      onText: (text) => this.#written(text),
      onSend: (text) => void this.#send(text),
    })
    const jump = get("#jump", HTMLElement)
    this.#scroll = new ScrollFollower(get("#scroll", HTMLElement), get("#column", HTMLElement), (isAway) => {
      jump.hidden = !isAway
    })
    this.#begin()
    this.#listen()
  }

  /**
   * @param {string} command of a button or a key
   * @returns {boolean} whether there was something to do
   */
  run(command) {
    const { lastAnswer, lastQuestion } = this.#conversation
    switch (command) {
      case "stop":
        return this.#exchange?.stop() ?? false
      case "retry-last":
        if (lastAnswer) void this.#retry(lastAnswer)
        return lastAnswer !== undefined
      case "edit-last":
        if (lastQuestion) void this.#edit(lastQuestion)
        return lastQuestion !== undefined
      case "copy-last":
        return this.#copyLast()
      case "focus":
        this.#composer.focus()
        break
      case "new-chat":
        location.assign("/chat")
        break
      case "temporary":
        void this.#toggleTemporary()
        break
      case "older":
        void this.#loadOlder()
        break
      case "settings":
        void this.#settings.open(this.#conversation)
        break
      case "shortcuts":
        get("#shortcuts", HTMLDialogElement).showModal()
        break
      case "jump":
        this.#scroll.follow()
        this.#focusComposer()
        break
      default:
        return false
    }
    return true
  }

  /** @param {string} text a starter's prompt */
  async ask(text) {
    const exchange = await this.#asking()
    if (!exchange?.isBusy) exchange?.ask(text)
  }

  /** Take over the conversation as the server rendered it. */
  #begin() {
    const { isEmpty } = this.#conversation
    const target = location.hash.startsWith("#m-") && document.getElementById(location.hash.slice(1))
    if (target) this.#scroll.show(target)
    else if (isEmpty) this.#scroll.rest()
    else this.#scroll.follow()
    this.#showState()
    void this.#join()
  }

  #listen() {
    const scroller = get("#scroll", HTMLElement)
    listenForVersionKeys(scroller, this.#transcript, (action, entry) => void this.#actOnServer(action, entry))
    new IntersectionObserver(([{ isIntersecting }]) => isIntersecting && this.run("older"), {
      root: scroller,
      rootMargin: "800px 0px 0px",
    }).observe(get("#older", HTMLElement))
    document.addEventListener("visibilitychange", () => document.hidden || void this.#refresh())
    document.addEventListener("chat:renamed", (event) => {
      const { id, title } = /** @type {CustomEvent} */ (event).detail
      if (id === this.#conversation.id) this.#showState(title)
    })
  }

  /** @returns {Shown} */
  get #shown() {
    return {
      conversation: this.#conversation,
      transcript: this.#transcript,
      scroll: this.#scroll,
      log: this.#log,
      isBusy: () => this.#isBusy,
      join: () => void this.#join(),
      changed: () => this.#showState(),
    }
  }

  /** @param {string} action @param {Entry} entry @param {HTMLElement} button */
  #act(action, entry, button) {
    switch (action) {
      case "copy":
        return void this.#copy(entry.text, button)
      case "copy-code":
        return void this.#copy(codeBeside(button), button)
      case "wrap":
        return toggleWrap(button)
      case "edit":
        return void this.#edit(entry)
      case "cancel-edit":
        return void this.#cancelEdit(entry)
      case "edit-last":
        return void this.run(action)
      case "retry":
        return void this.#retry(entry)
      case "continue":
        return void this.ask(CONTINUE)
      case "key":
        return void this.#settings.open(this.#conversation, { forKey: true })
      default:
        return void this.#actOnServer(action, entry)
    }
  }

  /** @param {string} action @param {Entry} entry */
  async #actOnServer(action, entry) {
    const { act } = await import("./message_actions.js")
    await act(action, entry, this.#shown)
  }

  get #isBusy() {
    return this.#exchange?.isBusy ?? false
  }

  /** @returns {Promise<Exchange | undefined>} what asks, loaded with the first word; without a network there is none */
  async #asking() {
    try {
      this.#loading ??= this.#loadExchange()
      return await this.#loading
    } catch (error) {
      this.#loading = undefined
      // Being offline is told by the banner.
      if (navigator.onLine) reportError(error)
    }
  }

  async #loadExchange() {
    const { Exchange } = await import("./exchange.js")
    this.#exchange = new Exchange(this.#conversation, this.#transcript, {
      modelId: () => this.#picker.model.id,
      settings: this.#settings,
      key: () => this.#key.value,
      hasGuest: this.#hasGuest,
      onBusy: (isAsked) => this.#becameBusy(isAsked),
      onStart: (title) => this.#started(title),
      onOver: (question, answer) => this.#conclude(question, answer),
    })
    return this.#exchange
  }

  /** @param {string} text that stands in the composer */
  #written(text) {
    if (text) void this.#asking()
    void this.#counting.count(text)
  }

  /** @param {string} text what stood in the composer */
  async #send(text) {
    this.#composer.empty()
    const exchange = await this.#asking()
    if (exchange && !exchange.isBusy) exchange.ask(text)
    else this.#composer.text = text
  }

  /** Have an answer made again, beside the one that is there. @param {Entry} entry */
  async #retry(entry) {
    if (entry.role === "assistant") (await this.#asking())?.retry(entry)
  }

  /** Follow an answer that is being made already. */
  async #join() {
    const { lastAnswer } = this.#conversation
    if (lastAnswer && isArriving(lastAnswer)) (await this.#asking())?.join()
  }

  /** @param {boolean} isAsked here, and not elsewhere */
  #becameBusy(isAsked) {
    get("#aside", HTMLElement).replaceChildren()
    get("#status", HTMLElement).textContent = ""
    this.#composer.setBusy(true)
    this.#transcript.setBusy(true)
    this.#showState()
    if (!isAsked) return
    this.#scroll.follow()
    this.#focusComposer()
  }

  /** @param {string} title */
  #started(title) {
    const { id } = this.#conversation
    if (id) this.#draft.moveTo(id)
    this.#composer.keepDraft()
    settleAddress(this.#conversation)
    this.#showState(title)
    tellList(this.#conversation, true)
  }

  /** @param {Question} question @param {Answer} answer */
  #conclude(question, answer) {
    this.#composer.setBusy(false)
    this.#transcript.setBusy(false)
    if (!answer.id && ELSEWHERE.includes(answer.problem?.code ?? "")) return void this.#takeBack(question, answer)
    this.#showState()
    announce(answer)
    if (answer.id) tellList(this.#conversation, false)
    if (answer.context?.summarised_messages) void this.#showSummary()
  }

  /**
   * What could not be sent, because the conversation has changed elsewhere, goes back to where it was written.
   * @param {Question} question
   * @param {Answer} answer
   */
  async #takeBack(question, answer) {
    // The text of a conversation that is gone can only go on in a new one.
    const { problem } = answer
    if (problem?.code === "not_found") this.#draft.moveTo(null)
    this.#transcript.dropFrom(question.id ? answer : question)
    if (!question.id && !this.#composer.text) this.#composer.text = question.text
    this.#showState()
    const { showElsewhere } = await import("./elsewhere.js")
    if (problem) showElsewhere(problem, this.#shown)
  }

  async #showSummary() {
    const { refreshSummary } = await import("./summary.js")
    await refreshSummary(this.#shown)
  }

  async #refresh() {
    if (this.#isBusy || !this.#conversation.id) return
    const { catchUp } = await import("./elsewhere.js")
    await catchUp(this.#shown)
  }

  async #loadOlder() {
    const { loadOlder } = await import("./older.js")
    await loadOlder(this.#shown)
  }

  /** @param {Entry} entry */
  async #edit(entry) {
    const message = this.#transcript.elementOf(entry)
    if (this.#isBusy || entry.role !== "user" || !message) return
    const { editQuestion } = await import("./editor.js")
    editQuestion(message, async (text) => (await this.#asking())?.ask(text, entry))
    this.#scroll.show(message)
  }

  /** @param {Entry} entry */
  async #cancelEdit(entry) {
    const { cancelEdit } = await import("./editor.js")
    const message = this.#transcript.elementOf(entry)
    if (message) cancelEdit(message)
  }

  #copyLast() {
    const { lastAnswer } = this.#conversation
    const button = lastAnswer && this.#transcript.elementOf(lastAnswer)?.querySelector("[data-action=copy]")
    if (!(button instanceof HTMLElement)) return false
    void this.#copy(lastAnswer?.text ?? "", button)
    return true
  }

  /** @param {string} text @param {HTMLElement} button */
  async #copy(text, button) {
    showCopied(button, await copyText(text))
  }

  async #toggleTemporary() {
    // The next message must not wait for this part of the page.
    await import("./temporary.js")
    if (!this.#conversation.isEmpty) return
    this.#draft.isKept = this.#conversation.isTemporary
    this.#conversation.isTemporary = !this.#conversation.isTemporary
    this.#composer.keepDraft()
    this.#showState()
    this.#focusComposer()
  }

  /** @param {string} [title] when it has changed */
  #showState(title) {
    this.#conversation.title = title ?? this.#conversation.title
    showAround(this.#conversation)
    this.#showContext()
  }

  #showContext() {
    const answers = this.#conversation.entries.filter((entry) => entry.role === "assistant")
    const answer = answers.findLast(({ context, usage }) => context?.used_tokens !== undefined || usage)
    this.#gauge.setConversation(answer, this.#picker.model.context_window)
  }

  /** @param {import("./api.js").Model} model */
  #picked(model) {
    this.#showContext()
    void this.#counting.count(this.#composer.text)
    if (model.status === "no_key" && !this.#key.value) void this.#settings.open(this.#conversation, { forKey: true })
    else this.#focusComposer()
  }

  /** On a touch screen the focus would bring up the keyboard over what was asked for. */
  #focusComposer() {
    if (matchMedia("(pointer: fine)").matches || this.#composer.hasFocus) this.#composer.focus()
  }
}
