// @ts-check
/** The chat page: what each button and key does. */
import { copyText, showCopied } from "../lib/copy.js"
import { get } from "../lib/elements.js"
import { keptForGood, keptForTab } from "../lib/storage.js"
import { adoptedEntries } from "./adopted.js"
import { isArriving, newAnswer, receiveAnswer } from "./answer.js"
import { codeBeside, toggleWrap } from "./code_blocks.js"
import { Composer } from "./composer.js"
import { ContextGauge } from "./context_gauge.js"
import { Conversation } from "./conversation.js"
import { Counter } from "./counter.js"
import { ModelPicker } from "./model_picker.js"
import { ProviderKey } from "./provider_key.js"
import { ScrollFollower } from "./scroll_follower.js"
import { Settings } from "./settings.js"
import { Transcript } from "./transcript.js"

/** @typedef {import("./answer.js").Answer} Answer */

/** How often an arriving answer is saved against a reload. */
const SAVE_EVERY_MS = 1_000
const CONTINUE = "Continue exactly where you stopped."
/** A longer answer is announced by its beginning; the rest stands in the log. */
const ANNOUNCED_CHARS = 1_500

export class ChatPage {
  #conversation = new Conversation(keptForTab("chat.conversation"))
  #previous = keptForTab("chat.previous")
  #key = new ProviderKey(keptForTab("chat.provider-key"))
  #settings = new Settings(keptForGood("chat.settings"), this.#key, () => this.#picker.describe())
  #gauge = new ContextGauge(get("#gauge", HTMLElement))
  #log = get("#log", HTMLElement)
  #transcript
  #scroll
  #picker
  #counter
  #composer
  /** @type {AbortController | null} */
  #turn = null
  #isLeaving = false

