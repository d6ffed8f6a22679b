// @ts-check
/** Alt with an arrow shows another version of a message: of the one with the focus, else of the last that has any. */

const ACTIONS = { ArrowLeft: "previous-version", ArrowRight: "next-version" }

/**
 * @param {HTMLElement} scroller
 * @param {import("./transcript.js").Transcript} transcript
 * @param {(action: string, entry: import("./conversation.js").Entry) => void} onAction
 */
export function listenForVersionKeys(scroller, transcript, onAction) {
  scroller.addEventListener("keydown", (event) => {
    const { altKey, key, target } = event
    const action = key === "ArrowLeft" || key === "ArrowRight" ? ACTIONS[key] : undefined
    // In a field these keys move by words.
    if (!altKey || !action || !(target instanceof Element) || target.matches("textarea")) return
    const entry = transcript.entryAt(target) ?? transcript.lastWithVersions
    if (!entry || entry.siblings.length < 2) return
    event.preventDefault()
    onAction(action, entry)
  })
}
