// @ts-check
/** The server's API as this page uses it. */
import { readEvents } from "../lib/sse.js"

/**
 * @typedef {{ role: "system" | "user" | "assistant", content: string }} WireMessage
 * @typedef {{ messages: WireMessage[], model?: string, temperature?: number, max_tokens?: number }} ChatRequest
 * @typedef {{ prompt_tokens: number, completion_tokens: number, total_tokens: number, cached_tokens?: number,
 *   reasoning_tokens?: number, estimated: boolean }} Usage
 * @typedef {{ window: number | null, used_tokens?: number, omitted_messages: number }} Context
 * @typedef {{ title: string, detail: string, code: string, request_id?: string, retryable: boolean,
 *   retry_after?: number, status?: number }} Problem  RFC 9457, as the server writes it
 * @typedef {{ tokens: number, characters: number, estimated: boolean }} TokenCount
 * @typedef {{ id: string, name: string, provider: string, context_window: number | null,
 *   input_usd_per_million: number | null, output_usd_per_million: number | null,
 *   status: "available" | "no_key" | "retiring" | "retired", retires_on: string | null,
 *   successor: string | null }} Model
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
 * Ask for an answer and yield its events as they arrive.
 *
 * Events: `start`, then `delta` and `block`, perhaps one `error`, and `done` last.
 *
 * @param {ChatRequest} request
 * @param {{ signal: AbortSignal, key: string | null }} options `key` is the person's own provider key
 * @throws {RequestRefused} for an error status
 */
export async function* streamAnswer(request, { signal, key }) {
  const response = await fetch("/chat/stream?render=html", {
    method: "POST",
    headers: { "content-type": "application/json", accept: "text/event-stream", ...keyHeader(key) },
    body: JSON.stringify(request),
    signal,
  })
  if (!response.ok) throw new RequestRefused(await readProblem(response))
  yield* readEvents(response)
}

/**
 * How many tokens a text is for a model.
 *
 * @param {string} message
 * @param {string} model
 * @param {{ signal: AbortSignal, key: string | null }} options
 * @returns {Promise<TokenCount | null>} null when the server cannot say
 */
export async function countTokens(message, model, { signal, key }) {
  const response = await fetch("/tokens", {
    method: "POST",
    headers: { "content-type": "application/json", ...keyHeader(key) },
    body: JSON.stringify({ message, model }),
    signal,
  })
  return response.ok ? response.json() : null
}

/** @param {string | null} key @returns {Record<string, string>} */
const keyHeader = (key) => (key ? { "x-provider-key": key } : {})

/** @param {Response} response @returns {Promise<Problem>} also when a proxy in between answered in its own words */
async function readProblem(response) {
  const retry_after = Number(response.headers.get("retry-after")) || undefined
  try {
    const problem = await response.json()
    if (typeof problem?.detail === "string") return { retry_after, ...problem }
  } catch {
    // Not JSON: told below by its status alone.
  }
  return {
    title: "The server could not answer",
    detail: `It replied with status ${response.status}.`,
    code: "unexpected_status",
    request_id: response.headers.get("x-request-id") ?? undefined,
    retryable: response.status >= 500 || response.status === 429,
    retry_after,
  }
}
