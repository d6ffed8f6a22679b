// @ts-check
/** The server's API as this page uses it. */
import { ConnectionLost, readEvents } from "../lib/sse.js"

/**
 * @typedef {{ role: "system" | "user" | "assistant", content: string }} WireMessage
 * @typedef {{ model?: string, temperature?: number, max_tokens?: number }} Parameters
 * @typedef {Parameters & { messages: WireMessage[] }} StatelessRequest  nothing of it is stored
 * @typedef {Parameters & { conversation_id: string, parent_id: string | null, message?: string, branch?: boolean,
 *   instructions?: string }} StoredRequest  without a message the question `parent_id` is answered again
 * @typedef {{ prompt_tokens: number, completion_tokens: number, total_tokens: number, cached_tokens?: number,
 *   reasoning_tokens?: number, estimated: boolean }} Usage
 * @typedef {{ window?: number | null, used_tokens?: number, omitted_messages?: number, summarised_messages?: number,
 *   memory_tokens?: number }} Context
 * @typedef {{ title: string, detail: string, code: string, request_id?: string, retryable: boolean,
 *   retry_after?: number, status?: number, run_id?: string, conversation_id?: string,
 *   newer?: Message[] }} Problem  RFC 9457, as the server writes it
 * @typedef {{ tokens: number, characters: number, estimated: boolean }} TokenCount
 * @typedef {{ id: string, name: string, provider: string, context_window: number | null,
 *   input_usd_per_million: number | null, output_usd_per_million: number | null,
 *   status: "available" | "no_key" | "retiring" | "retired", retires_on: string | null,
 *   successor: string | null }} Model
 * @typedef {{ id: string, title: string, has_own_title: boolean, created_at: string, updated_at: string,
 *   pinned: boolean, archived: boolean, folder: string | null, tags: string[], head_id: string | null,
 *   running: string | null, summarise: boolean }} StoredConversation
 * @typedef {{ id: string, parent_id: string | null, role: "user" | "assistant", text: string, html?: string | null,
 *   state: "complete" | "running" | "stopped" | "error" | "interrupted", created_at: string, model?: string | null,
 *   rating?: "up" | "down" | null, pinned: boolean, siblings: string[], usage?: Usage | null,
 *   cost_usd?: number | null, elapsed_ms?: number | null, first_token_ms?: number | null,
 *   finish_reason?: string | null, error?: Problem | null, notices?: string[], context?: Context | null }} Message
 * @typedef {{ text: string, covers: number, until_id: string, model: string }} Summary
 * @typedef {{ messages: Message[], more: boolean, summary: Summary | null }} MessagePage
 */

/** The server refused before it began to answer. */
export class RequestRefused extends Error {
  /** @param {Problem} problem */
  constructor(problem) {
    super(problem.detail)
    this.problem = problem
  }
}

/**
 * @param {string} method
 * @param {string} path
 * @param {unknown} [body] sent as JSON
 * @returns {Promise<any>} the answer's JSON; null when there is none
 * @throws {RequestRefused} for an error status
 * @throws {ConnectionLost} when the server cannot be reached
 */
export async function callApi(method, path, body) {
  const response = await send(method, path, { body })
  return response.status === 204 ? null : response.json()
}

/** @param {string | null} conversationId @param {string} query @returns {Promise<MessagePage>} */
export const readMessages = (conversationId, query) =>
  callApi("GET", `/conversations/${conversationId}/messages?limit=30&render=html&${query}`)

/**
 * Ask for an answer and yield its events as they arrive.
 *
 * Events: `start`, then `delta` and `block`, perhaps one `error`, and `done` last.
 *
 * @param {StoredRequest | StatelessRequest} body
 * @param {{ signal: AbortSignal, key: string | null, once?: string }} options `key` is the person's own provider key;
 *   `once` names the request, so that sending it again gives the first result
 * @throws {RequestRefused} for an error status
 */
export async function* streamAnswer(body, { signal, key, once }) {
  const headers = { ...EVENTS, ...keyHeader(key), ...(once && { "idempotency-key": once }) }
  yield* readEvents(await send("POST", "/chat/stream?render=html", { body, headers, signal }))
}

/**
 * Yield the events of an answer that is being made, or was, from a position on.
 *
 * @param {string} id
 * @param {{ signal: AbortSignal, position: string }} options the id of the last event that was read
 * @throws {RequestRefused} for an error status
 */
export async function* streamRun(id, { signal, position }) {
  const headers = { ...EVENTS, ...(position !== "0" && { "last-event-id": position }) }
  yield* readEvents(await send("GET", `/runs/${id}/events?render=html`, { headers, signal }))
}

/**
 * How many tokens a text is for a model.
 *
 * @param {string} message
 * @param {string} model
 * @param {{ signal: AbortSignal, key: string | null }} options
 * @returns {Promise<TokenCount>}
 * @throws {RequestRefused} when the server cannot say
 */
export async function countTokens(message, model, { signal, key }) {
  const response = await send("POST", "/tokens", { body: { message, model }, headers: keyHeader(key), signal })
  return response.json()
}

const EVENTS = { accept: "text/event-stream" }

/**
 * @param {string} method
 * @param {string} path
 * @param {{ body?: unknown, headers?: Record<string, string>, signal?: AbortSignal }} options
 * @returns {Promise<Response>}
 */
async function send(method, path, { body, headers, signal }) {
  const response = await fetch(path, {
    method,
    headers: { ...(body !== undefined && { "content-type": "application/json" }), ...headers },
    body: JSON.stringify(body),
    signal,
  }).catch((error) => {
    // A request that was given up is no lost connection.
    throw signal?.aborted ? error : new ConnectionLost("The server could not be reached.")
  })
  if (!response.ok) throw new RequestRefused(await readProblem(response))
  return response
}

/** @param {string | null} key @returns {Record<string, string>} */
const keyHeader = (key) => (key ? { "x-provider-key": key } : {})

/** @param {Response} response @returns {Promise<Problem>} also when a proxy in between answered in its own words */
async function readProblem(response) {
  const retry_after = Number(response.headers.get("retry-after")) || undefined
  const { status } = response
  try {
    const problem = await response.json()
    if (typeof problem?.detail === "string") return { retry_after, ...problem }
  } catch {
    // Not JSON: told below by its status alone.
  }
  return {
    title: "The server could not answer",
    detail: `It replied with status ${status}.`,
    code: "unexpected_status",
    request_id: response.headers.get("x-request-id") ?? undefined,
    retryable: status >= 500 || status === 429,
    retry_after,
    status,
  }
}
