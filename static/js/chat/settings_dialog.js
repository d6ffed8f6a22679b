// @ts-check
/** The settings dialog. */
import { get } from "../lib/elements.js"
import { callApi } from "./api.js"
import { DEFAULTS } from "./settings.js"

/** @typedef {import("./conversation.js").Conversation} Conversation */

const SHORTEST_KEY = 8
const LONGEST_KEY = 512

const dialog = get("#settings", HTMLDialogElement)
const system = get("#system-prompt", HTMLTextAreaElement)
const temperature = get("#temperature", HTMLInputElement)
const maxTokens = get("#max-tokens", HTMLInputElement)
const summarise = get("#summarise", HTMLInputElement)
const keyInput = get("#provider-key", HTMLInputElement)
const keyError = get("#key-error", HTMLElement)
const forget = get("#forget-key", HTMLButtonElement)

/** @type {{ settings: import("./settings.js").Settings, conversation: Conversation } | null} */
let opened = null

/**
 * @param {import("./settings.js").Settings} settings
 * @param {Conversation} conversation
 * @param {{ forKey?: boolean }} [options] puts the focus into the key's field
 */
export function openSettings(settings, conversation, { forKey = false } = {}) {
  if (dialog.open) return
  opened ?? listen()
  opened = { settings, conversation }
  fill(settings.values)
  summarise.checked = conversation.isSummarised
  get("#summarise-field", HTMLElement).hidden = conversation.id === null
  keyInput.value = ""
  showKey(settings.hasKey)
  dialog.showModal()
  if (forKey) keyInput.focus()
}

function listen() {
  get("#settings-form", HTMLFormElement).addEventListener("submit", (event) => {
    if (!save()) event.preventDefault()
  })
  get("#reset-settings", HTMLElement).addEventListener("click", () => fill(DEFAULTS))
  keyInput.addEventListener("input", () => showFault(""))
  forget.addEventListener("click", () => {
    opened?.settings.useKey(null)
    showKey(false)
    keyInput.focus()
  })
}

/** @param {import("./settings.js").Values} values */
function fill(values) {
  system.value = values.system
  temperature.value = String(values.temperature ?? "")
  maxTokens.value = String(values.max_tokens ?? "")
}

/** @returns {boolean} false when the key cannot be one; the form itself checks the numbers */
function save() {
  const key = keyInput.value.trim()
  const fault = key && faultOf(key)
  showFault(fault)
  if (fault || !opened) return false
  const { settings, conversation } = opened
  if (key) settings.useKey(key)
  keyInput.value = ""
  settings.values = {
    system: system.value.trim(),
    temperature: numberIn(temperature),
    max_tokens: numberIn(maxTokens),
  }
  if (conversation.id && summarise.checked !== conversation.isSummarised) void saveSummarise(conversation)
  return true
}

/** @param {Conversation} conversation */
async function saveSummarise(conversation) {
  const before = conversation.isSummarised
  conversation.isSummarised = summarise.checked
  try {
    await callApi("PATCH", `/conversations/${conversation.id}`, { summarise: summarise.checked })
  } catch (error) {
    conversation.isSummarised = before
    const text = error instanceof Error ? error.message : String(error)
    document.dispatchEvent(new CustomEvent("chat:toast", { detail: { text } }))
  }
}

/** @param {boolean} hasKey */
function showKey(hasKey) {
  showFault("")
  forget.hidden = !hasKey
  keyInput.placeholder = hasKey ? "A key is in use; type to replace it" : "sk-…"
}

/** @param {string} fault */
function showFault(fault) {
  keyError.textContent = fault
  keyInput.setAttribute("aria-invalid", String(fault !== ""))
  if (fault) keyInput.focus()
}

/** @param {string} key @returns {string} what is wrong with it; empty when it may be sent in a header */
function faultOf(key) {
  if (!/^[!-~]*$/.test(key)) return "A key has no spaces and only plain letters, digits and signs."
  const isFit = key.length >= SHORTEST_KEY && key.length <= LONGEST_KEY
  return isFit ? "" : `A key has ${SHORTEST_KEY} to ${LONGEST_KEY} characters.`
}

/** @param {HTMLInputElement} input @returns {number | null} */
const numberIn = (input) => (Number.isNaN(input.valueAsNumber) ? null : input.valueAsNumber)
