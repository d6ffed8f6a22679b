// @ts-check

/**
 * Whether a key press in a message field means "send".
 * Enter that ends the input of an East Asian word does not, nor does Enter with a modifier.
 *
 * @param {KeyboardEvent} event
 */
export const isSendKey = (event) =>
  event.key === "Enter" && !event.shiftKey && !event.altKey && !event.ctrlKey && !event.metaKey && !event.isComposing
