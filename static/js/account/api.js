// @ts-check
/** Requests of the account pages: refusals in words for people, a proof of who asks where one is wanted. */

/** The server refused. `field` is the field its words are about, if they are about one. */
export class Refused extends Error {
  /** @param {{ detail: string, code: string, status: number }} problem */
  constructor({ detail, code, status }) {
    const [, field] = /^`(\w+)` /.exec(detail) ?? []
    // It names the field, as programs know it; whoever reads this sees the field.
    super(field ? detail.replace(/^`\w+` /, "This ") : detail)
    this.code = code
    this.status = status
    this.field = FIELDS[code] ?? field
  }
}

/** @type {Record<string, string>} what a code is about whose words name no field */
const FIELDS = {
  weak_password: "password",
  wrong_credentials: "password",
  wrong_code: "code",
  invitation_needed: "invitation",
  key_refused: "key",
  server_not_usable: "base_url",
}

/** The session ended, here or elsewhere. */
const SIGNED_OUT = ["sign_in_required", "invalid_credential", "signed_out", "account_suspended"]

/** A dialog was closed without doing what it asked for. */
export class GivenUp extends Error {}

/**
 * Send a request as it is.
 *
 * @param {string} method
 * @param {string} path
 * @param {unknown} [body] sent as JSON
 * @returns {Promise<Response>} with a good status
 * @throws {Refused} for an error status
 */
export async function request(method, path, body) {
  const response = await fetch(path, {
    method,
    headers: { accept: "application/json", ...(body !== undefined && { "content-type": "application/json" }) },
    body: JSON.stringify(body),
  }).catch(() => {
    const reason = navigator.onLine ? "The server could not be reached. Try again." : "Your device is offline."
    throw new Refused({ detail: `${reason} Nothing was changed.`, code: "unreachable", status: 0 })
  })
  if (!response.ok) throw new Refused(await problemOf(response))
  return response
}

/**
 * Send a request of somebody who is signed in: it is repeated after a proof of who they are where the server asks for
 * one, and a session that has ended is told on the page.
 *
 * @param {string} method
 * @param {string} path
 * @param {unknown} [body]
 * @returns {Promise<Response>}
 * @throws {Refused} for an error status
 * @throws {GivenUp} when the proof is not given
 */
export async function requestSignedIn(method, path, body) {
  try {
    return await request(method, path, body)
  } catch (error) {
    if (!(error instanceof Refused)) throw error
    if (SIGNED_OUT.includes(error.code)) await tellSignedOut()
    if (error.code !== "confirmation_needed") throw error
  }
  const { confirm } = await import("./confirming.js")
  await confirm()
  return requestSignedIn(method, path, body)
}

/**
 * The same, for what answers in JSON or with nothing.
 *
 * @param {string} method
 * @param {string} path
 * @param {unknown} [body]
 * @returns {Promise<any>} null when there is no body
 */
export async function call(method, path, body) {
  const response = await requestSignedIn(method, path, body)
  return response.status === 204 ? null : response.json()
}

async function tellSignedOut() {
  const { showSignedOut } = await import("./signed_out.js")
  showSignedOut()
}

/** @param {Response} response @returns {Promise<{ detail: string, code: string, status: number }>} */
async function problemOf(response) {
  const { status } = response
  try {
    const { detail, code } = await response.json()
    if (typeof detail === "string") return { detail, code: String(code), status }
  } catch {
    // Not JSON, such as the words of a proxy in between: told below by its status alone.
  }
  return { detail: `The server replied with status ${status}. Try again later.`, code: "unexpected_status", status }
}
