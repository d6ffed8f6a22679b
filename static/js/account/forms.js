// @ts-check
/** Forms of accounts: what is wrong stands by its field, a button shows progress, nothing is sent twice. */
import { cloneElement, get } from "../lib/elements.js"
import { GivenUp } from "./api.js"

/** @param {HTMLFormElement} form @returns {Record<string, string>} what was typed, by field; empty fields are left out */
export function valuesOf(form) {
  const given = [...new FormData(form)].map(([name, value]) => [name, String(value)])
  return Object.fromEntries(given.filter(([, value]) => value !== ""))
}

/**
 * Run `send` when the form is submitted, unless it runs already; its failure is told in the form.
 *
 * @param {HTMLFormElement} form
 * @param {(values: Record<string, string>, submitter: HTMLElement | null) => Promise<void>} send
 */
export function onSubmit(form, send) {
  let isSending = false
  form.addEventListener("submit", async (event) => {
    event.preventDefault()
    if (isSending) return
    isSending = true
    clearFaults(form)
    const button = event.submitter ?? form.querySelector("[type=submit]")
    try {
      await whileBusy(button, () => send(valuesOf(form), event.submitter))
    } catch (error) {
      showFault(form, error)
    } finally {
      isSending = false
    }
  })
}

/**
 * Mark a button as busy while something runs, and ignore it meanwhile.
 *
 * @template T
 * @param {Element | null} button
 * @param {() => Promise<T>} run
 * @returns {Promise<T>}
 */
export async function whileBusy(button, run) {
  button?.setAttribute("aria-busy", "true")
  try {
    return await run()
  } finally {
    button?.removeAttribute("aria-busy")
  }
}

/** @param {HTMLFormElement} form */
export function clearFaults(form) {
  for (const place of form.querySelectorAll(".field__error, .form-fault")) place.replaceChildren()
  for (const input of form.querySelectorAll("[aria-invalid]")) input.removeAttribute("aria-invalid")
}

/**
 * Tell what is wrong: by the field that is named, else at the head of the form.
 *
 * @param {HTMLFormElement} form
 * @param {unknown} error a `Refused` names its field
 */
export function showFault(form, error) {
  if (error instanceof GivenUp) return
  const { message, field } = told(error)
  const input = field ? form.elements.namedItem(field) : null
  const place = input instanceof HTMLElement && form.querySelector(`#${input.id}-error`)
  if (input instanceof HTMLInputElement && input.type !== "hidden" && place) {
    place.textContent = message
    input.setAttribute("aria-invalid", "true")
    input.focus()
    if (input.type === "password") input.select()
    return
  }
  tell(form, message)
}

/**
 * Do something in a part of a page that has a place for faults.
 *
 * @param {HTMLElement} panel
 * @param {() => Promise<void>} run
 * @param {Element | null} [button] that is busy meanwhile; when it is already, nothing is done
 */
export async function attempt(panel, run, button = null) {
  if (button?.ariaBusy === "true") return
  get(".form-fault", HTMLElement, panel).replaceChildren()
  try {
    await whileBusy(button, run)
  } catch (error) {
    if (!(error instanceof GivenUp)) tell(panel, error instanceof Error ? error.message : String(error))
  }
}

/** Say in a form that it was done. @param {HTMLFormElement} form @param {string} sentence */
export function say(form, sentence) {
  get(".form__said", HTMLElement, form).textContent = sentence
}

/** @param {HTMLElement} host that holds a `.form-fault` @param {string} message */
export function tell(host, message) {
  const notice = cloneElement("fault-template")
  get(".notice__body", HTMLElement, notice).textContent = message
  get(".form-fault", HTMLElement, host).replaceChildren(notice)
}

/** @param {unknown} error @returns {{ message: string, field?: string }} */
function told(error) {
  if (!(error instanceof Error)) return { message: String(error) }
  const field = "field" in error && typeof error.field === "string" ? error.field : undefined
  return { message: error.message, field }
}

/** Make the buttons work that show a password, and the forms without a script of their own be sent once. */
export function listenForForms() {
  document.addEventListener("click", ({ target }) => {
    const button = target instanceof Element ? target.closest("[data-reveal]") : null
    if (!(button instanceof HTMLElement)) return
    const input = get(`#${button.dataset.reveal}`, HTMLInputElement)
    const isShown = input.type === "text"
    input.type = isShown ? "password" : "text"
    button.setAttribute("aria-pressed", String(!isShown))
    button.ariaLabel = button.title = isShown ? "Show the password" : "Hide the password"
  })
  for (const form of document.querySelectorAll("form[data-once]")) {
    form.addEventListener("submit", (event) => {
      if (form.ariaBusy === "true") event.preventDefault()
      form.ariaBusy = "true"
    })
  }
  // A page that comes back from the browser's memory is not busy any more.
  addEventListener("pageshow", () => {
    for (const form of document.querySelectorAll("form[data-once]")) form.ariaBusy = null
  })
}
