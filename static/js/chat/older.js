// @ts-check
/** Loads the messages before the first one shown, without moving what is being read. */
import { get } from "../lib/elements.js"
import { readMessages } from "./api.js"
import { entryOf } from "./conversation.js"
import { showSummary } from "./summary.js"

const QUIET_MS = 1_000
let isLoading = false

/** @param {import("./page.js").Shown} shown */
export async function loadOlder({ conversation, transcript, log, changed }) {
  if (isLoading || !conversation.hasOlder) return
  isLoading = true
  try {
    const first = conversation.entries[0]
    const { messages, more, summary } = await readMessages(conversation.id, `before=${first.id}`)
    // Another version may have been chosen in the meantime.
    if (conversation.entries[0] !== first) return
    const entries = messages.map(entryOf)
    conversation.hasOlder = more
    // What was said long ago is no news to those who hear the page.
    log.setAttribute("aria-live", "off")
    keepInPlace(transcript.elementOf(first), () => {
      transcript.prepend(entries)
      changed()
      showSummary(summary, log)
    })
    setTimeout(() => log.setAttribute("aria-live", "polite"), QUIET_MS)
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error)
    document.dispatchEvent(new CustomEvent("chat:toast", { detail: { text } }))
  } finally {
    isLoading = false
  }
}

/**
 * The browser's own anchoring does nothing at the very top, and is not known everywhere.
 *
 * @param {HTMLElement | undefined} element
 * @param {() => void} change above it
 */
function keepInPlace(element, change) {
  const scroller = get("#scroll", HTMLElement)
  const top = element?.getBoundingClientRect().top ?? 0
  scroller.classList.add("chat__scroll--fixed")
  change()
  scroller.scrollTop += (element?.getBoundingClientRect().top ?? 0) - top
  requestAnimationFrame(() => scroller.classList.remove("chat__scroll--fixed"))
}
