// @ts-check
/** One answer: what is known of it, and how the events of its stream change that. */

/**
 * @typedef {import("./api.js").Problem} Problem
 * @typedef {import("./api.js").Message} Message
 * @typedef {object} Answer
 * @property {"assistant"} role
 * @property {string} id of the message and of its run; empty until the server has it
 * @property {string | null} parent_id of the question
 * @property {string[]} siblings answers to the same question in order, this one included
 * @property {string} text as the model wrote it
 * @property {string[]} blocks its finished blocks as the server's sanitised HTML
 * @property {string} rest the text after the last finished block
 * @property {string} position how much of it has arrived, in the server's own words
 * @property {number} at when it began, in milliseconds since the epoch
 * @property {string} model
 * @property {string[]} notices sentences for people
 * @property {"waiting" | "streaming" | "done" | "stopped" | "interrupted" | "failed"} state
 * @property {boolean} [isReconnecting]
 * @property {string} [stage] what the server does before the first word
 * @property {boolean} [isUnsaved]
 * @property {boolean} pinned always told to the model
 * @property {"up" | "down" | null} [rating]
 * @property {string | null} [finish_reason]
 * @property {import("./api.js").Usage | null} [usage]
 * @property {number | null} [cost_usd]
 * @property {number | null} [elapsed_ms]
 * @property {number | null} [first_token_ms]
 * @property {import("./api.js").Context | null} [context]
 * @property {Problem} [problem]
 */

/** @type {Record<Message["state"], Answer["state"]>} */
const STATES = { complete: "done", running: "waiting", stopped: "stopped", error: "failed", interrupted: "interrupted" }

/** @type {Problem} */
const UNKNOWN_PROBLEM = {
  title: "This answer failed",
  detail: "Have it made again.",
  code: "unknown",
  retryable: true,
}

/** @param {string} model @param {number} at @returns {Answer} */
export const newAnswer = (model, at) => ({
  role: "assistant",
  id: "",
  parent_id: null,
  siblings: [],
  text: "",
  blocks: [],
  rest: "",
  position: "0",
  at,
  model,
  notices: [],
  state: "waiting",
  pinned: false,
})

/** @param {Message} message @returns {Answer} one that still runs begins empty, since its stream tells all of it */
export function answerOf({ text, html, state, created_at, model, notices, error, ...known }) {
  const answer = { ...newAnswer(model ?? "", Date.parse(created_at)), ...known, role: /** @type {const} */ ("assistant") }
  answer.state = STATES[state]
  answer.notices = notices ?? []
  if (state === "error") answer.problem = error ?? UNKNOWN_PROBLEM
  if (state === "running") return answer
  return Object.assign(answer, { text, blocks: html ? [html] : [], rest: html ? "" : text })
}

/** @param {Answer} answer @returns {boolean} whether more is to come */
export const isArriving = (answer) => answer.state === "waiting" || answer.state === "streaming"

/**
 * Change an answer by one event; unknown events change nothing.
 *
 * @param {Answer} answer
 * @param {import("../lib/sse.js").ServerEvent} event
 */
export function applyEvent(answer, { name, data, id }) {
  switch (name) {
    case "start":
      if (!data.position || String(data.position) !== answer.position) rewind(answer, data.position ?? 0)
      answer.model = data.model
      answer.notices = data.notices ?? []
      answer.context = data.context
      break
    case "progress":
      answer.stage = data.stage
      break
    case "delta":
      answer.state = "streaming"
      answer.text += data.text
      answer.rest += data.text
      answer.position = id ?? answer.position
      break
    case "block":
      answer.blocks[data.index] = data.html
      answer.rest = data.rest
      break
    case "error":
      answer.problem = data
      break
    case "done":
      finish(answer, data)
  }
}

/**
 * Forget what came after a position: the stream goes on from there.
 *
 * @param {Answer} answer
 * @param {number} position in code points
 */
function rewind(answer, position) {
  const text = [...answer.text].slice(0, position).join("")
  Object.assign(answer, { text, rest: text, blocks: [], position: String(position), problem: undefined })
  answer.state = text ? "streaming" : "waiting"
}

/** @param {Answer} answer @param {any} data of the `done` event */
function finish(answer, data) {
  const { usage, cost_usd, elapsed_ms, first_token_ms, finish_reason, context, notices, saved, html } = data
  Object.assign(answer, { usage, cost_usd, elapsed_ms, first_token_ms, finish_reason })
  answer.context = context ?? answer.context
  answer.notices = notices ?? answer.notices
  answer.isUnsaved = saved === false
  if (typeof html === "string") Object.assign(answer, { blocks: [html], rest: "" })
  if (finish_reason === "interrupted") answer.state = "interrupted"
  else if (finish_reason === "cancelled") answer.state = "stopped"
  else answer.state = answer.problem ? "failed" : "done"
}