  /** @param {import("./adopted.js").PageData} data */
  constructor(data) {
    const nameOf = (/** @type {string} */ id) => data.models.find((model) => model.id === id)?.name ?? id
    this.#transcript = new Transcript(this.#log, nameOf, (action, id, button) => this.#act(action, id, button))
    const adopted = adoptedEntries(data)
    if (adopted.length) this.#conversation.replace(adopted)
    this.#picker = new ModelPicker({
      models: data.models,
      fallback: data.default_model,
      choice: keptForGood("chat.model"),
      hasKey: () => this.#key.value !== null,
      onPick: (model) => this.#picked(model),
    })
    this.#counter = new Counter(get("#counter", HTMLElement), {
      maxChars: data.max_message_chars,
      model: () => this.#picker.model,
      key: () => this.#key.value,
      onTokens: (tokens) => this.#gauge.setDraft(tokens),
    })
    this.#composer = new Composer({
      draft: keptForGood("chat.draft"),
      maxChars: data.max_message_chars,
      onText: (text) => this.#counter.count(text),
      onSend: (text) => this.#ask(text),
    })
    this.#scroll = newScrollFollower()
    this.#showConversation()
    // The question of a failed form post stands in the conversation now.
    if (data.error && adopted.length) this.#composer.text = ""
  }

  /**
   * @param {string} command of a button or a key
   * @returns {boolean} whether there was something to do
   */
  run(command) {
    switch (command) {
      case "stop":
        return this.#stop()
      case "retry-last":
        return this.#retry()
      case "edit-last":
        return this.#editLast()
      case "copy-last":
        return this.#copyLast()
      case "focus":
        this.#composer.focus()
        break
      case "new-chat":
        this.#startAnew()
        break
      case "restore":
        this.#restore()
        break
      case "settings":
        this.#settings.open()
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
  ask(text) {
    if (!this.#turn) this.#ask(text, { keepDraft: true })
  }

  /** The page is about to go, unless the person stays after all. */
  leave() {
    this.#isLeaving = true
  }

  /** Nothing of an arriving answer may be lost when the page goes. */
  save() {
    if (!this.#conversation.isEmpty) this.#conversation.save()
  }

  /** @param {string} action @param {number} id @param {HTMLElement} button */
  #act(action, id, button) {
    const text = this.#conversation.find(id)?.text ?? ""
    switch (action) {
      case "copy":
        return void this.#copy(text, button)
      case "copy-code":
        return void this.#copy(codeBeside(button), button)
      case "wrap":
        return toggleWrap(button)
      case "edit":
        return this.#edit(id)
      case "edit-last":
        return void this.#editLast()
      case "retry":
        return void this.#retry()
      case "continue":
        return this.#turn ? undefined : void this.#ask(CONTINUE, { keepDraft: true })
      case "key":
        return this.#settings.open({ forKey: true })
    }
  }

  /** @param {string} text @param {{ keepDraft?: boolean }} [options] */
  #ask(text, { keepDraft = false } = {}) {
    this.#previous.forget()
    const question = this.#conversation.append({ role: "user", id: 0, text, at: Date.now() })
    this.#transcript.add(question)
    if (!keepDraft) this.#composer.text = ""
    void this.#answer()
  }

  async #answer() {
    const { id: model } = this.#picker.model
    const answer = newAnswer(model, Date.now())
    const { messages, left_out } = this.#conversation.messages(this.#settings.values.system)
    const turn = (this.#turn = new AbortController())
    this.#isLeaving = false
    answer.left_out = left_out
    this.#conversation.append(answer)
    this.#transcript.add(answer)
    this.#setBusy(true)
    this.#scroll.follow()
    const onChange = this.#showWhileArriving(answer)
    const request = { messages, model, ...this.#settings.parameters }
    try {
      const isLeaving = () => this.#isLeaving
      await receiveAnswer(answer, request, { signal: turn.signal, key: this.#key.value, onChange, isLeaving })
    } finally {
      this.#conclude(answer, turn)
    }
  }

  /** @param {Answer} answer @returns {() => void} shows at most one change a frame and saves once a second */
  #showWhileArriving(answer) {
    let isDue = false
    let savedAt = Date.now()
    return () => {
      if (isDue) return
      isDue = true
      requestAnimationFrame(() => {
        isDue = false
        this.#transcript.update(answer)
        if (!isArriving(answer) || Date.now() - savedAt < SAVE_EVERY_MS) return
        savedAt = Date.now()
        this.#conversation.save()
      })
    }
  }

  /** @param {Answer} answer @param {AbortController} turn */
  #conclude(answer, turn) {
    this.#transcript.update(answer)
    if (this.#turn !== turn) return
    this.#turn = null
    this.#setBusy(false)
    this.#conversation.save()
    this.#showContext()
    announce(answer)
  }

  /** @param {boolean} isBusy */
  #setBusy(isBusy) {
    this.#composer.setBusy(isBusy)
    this.#transcript.setBusy(isBusy)
    this.#showTitle()
    if (isBusy) get("#status", HTMLElement).textContent = ""
    if (isBusy) this.#focusComposer()
  }

  #stop() {
    this.#turn?.abort()
    return this.#turn !== null
  }

  /** Ask the last question again; its answer makes room for the new one. */
  #retry() {
    const { lastAnswer, lastQuestion, entries } = this.#conversation
    if (this.#turn || !lastQuestion) return false
    if (lastAnswer && entries.at(-1) === lastAnswer) this.#dropFrom(lastAnswer.id)
    void this.#answer()
    return true
  }

  /** @param {number} id */
  #edit(id) {
    if (this.#turn) return
    const message = this.#transcript.edit(id, (text) => {
      this.#dropFrom(id)
      this.#ask(text, { keepDraft: true })
    })
    if (message) this.#scroll.show(message)
  }

  #editLast() {
    const question = this.#conversation.lastQuestion
    if (this.#turn || !question) return false
    this.#edit(question.id)
    return true
  }

  #copyLast() {
    const id = this.#conversation.lastAnswer?.id
    const button = this.#log.querySelector(`[data-id="${id}"] [data-action=copy]`)
    if (button instanceof HTMLElement) void this.#copy(this.#conversation.lastAnswer?.text ?? "", button)
    return button !== null
  }

  /** @param {string} text @param {HTMLElement} button */
  async #copy(text, button) {
    showCopied(button, await copyText(text))
  }

  /** @param {number} id */
  #dropFrom(id) {
    this.#conversation.dropFrom(id)
    this.#transcript.dropFrom(id, this.#conversation.entries.at(-1)?.at)
  }

  #startAnew() {
    this.#stop()
    this.#turn = null
    if (!this.#conversation.isEmpty) this.#previous.write(this.#conversation.entries)
    this.#conversation.clear()
    this.#composer.setBusy(false)
    this.#transcript.setBusy(false)
    this.#showConversation()
    this.#focusComposer()
  }

  #restore() {
    this.#conversation.replace(this.#previous.read() ?? [])
    this.#previous.forget()
    this.save()
    this.#showConversation()
    this.#focusComposer()
  }

  #showConversation() {
    const { entries, isEmpty } = this.#conversation
    this.#transcript.show(entries)
    if (isEmpty) this.#scroll.rest()
    else this.#scroll.follow()
    get("#restore", HTMLElement).hidden = this.#previous.read() === null
    this.#showTitle()
    this.#showContext()
  }

  #showTitle() {
    const { title, isEmpty } = this.#conversation
    get("#title", HTMLElement).textContent = title || "New chat"
    get("#greeting", HTMLElement).hidden = !isEmpty
  }

  #showContext() {
    const context = this.#conversation.lastContext
    this.#gauge.setConversation(context?.used_tokens ?? 0, this.#picker.model.context_window ?? context?.window ?? null)
  }

  /** @param {import("./api.js").Model} model */
  #picked(model) {
    this.#showContext()
    this.#counter.count(this.#composer.text)
    if (model.status === "no_key" && !this.#key.value) this.#settings.open({ forKey: true })
    else this.#focusComposer()
  }

  /** On a touch screen the focus would bring up the keyboard over what was asked for. */
  #focusComposer() {
    if (matchMedia("(pointer: fine)").matches || this.#composer.hasFocus) this.#composer.focus()
  }
}

function newScrollFollower() {
  const jump = get("#jump", HTMLElement)
  return new ScrollFollower(get("#scroll", HTMLElement), get("#column", HTMLElement), (isAway) => {
    jump.hidden = !isAway
  })
}

/** @param {Answer} answer told once, when it is whole, to those who hear the page */
function announce({ state, text, problem }) {
  const isLong = text.length > ANNOUNCED_CHARS
  const start = isLong ? `${text.slice(0, ANNOUNCED_CHARS)}… The whole answer is in the messages.` : text
  const end = state === "failed" ? `${problem?.title}. ${problem?.detail}` : state === "stopped" ? "Stopped." : ""
  get("#status", HTMLElement).textContent = [start, end].filter(Boolean).join(" ")
}
