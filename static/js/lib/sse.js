// @ts-check
/** Server-sent events read from a `fetch` response, so that a POST can be streamed and stopped. */

/**
 * @typedef {{ name: string, data: any, id?: string }} ServerEvent  `data` is the event's parsed JSON; `id` is what to
 *   name when asking for the rest of the stream
 */

/** The connection ended or fell silent before the stream said that it was done. */
export class ConnectionLost extends Error {}

/**
 * The events of a stream, in order, until the other side closes it.
 *
 * Comments (heartbeats) yield nothing but count as life: `silence_ms` without a single byte ends the stream.
 * Leaving the loop early cancels the response.
 * Source: WHATWG HTML, "Server-sent events", event stream interpretation. `retry` has no meaning here.
 *
 * @param {Response} response
 * @param {{ silence_ms?: number }} [options]
 * @returns {AsyncGenerator<ServerEvent, void, void>}
 * @throws {ConnectionLost} when the connection breaks, falls silent or sends what is no JSON
 */
export async function* readEvents(response, { silence_ms = 45_000 } = {}) {
  if (!response.body) throw new ConnectionLost("The answer has no body.")
  const reader = response.body.getReader()
  const decoder = new TextDecoder()
  let text = ""
  try {
    for (;;) {
      const { done, value } = await readWithin(reader, silence_ms)
      if (done) return
      text += decoder.decode(value, { stream: true })
      const events = text.split(/\r\n\r\n|\n\n|\r\r/)
      text = events.pop() ?? ""
      for (const event of events) yield* parseEvent(event)
    }
  } finally {
    // Errors of a stream that is being thrown away are of no interest.
    reader.cancel().catch(() => {})
  }
}

/**
 * @param {ReadableStreamDefaultReader<Uint8Array>} reader
 * @param {number} limit_ms
 * @returns {Promise<ReadableStreamReadResult<Uint8Array>>}
 */
async function readWithin(reader, limit_ms) {
  /** @type {number | undefined} */
  let timer
  const silence = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new ConnectionLost("The server fell silent.")), limit_ms)
  })
  try {
    return /** @type {ReadableStreamReadResult<Uint8Array>} */ (await Promise.race([reader.read(), silence]))
  } catch (error) {
    if (error instanceof TypeError) throw new ConnectionLost("The connection broke.")
    throw error
  } finally {
    clearTimeout(timer)
  }
}

/**
 * @param {string} block the lines of one event
 * @returns {Generator<ServerEvent, void, void>} nothing for comments and events without data
 */
function* parseEvent(block) {
  let name = "message"
  let id
  const data = []
  for (const line of block.split(/\r\n|\n|\r/)) {
    const colon = line.indexOf(":")
    if (colon === 0) continue
    const field = colon < 0 ? line : line.slice(0, colon)
    const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "")
    if (field === "event") name = value
    if (field === "id") id = value
    if (field === "data") data.push(value)
  }
  if (!data.length) return
  try {
    yield { name, data: JSON.parse(data.join("\n")), id }
  } catch {
    throw new ConnectionLost("The stream was damaged on its way.")
  }
}
