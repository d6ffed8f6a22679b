// @ts-check
/** Requests about conversations and memory, with their failures in words for people. */

/**
 * @param {"GET" | "POST" | "PATCH" | "DELETE"} method
 * @param {string} path
 * @param {{ body?: object, signal?: AbortSignal }} [options]
 * @returns {Promise<any>} the answer's JSON; null when it has none
 * @throws {Error} whose message can be shown; an abort stays an AbortError
 */
export async function send(method, path, { body, signal } = {}) {
  const response = await reach(path, {
    method,
    signal,
    headers: { accept: "application/json", ...(body && { "content-type": "application/json" }) },
    body: body && JSON.stringify(body),
  })
  if (response.ok) return response.status === 204 ? null : response.json()
  throw new Error(await reasonOf(response))
}

/** @param {string} path @param {RequestInit} init */
async function reach(path, init) {
  try {
    return await fetch(path, init)
  } catch (error) {
    if (error instanceof TypeError) throw new Error("The server cannot be reached.", { cause: error })
    throw error
  }
}

/** @param {Response} response @returns {Promise<string>} also when a proxy in between answered in its own words */
async function reasonOf(response) {
  try {
    const { detail } = await response.json()
    // It names the field, as programs know it; whoever reads this sees the field.
    if (typeof detail === "string") return detail.replace(/^`\w+` /, "This ")
  } catch {
    // Not JSON: told below by its status alone.
  }
  return `The server replied with status ${response.status}.`
}
