// @ts-check
/** Passkeys: the server's options, as JSON, go to the browser; what the browser gives goes back as JSON. */

/** Keys are bound to a host's name, and pages opened by a bare address have none. */
const ADDRESS = /^[\d.]+$|^\[/

/** Whether this browser can use passkeys on this page. */
export function hasPasskeys() {
  return (
    window.isSecureContext &&
    "PublicKeyCredential" in window &&
    "parseCreationOptionsFromJSON" in PublicKeyCredential &&
    !ADDRESS.test(location.hostname)
  )
}

/** Whether the browser can offer passkeys in the field where the e-mail address goes. */
export async function passkeysFillIn() {
  return hasPasskeys() && Boolean(await PublicKeyCredential.isConditionalMediationAvailable?.())
}

/**
 * Have the browser make a passkey.
 *
 * @param {PublicKeyCredentialCreationOptionsJSON} options as of `POST /account/passkeys/options`
 * @returns {Promise<PublicKeyCredentialJSON>} for `POST /account/passkeys`; rejects with what `passkeyFailure` reads
 */
export async function createPasskey(options) {
  const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(options)
  return asJSON(await navigator.credentials.create({ publicKey }))
}

/**
 * Have the browser use a passkey.
 *
 * @param {PublicKeyCredentialRequestOptionsJSON} options as of `POST /auth/passkey/options`
 * @param {{ signal?: AbortSignal, fillIn?: boolean }} [how] `fillIn` waits without a dialog until the person picks one
 *   in a field with `autocomplete="username webauthn"`; `signal` ends the wait
 * @returns {Promise<PublicKeyCredentialJSON>} for `POST /auth/passkey`; rejects with what `passkeyFailure` reads
 */
export async function usePasskey(options, { signal, fillIn = false } = {}) {
  const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(options)
  const mediation = fillIn ? "conditional" : "optional"
  return asJSON(await navigator.credentials.get({ publicKey, signal, mediation }))
}

/**
 * Say why there is no passkey; empty when the page itself ended the wait.
 *
 * @param {unknown} error what `createPasskey` or `usePasskey` rejected with
 */
export function passkeyFailure(error) {
  const name = error instanceof DOMException ? error.name : ""
  if (name === "AbortError") return ""
  if (name === "NotAllowedError") return "No passkey was used: you cancelled, or it took too long. Try again."
  if (name === "InvalidStateError") return "This device has a passkey for your account already."
  if (name === "SecurityError") return "Passkeys do not work under this address. Open the site by its usual one."
  return "Your browser or device could not do this. Try another one, or sign in another way."
}

/** @param {Credential | null} credential */
function asJSON(credential) {
  if (!(credential instanceof PublicKeyCredential)) throw new TypeError("the browser gave no passkey")
  return credential.toJSON()
}
