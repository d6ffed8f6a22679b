// @ts-check
/** One answer on its way here: asked for or joined, followed through lost connections, stopped. */
import { ConnectionLost } from "../lib/sse.js"
import { applyEvent, isArriving } from "./answer.js"
import { RequestRefused, callApi, streamAnswer, streamRun } from "./api.js"

/**
 * @typedef {import("./answer.js").Answer} Answer
 * @typedef {import("./api.js").StoredRequest | import("./api.js").StatelessRequest} Body
 * @typedef {{ body: Body, once?: string }} Ask  `once` names a request whose answer the server keeps
 */

const FIRST_PAUSE_MS = 500
const LONGEST_PAUSE_MS = 8_000
/** How often a message is sent again, while the device is online, before the person is asked. */
const MOST_SENDS = 4
/** A stopped answer ends here after so long, whether or not the server could be told. */
const STOP_PATIENCE_MS = 2_500

export class Turn {
  #answer
  #ask
  #key
  #prepare
  #onStart
  #onChange
  #abort = new AbortController()
  #isStopping = false

  /**
   * @param {Answer} answer one that has an id already is joined
   * @param {object} options
   * @param {Ask} [options.ask]
   * @param {string | null} options.key the person's own provider key
   * @param {() => Promise<void>} [options.prepare] done before the message is sent
   * @param {(data: any) => void} [options.onStart] given what the server says of the answer, perhaps more than once
   * @param {() => void} options.onChange
   */
  constructor(answer, { ask, key, prepare, onStart, onChange }) {
    this.#answer = answer
    this.#ask = ask
    this.#key = key
    this.#prepare = prepare
    this.#onStart = onStart
    this.#onChange = onChange
  }

  /** Keep the answer up to date until it is over; its state then says how it ended. Rejects for faults of ours only. */
  async receive() {
    const answer = this.#answer
    try {
      await this.#follow()
    } catch (error) {
      if (this.#abort.signal.aborted) answer.state = "stopped"
      else fail(answer, error)
    } finally {
      answer.isReconnecting = false
      answer.elapsed_ms ??= Date.now() - answer.at
      this.#onChange()
    }
  }

  /** End the answer, for all who follow it; what had arrived is kept. */
  stop() {
    this.#isStopping = true
    if (!this.#isKept) return this.#abort.abort()
    this.#tellStop()
    setTimeout(() => this.#abort.abort(), STOP_PATIENCE_MS)
  }

  /** @returns {boolean} whether the server keeps the answer, so that it outlives this connection */
  get #isKept() {
    return !this.#ask || this.#ask.once !== undefined
  }

  async #follow() {
    for (let failures = 0; ; failures += 1) {
      const { position } = this.#answer
      try {
        return await this.#read()
      } catch (error) {
        if (this.#answer.position !== position) failures = 0
        if (!this.#canGoOn(error, failures)) throw error
      }
      this.#answer.isReconnecting = true
      this.#onChange()
      await pause(Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** failures), this.#abort.signal)
    }
  }

  async #read() {
    const answer = this.#answer
    for await (const event of this.#events(this.#connection())) {
      if (event.name === "start") {
        answer.isReconnecting = false
        this.#onStart?.(event.data)
        if (this.#isStopping) this.#tellStop()
      }
      applyEvent(answer, event)
      this.#onChange()
      if (!isArriving(answer)) return
    }
    throw new ConnectionLost("The stream ended before the answer did.")
  }

  /** @returns {AbortSignal} ends one connection: with the turn, or because the network has changed under it */
  #connection() {
    const network = new AbortController()
    const lose = () => network.abort(new ConnectionLost("The network has changed."))
    const { signal } = this.#abort
    // Neither event ends a connection by itself: it falls silent, and stays so.
    if (this.#isKept) for (const event of ["offline", "online"]) addEventListener(event, lose, { once: true, signal })
    return AbortSignal.any([signal, network.signal])
  }

  /** @param {AbortSignal} signal */
  async *#events(signal) {
    const { id, position } = this.#answer
    if (id || !this.#ask) return yield* streamRun(id, { signal, position })
    await this.#prepare?.()
    const { body, once } = this.#ask
    yield* streamAnswer(body, { signal, key: this.#key, once })
  }

  /**
   * @param {unknown} error
   * @param {number} failures before this one, without a word in between
   * @returns {boolean} whether the same may be tried again
   */
  #canGoOn(error, failures) {
    if (this.#abort.signal.aborted || !this.#isKept) return false
    if (error instanceof RequestRefused) {
      const { code, run_id, status = 0 } = error.problem
      if (code !== "request_in_progress") return this.#answer.id !== "" && (status >= 500 || status === 429)
      // The first sending had arrived after all.
      this.#answer.id = run_id ?? ""
      return true
    }
    if (!(error instanceof ConnectionLost)) return false
    return this.#answer.id !== "" || !navigator.onLine || failures + 1 < MOST_SENDS
  }

  #tellStop() {
    // When this fails the stream is lost as well, and the next one begins with another try.
    if (this.#answer.id) callApi("POST", `/runs/${this.#answer.id}/stop`).catch(() => {})
  }
}

/** @param {number} ms @param {AbortSignal} signal @returns {Promise<void>} earlier when the device comes online */
const pause = (ms, signal) =>
  new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer)
      removeEventListener("online", end)
      signal.removeEventListener("abort", end)
      resolve()
    }
    const timer = setTimeout(end, ms)
    addEventListener("online", end)
    signal.addEventListener("abort", end)
  })

/** @param {Answer} answer @param {unknown} error */
function fail(answer, error) {
  answer.state = "failed"
  answer.problem ??= error instanceof RequestRefused ? error.problem : lostConnection(answer)
  // A fault of ours must not pass for one of the network.
  if (!(error instanceof RequestRefused || error instanceof ConnectionLost)) throw error
}

/** @param {Answer} answer @returns {import("./api.js").Problem} */
const lostConnection = (answer) => ({
  title: answer.text ? "The connection was lost" : "The server could not be reached",
  detail: navigator.onLine ? "Check that you are connected, then try again." : "Your device is offline.",
  code: "connection_lost",
  retryable: true,
})
