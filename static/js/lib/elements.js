// @ts-check
/** Finding and cloning what the server put into the page. */

/**
 * @template {Element} T
 * @param {string} selector
 * @param {abstract new (...args: any[]) => T} type
 * @param {ParentNode} [root]
 * @returns {T}
 * @throws {Error} when it is missing or something else, which is a fault of the template
 */
export function get(selector, type, root = document) {
  const element = root.querySelector(selector)
  if (!(element instanceof type)) throw new Error(`The page has no ${selector}.`)
  return element
}

/** @param {string} id of a <template> @returns {DocumentFragment} */
export function clone(id) {
  return document.importNode(get(`#${id}`, HTMLTemplateElement).content, true)
}

/** @param {string} id of a <template> with one element in it @returns {HTMLElement} */
export function cloneElement(id) {
  const element = clone(id).firstElementChild
  if (!(element instanceof HTMLElement)) throw new Error(`The template ${id} is empty.`)
  return element
}

// The page's policy leaves this one way from text to markup.
const rules = { createHTML: (/** @type {string} */ html) => html }
const policy = /** @type {typeof rules} */ (/** @type {any} */ (window).trustedTypes?.createPolicy("chatapp", rules) ?? rules)

/**
 * Nodes of HTML that the server has sanitised. Nothing else may ever be passed here.
 * @param {string} html
 * @returns {DocumentFragment}
 */
export function sanitisedFragment(html) {
  const template = document.createElement("template")
  template.innerHTML = policy.createHTML(html)
  return template.content
}
