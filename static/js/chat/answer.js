// @ts-check
/** One answer: what is known of it, and how the events of a stream change that. */
import { ConnectionLost } from "../lib/sse.js"
import { RequestRefused, streamAnswer } from "./api.js"

/**
 * @typedef {import("./api.js").Problem} Problem
 * @typedef {object} Answer
 * @property {"assistant"} role
 * @property {number} id
 * @property {string} text as the model wrote it
 * @property {string[]} blocks its finished blocks as the server's sanitised HTML
 * @property {string} rest the text after the last finished block
 * @property {number} at when it began, in milliseconds since the epoch
 * @property {string} model
 * @property {string[]} notices sentences for people
 * @property {number} [left_out] earlier messages that did not fit into the request
 * @property {"waiting" | "streaming" | "done" | "stopped" | "cut" | "failed"} state
 * @property {string} [finish_reason]
 * @property {import("./api.js").Usage} [usage]
 * @property {number | null} [cost_usd]
 * @property {number} [elapsed_ms]
 * @property {number | null} [first_token_ms]
 * @property {import("./api.js").Context} [context]
 * @property {Problem} [problem]
 */

/** @param {string} model @param {number} at @returns {Answer} */
export const newAnswer = (model, at) => ({
  role: "assistant",
  id: 0,
  text: "",
  blocks: [],
  rest: "",
  at,
  model,
  notices: [],
  state: "waiting",
})

/** @param {Answer} answer @returns {boolean} whether more is to come */
export const isArriving = (answer) => answer.state === "waiting" || answer.state === "streaming"

/**
 * Change an answer by one event; unknown events change nothing.
 *
 * @param {Answer} answer
 * @param {import("../lib/sse.js").ServerEvent} event
 */
export function applyEvent(answer, { name, data }) {
  switch (name) {
    case "start":
      answer.model = data.model
      answer.notices = data.notices ?? []
      answer.context = data.context
      break
    case "delta":
      answer.state = "streaming"
      answer.text += data.text
      answer.rest += data.text
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

/** @param {Answer} answer @param {any} data of the `done` event */
function finish(answer, data) {
  const { usage, cost_usd, elapsed_ms, first_token_ms, finish_reason, context, html } = data
  Object.assign(answer, { usage, cost_usd, elapsed_ms, first_token_ms, finish_reason })
  answer.context = context ?? answer.context
  if (typeof html === "string") Object.assign(answer, { blocks: [html], rest: "" })
  answer.state = answer.problem ? "failed" : "done"
}

/**
 * Ask and keep `answer` up to date until it is over; its state then says how it ended. Never rejects.
 *
 * @param {Answer} answer
 * @param {import("./api.js").ChatRequest} request
 * @param {{ signal: AbortSignal, key: string | null, onChange: () => void, isLeaving: () => boolean }} options
 *   a page that is being left loses its connections, which is no fault to tell of
 */
export async function receiveAnswer(answer, request, { signal, key, onChange, isLeaving }) {
  try {
    for await (const event of streamAnswer(request, { signal, key })) {
      applyEvent(answer, event)
      onChange()
      if (!isArriving(answer)) return
    }
    throw new ConnectionLost("The stream ended before the answer did.")
  } catch (error) {
    if (signal.aborted) answer.state = "stopped"
    else if (isLeaving()) answer.state = "cut"
    else fail(answer, error)
  } finally {
    answer.elapsed_ms ??= Date.now() - answer.at
    onChange()
  }
}

/** @param {Answer} answer @param {unknown} error */
function fail(answer, error) {
  answer.state = "failed"
  answer.problem ??= error instanceof RequestRefused ? error.problem : lostConnection(answer)
  // A fault of ours must not pass for one of the network.
  if (!(error instanceof RequestRefused || error instanceof ConnectionLost || error instanceof TypeError)) throw error
}

/** @param {Answer} answer @returns {Problem} */
const lostConnection = (answer) => ({
  title: answer.text ? "The connection was lost" : "The server could not be reached",
  detail: navigator.onLine ? "Check that you are connected, then try again." : "Your device is offline.",
  code: "connection_lost",
  retryable: true,
})
