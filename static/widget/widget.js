// @ts-check
/**
 * `<chatapp-widget>`: a chat for any page, in one file.
 *
 * `<script src="https://your-host/widget.js" async></script>` puts one into the page. Nothing more is fetched until
 * somebody asks something; no cookies; the conversation lives in the page's own localStorage. Options are `data-`
 * attributes of the script or of the element, and the look follows `--chatapp-*` properties and `::part()`.
 *
 * Fires `chatapp:open`, `chatapp:close`, `chatapp:answer` {text} and `chatapp:error` {code, message}; all bubble.
 */
(() => {
  "use strict"

  const TAG = "chatapp-widget"
  if (customElements.get(TAG)) return // the page includes this script twice

  /* ---- Options -------------------------------------------------------------------------------------------------- */

  const script = /** @type {HTMLScriptElement | null} */ (document.currentScript)
  const OPTIONS = "server model position theme accent open"

  /** Every sentence of the widget; `data-<key>` replaces it. */
  const TEXTS = {
    title: "Chat",
    greeting: "Hello! What would you like to know?",
    starters: "What can you do?|How do I get started?",
    placeholder: "Write a message",
    status: "Answers are written by an AI",
    writing: "Writing an answer…",
    launch: "Open chat",
    unread: "Open chat: a new answer has arrived",
    close: "Close chat",
    restart: "New conversation",
    send: "Send",
    stop: "Stop the answer",
    retry: "Try again",
    copy: "Copy code",
    copied: "Copied",
    selected: "Selected, ready to be copied by keyboard",
    latest: "Jump to the latest message",
    log: "Conversation",
    you: "You:",
    assistant: "Assistant:",
    stopped: "You stopped this answer.",
    length: "This answer reached its length limit.",
    filtered: "A content filter ended this answer.",
    interrupted: "This answer was interrupted. Your question is kept.",
    unreachable: "The chat cannot be reached. Your question is kept; check your connection and try again.",
    broken: "The connection broke before the answer was complete. What arrived is kept.",
  }

  /** @typedef {keyof typeof TEXTS} TextKey */
  /** @typedef {(key: TextKey) => string} Say */

  const SILENCE_MS = 75_000 // a stream sends at least a comment every 15 s, at most every 60 s
  const STORED_TURNS = 50
  const STORED_CHARS = 400_000 // localStorage is the page's, and small
  const SENT_CHARS = 60_000 // the server fits the rest into the model's window

  /* ---- Style ---------------------------------------------------------------------------------------------------- */

  // A constructed sheet: a page's `style-src` forbids <style>. The page can style :host, so all is said again in #root.
  const sheet = new CSSStyleSheet()
  sheet.replaceSync(`
:host { display: contents !important }
:host([hidden]) { display: none !important }
*, ::before, ::after { box-sizing: border-box }
[hidden] { display: none !important }

#root {
  all: initial;
  display: contents;
  color-scheme: inherit;
  --from: var(--chatapp-accent-start, var(--chatapp-accent, light-dark(oklch(.53 .095 195), oklch(.52 .085 195))));
  --to: var(--chatapp-accent, light-dark(oklch(.5 .19 258), oklch(.51 .16 258)));
  --gradient: linear-gradient(120deg, var(--from), var(--to));
  --on-accent: var(--chatapp-on-accent, #fff);
  --bg: var(--chatapp-background, light-dark(oklch(.998 .001 225), oklch(.21 .014 245)));
  --sunken: light-dark(oklch(.958 .008 225), oklch(.165 .012 245));
  --hover: light-dark(oklch(.26 .03 245 / .06), oklch(.95 .02 225 / .08));
  --text: var(--chatapp-text, light-dark(oklch(.24 .02 250), oklch(.935 .008 225)));
  --muted: light-dark(oklch(.46 .02 245), oklch(.74 .014 230));
  --line: light-dark(oklch(.905 .011 230), oklch(.32 .015 245));
  --field: light-dark(oklch(.6 .02 240), oklch(.58 .018 240));
  --tint: var(--chatapp-accent, oklch(.64 .14 235));
  --bubble: light-dark(color-mix(in oklab, var(--tint) 15%, var(--bg)), color-mix(in oklab, var(--tint) 24%, var(--bg)));
  --link: var(--chatapp-link, light-dark(oklch(.46 .16 258), oklch(.78 .1 235)));
  --ring: var(--chatapp-link, light-dark(oklch(.52 .19 258), oklch(.8 .1 215)));
  --bad: light-dark(oklch(.5 .19 25), oklch(.76 .13 22));
  --bad-soft: light-dark(oklch(.96 .02 25), oklch(.27 .05 22));
  --shade: light-dark(oklch(.3 .05 250 / .16), oklch(0 0 0 / .4));
  --shadow: 0 1px 2px var(--shade), 0 12px 32px -8px var(--shade);
  --mono: var(--chatapp-code-font, ui-monospace, "Cascadia Code", Menlo, Consolas, "DejaVu Sans Mono", monospace);
  --edge: var(--chatapp-offset, 16px);
  --radius: var(--chatapp-radius, 16px);
  --size: 36px;
  color: var(--text);
  font: 400 medium/1.6 var(--chatapp-font, system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif);
  -webkit-text-size-adjust: 100%;
  text-size-adjust: 100%;
}

button, textarea { margin: 0; border: 0; background: none; color: inherit; font: inherit }
button { display: grid; place-items: center; padding: 0; cursor: pointer; touch-action: manipulation }
svg { width: 20px; height: 20px; fill: none; stroke: currentColor; stroke-width: 1.75; stroke-linecap: round;
  stroke-linejoin: round; pointer-events: none }
:focus-visible { outline: 2px solid var(--ring); outline-offset: 2px }
.quiet { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap }

#launcher, #panel { position: fixed; inset-inline-end: var(--edge); z-index: var(--chatapp-z-index, 2147483000) }
#root[data-position=left] > * { inset-inline: auto; left: var(--edge) }
#root[data-position=right] > * { inset-inline: auto; right: var(--edge) }

#launcher { bottom: var(--edge); width: 56px; height: 56px; border: 1px solid transparent; border-radius: 50%;
  background: var(--gradient) border-box; color: var(--on-accent); box-shadow: var(--shadow);
  transition: filter .16s ease-out }
#launcher:hover { filter: brightness(1.08) }
#launcher svg { width: 26px; height: 26px; stroke-width: 1.5 }
#launcher[aria-expanded=true] { border-color: var(--line); background: var(--bg); color: var(--text) }
#launcher[data-unread]::after { content: ""; position: absolute; inset-block-start: 0; inset-inline-end: 0; width: 14px;
  height: 14px; border: 2px solid var(--bg); border-radius: 50%; background: var(--bad) }

#panel { bottom: calc(var(--edge) + 68px + var(--keyboard, 0px)); display: flex; flex-direction: column;
  width: var(--chatapp-width, 380px); max-width: calc(100vw - 2 * var(--edge)); height: var(--chatapp-height, 600px);
  max-height: calc(var(--view, 100dvh) - 2 * var(--edge) - 68px); overflow: hidden; border: 1px solid var(--line);
  border-radius: var(--radius); background: var(--bg); box-shadow: var(--shadow); font-size: .9375em;
  overflow-wrap: anywhere; animation: rise .16s ease-out }
@keyframes rise { from { opacity: 0; transform: translateY(8px) } }

#head { display: flex; align-items: center; gap: 4px; padding-block: 8px; padding-inline: 16px 8px;
  border-bottom: 1px solid var(--line) }
#names { flex: 1; min-width: 0; margin-inline-start: 6px; line-height: 1.3 }
#title { margin: 0; font-size: 1em; font-weight: 650 }
#status { margin: 0; color: var(--muted); font-size: .8667em }
#title, #status { overflow: hidden; text-overflow: ellipsis; white-space: nowrap }
.icon { flex: none; width: var(--size); height: var(--size); border-radius: 6px; color: var(--muted) }
.icon:hover { background: var(--hover); color: var(--text) }
.mark { flex: none; width: 24px; height: 24px; stroke: none }
.mark stop:first-child { stop-color: var(--chatapp-accent, oklch(.72 .12 185)) }
.mark stop:last-child { stop-color: var(--chatapp-accent, oklch(.55 .19 258)) }

#log { flex: 1; min-height: 0; padding: 16px; overflow: hidden auto; overscroll-behavior: contain; outline-offset: -2px }
#log:not(:has(.turn)) { display: flex; flex-direction: column; justify-content: end }
#greeting { margin: 0 0 12px; font-size: 1.1em; text-wrap: balance }
.starter { display: block; width: fit-content; min-height: var(--size); margin-top: 8px; padding: 6px 14px;
  border: 1px solid var(--field); border-radius: 18px; text-align: start }
.starter:hover { background: var(--hover) }
.turn + .turn { margin-top: 20px }
.question { width: fit-content; max-width: 85%; margin-inline: auto 0; padding: 8px 14px; white-space: pre-wrap;
  border-radius: var(--radius); border-end-end-radius: 6px; background: var(--bubble) }
.reply { display: flex; gap: 10px; margin-top: 16px }
.answer { flex: 1; display: flex; flex-direction: column; gap: .75em; min-width: 0; max-width: 72ch }
.rest { white-space: pre-wrap }
.rest:empty { display: none }
[aria-busy=true] .rest:not(:empty)::after { content: ""; display: inline-block; width: 2px; height: 1.1em;
  margin-inline-start: 2px; background: currentColor; vertical-align: -.2em; animation: blink 1s steps(2) infinite }
@keyframes blink { to { opacity: 0 } }
.dots { display: flex; gap: 5px; padding: 9px 0 }
.dots i { width: 6px; height: 6px; border-radius: 50%; background: var(--muted); animation: pulse 1.2s infinite }
.dots i:nth-child(2) { animation-delay: .2s }
.dots i:nth-child(3) { animation-delay: .4s }
@keyframes pulse { 0%, 60%, to { opacity: .3 } 30% { opacity: 1 } }
.note { color: var(--muted); font-size: .8667em }
.card { padding: 10px 12px; border: 1px solid var(--bad); border-radius: 10px; background: var(--bad-soft) }
.card p { margin: 0 }
.retry { min-height: var(--size); margin-top: 8px; padding: 4px 14px; border: 1px solid currentColor;
  border-radius: 6px; font-weight: 600 }
.retry:hover { background: var(--hover) }
.turn:not(:last-child) .retry { display: none }

#latest { position: absolute; inset-inline: 0; bottom: calc(100% + 8px); margin: auto; border: 1px solid var(--line); border-radius: 50%; background: var(--bg);
  box-shadow: var(--shadow) }
#composer { position: relative; display: flex; align-items: end; gap: 8px; margin: 0; padding: 12px;
  padding-bottom: max(12px, env(safe-area-inset-bottom)); border-top: 1px solid var(--line) }
#input { flex: 1; min-width: 0; height: 44px; max-height: 35vh; padding: 8px 12px; border: 1px solid var(--field);
  border-radius: 10px; font-size: max(16px, 1.0667em); resize: none; overflow: hidden auto }
#input::placeholder { color: var(--muted); opacity: 1 }
#input:focus-visible { outline-offset: -1px }
#send { flex: none; width: 44px; height: 44px; border: 1px solid transparent; border-radius: 50%;
  background: var(--gradient) border-box; color: var(--on-accent) }
#send[data-stop] path { fill: currentColor }
#send[aria-disabled=true] { background: var(--sunken); color: var(--muted); cursor: default }

/* What the server's Markdown becomes; :where() keeps these below the page's own ::part() rules. */
.block { display: contents }
:where(.answer) :where(p, ul, ol, li, h3, h4, h5, h6, pre, blockquote, table, hr, figure, section) { margin: 0 }
.answer :is(blockquote, li, dd, details, section) > * + p { margin-top: .75em }
.answer :is(h3, h4, h5, h6) { font-size: 1.0667em; font-weight: 650; line-height: 1.3 }
.answer h3 { font-size: 1.2em }
.answer :is(ul, ol) { padding-inline-start: 1.5em }
.answer li + li, .answer li > :is(ul, ol) { margin-top: .25em }
.answer ul:has(> .task-list-item) { padding-inline-start: .2em; list-style: none }
.answer a { color: var(--link) }
.answer blockquote { padding-inline-start: 12px; border-inline-start: 3px solid var(--field); color: var(--muted) }
.answer :is(blockquote, ul, ol):has(> :first-child:dir(ltr)) { direction: ltr }
.answer :is(blockquote, ul, ol):has(> :first-child:dir(rtl)) { direction: rtl }
.answer .markdown-alert { padding-inline-start: 12px; border-inline-start: 3px solid var(--to) }
.answer .markdown-alert-title { font-weight: 650 }
.answer hr { border: 0; border-top: 1px solid var(--line) }
.answer code { padding: .1em .3em; border-radius: 4px; background: var(--sunken); font: .9em var(--mono) }
.answer sup { line-height: 0 }
.answer .plain-text { white-space: pre-wrap }
.answer .math-block { overflow: auto hidden }
.footnote-back { display: none }
.footnotes { font-size: .8667em }
.code-block { border: 1px solid var(--line); border-radius: 10px; background: var(--sunken); overflow: hidden }
.code-block__head { display: flex; align-items: center; justify-content: space-between; min-height: var(--size);
  padding-inline: 12px 2px; border-bottom: 1px solid var(--line); color: var(--muted); font: .8667em var(--mono) }
.answer pre { padding: 10px 12px; overflow: auto; overscroll-behavior-x: contain; tab-size: 4; white-space: pre;
  overflow-wrap: normal; font: .8667em/1.55 var(--mono); direction: ltr; text-align: left; outline-offset: -2px }
.answer pre code { padding: 0; background: none; font: inherit }
.table-scroll { width: fit-content; max-width: 100%; overflow: auto; overscroll-behavior-x: contain;
  border: 1px solid var(--line); border-radius: 10px; outline-offset: -2px }
.answer table { border-collapse: collapse; font-size: .9333em; font-variant-numeric: tabular-nums; line-height: 1.45;
  overflow-wrap: normal }
.answer :is(th, td) { padding: 6px 10px; text-align: start; vertical-align: top }
.answer th { background: var(--sunken); font-weight: 600 }
.answer tbody td { border-top: 1px solid var(--line) }
.answer .align-right { text-align: right }
.answer .align-center { text-align: center }

/* Tokens of highlighted code, by the first letters of their short class. */
.answer code :is([class^=k], .ow, .nt) { color: light-dark(oklch(.46 .16 295), oklch(.8 .1 295)) }
.answer code [class^=s] { color: light-dark(oklch(.44 .1 150), oklch(.83 .11 150)) }
.answer code :is([class^=m], .no) { color: light-dark(oklch(.47 .12 50), oklch(.83 .1 65)) }
.answer code [class^=c] { color: var(--muted); font-style: italic }
.answer code :is(.nf, .nc, .fm, .nb, .na) { color: light-dark(oklch(.45 .14 255), oklch(.8 .1 235)) }
.answer code :is(.gd, .err) { color: var(--bad) }
.answer code .gi { color: light-dark(oklch(.44 .1 150), oklch(.83 .11 150)) }

@media (pointer: coarse) {
  #root { --size: 44px }
  .starter { border-radius: 22px }
}
@media (max-width: 479.98px), (max-height: 479.98px) {
  #root > #panel { inset-inline: 0; bottom: var(--keyboard, 0px); width: 100%; max-width: none; border: 0;
    border-radius: 0; height: var(--view, 100dvh); max-height: none; padding-top: env(safe-area-inset-top) }
  #launcher[aria-expanded=true] { visibility: hidden }
}
@media (prefers-reduced-motion) {
  *, ::after { animation: none !important; transition: none !important }
}
@media (forced-colors: active) {
  #launcher, #send { border-color: ButtonText !important; background: ButtonFace !important; color: ButtonText !important }
  .question { border: 1px solid }
  .mark path:first-of-type { fill: CanvasText }
}
@media print {
  #root > * { display: none }
}`)

  /* ---- Building the page ---------------------------------------------------------------------------------------- */

  /** Outlines on a 20 px grid. */
  const ICONS = {
    chat: "M7 3.5h6a4 4 0 0 1 4 4v3a4 4 0 0 1-4 4H9.5L6 17v-2.7a4 4 0 0 1-3-3.8v-3a4 4 0 0 1 4-4Z",
    close: "m5 5 10 10M15 5 5 15",
    send: "M10 16.5v-13M4.5 9 10 3.5 15.5 9",
    stop: "M6.5 6.5h7v7h-7Z",
    restart: "M10 4v12M4 10h12",
    copy: "M9 7h5.5a2 2 0 0 1 2 2v5.5a2 2 0 0 1-2 2H9a2 2 0 0 1-2-2V9a2 2 0 0 1 2-2ZM13 7V5.5a2 2 0 0 0-2-2H5.5a2 2 0 0 0-2 2V11a2 2 0 0 0 2 2H7",
    check: "m4 10.5 4 4 8-9",
    latest: "M10 3.5v13M5 11.5l5 5 5-5",
  }

  /**
   * @template {Element} E
   * @param {E} element
   * @param {Record<string, string>} attributes
   * @param {(Node | string)[]} children strings become text nodes
   */
  function fill(element, attributes, children) {
    for (const key of Object.keys(attributes)) element.setAttribute(key, attributes[key])
    element.append(...children)
    return element
  }

  /**
   * @template {keyof HTMLElementTagNameMap} T
   * @param {T} tag
   * @param {Record<string, string>} [attributes]
   * @param {(Node | string)[]} children
   */
  const build = (tag, attributes = {}, ...children) => fill(document.createElement(tag), attributes, children)

  /**
   * @param {string} tag of SVG
   * @param {Record<string, string>} attributes
   * @param {Node[]} children
   */
  const draw = (tag, attributes, ...children) =>
    fill(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children)

  /** @param {keyof typeof ICONS} icon */
  const drawIcon = (icon) => draw("svg", { viewBox: "0 0 20 20", "aria-hidden": "true" }, draw("path", { d: ICONS[icon] }))

  let marks = 0

  /** The assistant's mark. Gradients are found by id, so that each mark has its own. */
  function drawMark() {
    const id = `mark${++marks}`
    return draw(
      "svg",
      { viewBox: "0 0 28 28", class: "mark", "aria-hidden": "true" },
      draw("linearGradient", { id }, draw("stop", {}), draw("stop", { offset: "1" })),
      draw("path", {
        fill: `url(#${id})`,
        d: "M10 2h8a8 8 0 0 1 8 8v6a8 8 0 0 1-8 8h-5.2L7.6 26.8A1 1 0 0 1 6 26v-3.1A8 8 0 0 1 2 16v-6a8 8 0 0 1 8-8Z",
      }),
      draw("path", { stroke: "#fff", "stroke-width": "2.5", d: "M8.75 11v4M14 8.75v8.5M19.25 11v4" }),
    )
  }

  /** @param {keyof typeof ICONS} icon @param {string} [id] */
  const buildIconButton = (icon, id = icon) => build("button", { type: "button", class: "icon", id }, drawIcon(icon))

  /** @param {HTMLElement} button @param {string} label for screen readers and as a tooltip */
  function name(button, label) {
    button.title = label
    button.setAttribute("aria-label", label)
  }

  /* ---- The server's HTML ---------------------------------------------------------------------------------------- */

  // The server has cleaned it; it is checked again because it also comes back from the page's own storage.
  const ELEMENTS = new Set(
    ("a blockquote br code div em h3 h4 h5 h6 hr input li ol p pre s section span strong sup table tbody td th thead " +
      "tr ul").split(" "),
  )
  const ATTRIBUTES = new Set(
    ("class dir start checked role tabindex scope aria-label data-language accent accentunder columnalign " +
      "columnlines columnspan columnspacing depth display displaystyle fence form height largeop linethickness lspace " +
      "mathvariant maxsize minsize movablelimits notation rowlines rowspan rowspacing rspace scriptlevel separator " +
      "stretchy symmetric voffset width").split(" "),
  )

  /** @type {{ createHTML(html: string): string } | undefined} */
  let policy

  /** What makes trusted HTML where the page enforces Trusted Types; a page can forbid that. */
  function allowHTML() {
    const factory = /** @type {any} */ (window).trustedTypes
    if (policy || !factory) return
    const identity = { createHTML: (/** @type {string} */ html) => html }
    try {
      policy = factory.createPolicy(TAG, identity)
    } catch {
      policy = identity // enough unless the page enforces them, and then parsing throws
    }
  }

  /**
   * @param {string} html
   * @returns {DocumentFragment | null} only allowed elements and attributes; null where the page forbids parsing
   */
  function parseAnswer(html) {
    allowHTML()
    let inert
    try {
      inert = new DOMParser().parseFromString(policy ? policy.createHTML(html) : html, "text/html")
    } catch {
      return null
    }
    for (const element of inert.body.querySelectorAll("*")) clean(element)
    const fragment = document.createDocumentFragment()
    fragment.append(...inert.body.childNodes)
    return fragment
  }

  /** @param {Element} element of a document that loads and runs nothing */
  function clean(element) {
    const isMath = element.namespaceURI === "http://www.w3.org/1998/Math/MathML"
    if (!isMath && !ELEMENTS.has(element.localName)) return element.replaceWith(element.textContent ?? "")
    const isLink = element.localName === "a" && /^(https?:\/\/|mailto:)/i.test(element.getAttribute("href") ?? "")
    for (const attribute of element.getAttributeNames()) {
      if (!ATTRIBUTES.has(attribute) && !(isLink && attribute === "href")) element.removeAttribute(attribute)
    }
    if (element.localName === "input") {
      element.setAttribute("type", "checkbox")
      element.setAttribute("disabled", "")
    }
    if (isLink) {
      element.setAttribute("target", "_blank")
      element.setAttribute("rel", "noopener noreferrer nofollow")
    }
  }

  /* ---- The wire ------------------------------------------------------------------------------------------------- */

  /** Why there is no (whole) answer: the server's problem document, or our own words for a broken connection. */
  class Failure extends Error {
    /** @param {string} code @param {string} message @param {boolean} [retryable] */
    constructor(code, message, retryable = true) {
      super(message)
      this.code = code
      this.retryable = retryable
    }

    /** @param {any} problem @param {string} fallback */
    static of(problem, fallback) {
      return new Failure(problem?.code ?? "internal", problem?.detail || problem?.title || fallback, problem?.retryable)
    }
  }

  /**
   * JSON without the `toJSON` methods that old libraries put on built-in prototypes.
   *
   * @param {any} value
   * @returns {string}
   */
  function encode(value) {
    if (typeof value !== "object" || value === null) return JSON.stringify(value)
    const parts = []
    if (Array.isArray(value)) {
      for (const item of value) parts.push(encode(item))
      return `[${parts.join(",")}]`
    }
    for (const key of Object.keys(value)) {
      if (value[key] !== undefined) parts.push(`${JSON.stringify(key)}:${encode(value[key])}`)
    }
    return `{${parts.join(",")}}`
  }

  /**
   * The events of one answer, up to and with `done`.
   *
   * @param {string} server base URL
   * @param {object} body of `POST /chat/stream`
   * @param {AbortController} run aborting it ends the answer on the server too
   * @param {Say} say
   * @returns {AsyncGenerator<{ type: string, data: any }, void>}
   * @throws {Failure} also when the stream ends without `done` or falls silent
   */
  async function* requestAnswer(server, body, run, say) {
    let isStalled = false
    let timer = 0
    const expectLife = () => {
      clearTimeout(timer)
      timer = window.setTimeout(() => run.abort((isStalled = true)), SILENCE_MS)
    }
    try {
      const response = await post(server, body, run.signal, say)
      for await (const event of readEvents(response, expectLife)) {
        yield event
        if (event.type === "done") return
      }
      throw new Failure("connection_broken", say("broken"))
    } catch (error) {
      if (error instanceof Failure || (run.signal.aborted && !isStalled)) throw error
      throw new Failure("connection_broken", say("broken"))
    } finally {
      clearTimeout(timer)
    }
  }

  /**
   * @param {string} server
   * @param {object} body
   * @param {AbortSignal} signal
   * @param {Say} say
   */
  async function post(server, body, signal, say) {
    const response = await fetch(new URL("chat/stream?render=html", server), {
      method: "POST",
      headers: { "Content-Type": "application/json", Accept: "text/event-stream" },
      body: encode(body),
      credentials: "omit",
      referrerPolicy: "no-referrer",
      cache: "no-store",
      signal,
    }).catch((error) => {
      throw signal.aborted ? error : new Failure("unreachable", say("unreachable"))
    })
    if (response.ok) return response
    const problem = await response.json().catch(() => null)
    throw Failure.of(problem, say("unreachable"))
  }

  /**
   * @param {Response} response
   * @param {() => void} onBytes also called for comments
   * @returns {AsyncGenerator<{ type: string, data: any }, void>}
   */
  async function* readEvents(response, onBytes) {
    const reader = /** @type {ReadableStream<Uint8Array>} */ (response.body).getReader()
    const decoder = new TextDecoder()
    let text = ""
    try {
      for (;;) {
        const { done, value } = await reader.read()
        if (done) return
        onBytes()
        text += decoder.decode(value, { stream: true })
        const frames = text.split("\n\n")
        text = frames.pop() ?? ""
        for (const frame of frames) yield* readFrame(frame)
      }
    } finally {
      reader.cancel().catch(() => {}) // of a stream nobody wants any more
    }
  }

  /** @param {string} frame the lines of one event; each datum is one line of JSON */
  function* readFrame(frame) {
    let type = "message"
    for (const line of frame.split("\n")) {
      if (line.startsWith("event:")) type = line.slice(6).trim()
      if (line.startsWith("data:")) yield { type, data: JSON.parse(line.slice(5)) }
    }
  }

  /* ---- The conversation ----------------------------------------------------------------------------------------- */

  /**
   * One question and its answer, as it is stored.
   *
   * @typedef {object} Turn
   * @property {string} question
   * @property {string} text the answer as the model wrote it
   * @property {string[]} blocks the finished part as the server's HTML
   * @property {string} rest the text after the blocks
   * @property {string[]} notes sentences below the answer
   * @property {"waiting" | "done" | "failed"} state
   * @property {{ message: string, retryable: boolean }} [failure]
   */

  /** @param {any} value @returns {value is Turn} what is stored may be anybody's */
  function isTurn(value) {
    const areStrings = (/** @type {any} */ list) => {
      if (!Array.isArray(list)) return false
      for (const item of list) if (typeof item !== "string") return false
      return true
    }
    return areStrings([value?.question, value?.text, value?.rest]) && areStrings(value.blocks) && areStrings(value.notes)
  }

  /** Turns, oldest first, kept in the page's localStorage where that is allowed. */
  class Conversation {
    /** @type {Turn[]} */
    turns = []

    /** @param {string} server whose answers these are */
    constructor(server) {
      this.key = `chatapp:${server}`
      try {
        for (const turn of JSON.parse(localStorage.getItem(this.key) ?? "[]")) if (isTurn(turn)) this.turns.push(turn)
      } catch {
        // Storage is forbidden, or holds something else: start anew.
      }
    }

    /** @param {string} question @returns {Turn} */
    add(question) {
      /** @type {Turn} */
      const turn = { question, text: "", blocks: [], rest: "", notes: [], state: "waiting" }
      this.turns.push(turn)
      this.save()
      return turn
    }

    /** Forget the oldest turns that are too many or too long, and store the others. */
    save() {
      this.turns = this.turns.slice(-STORED_TURNS)
      let stored = encode(this.turns)
      while (stored.length > STORED_CHARS && this.turns.length > 1) stored = encode((this.turns = this.turns.slice(1)))
      try {
        if (this.turns.length) localStorage.setItem(this.key, stored)
        else localStorage.removeItem(this.key)
      } catch {
        // Storage is forbidden or full: the conversation lives as long as the page.
      }
    }

    /** What the server is sent to answer the last turn: the newest answered turns that fit, then the question. */
    messages() {
      const last = this.turns[this.turns.length - 1]
      let messages = [{ role: "user", content: last.question }]
      let room = SENT_CHARS - last.question.length
      for (let i = this.turns.length - 2; i >= 0; i--) {
        const { question, text } = this.turns[i]
        room -= question.length + text.length
        if (room < 0) break
        if (text) messages = [{ role: "user", content: question }, { role: "assistant", content: text }, ...messages]
      }
      return messages
    }
  }

  /* ---- One turn on the screen ----------------------------------------------------------------------------------- */

  class TurnView {
    #answer = build("div", { class: "answer", part: "answer" })
    #blocks = /** @type {HTMLElement[]} */ ([])
    #rest = build("div", { class: "rest", dir: "auto" })
    #isPlain = false // the page forbids parsing HTML

    /**
     * @param {Turn} turn
     * @param {Say} say
     * @param {(code: HTMLElement, button: HTMLButtonElement) => void} copy
     * @param {() => void} retry
     */
    constructor(turn, say, copy, retry) {
      this.turn = turn
      this.say = say
      this.copy = copy
      this.retry = retry
      const spoken = (/** @type {TextKey} */ key) => build("span", { class: "quiet" }, say(key))
      const question = build("div", { class: "question", part: "question" }, build("div", { dir: "auto" }, turn.question))
      this.root = build(
        "div",
        { class: "turn" },
        spoken("you"),
        question,
        build("div", { class: "reply" }, drawMark(), spoken("assistant"), this.#answer),
      )
      this.show()
    }

    /** What a screen reader is told: the answer without its Markdown signs. */
    get spoken() {
      return this.#answer.textContent ?? ""
    }

    /** Show the turn as it stands. */
    show() {
      const { turn } = this
      this.#blocks = []
      this.#answer.replaceChildren(this.#rest)
      for (let i = 0; i < turn.blocks.length; i++) this.#fill(i, turn.blocks[i])
      this.#showRest()
      if (turn.state === "waiting" && !turn.text) {
        this.#answer.append(build("div", { class: "dots" }, build("i"), build("i"), build("i")))
      }
      for (const note of turn.notes) this.#answer.append(build("div", { class: "note", dir: "auto" }, note))
      if (turn.failure) this.#answer.append(this.#buildCard(turn.failure))
    }

    /** @param {string} text the next piece of the answer */
    append(text) {
      const { turn } = this
      if (!turn.text) this.#answer.querySelector(".dots")?.remove()
      turn.text += text
      turn.rest += text
      this.#rest.append(text)
    }

    /** @param {number} index @param {string} html @param {string} rest */
    setBlock(index, html, rest) {
      this.turn.blocks[index] = html
      this.turn.rest = rest
      this.#fill(index, html)
      this.#showRest()
    }

    #showRest() {
      this.#rest.textContent = this.#isPlain ? this.turn.text : this.turn.rest
      this.#rest.normalize()
    }

    /** @param {number} index @param {string} html */
    #fill(index, html) {
      const content = parseAnswer(html)
      if (!content) {
        this.#isPlain = true
        return
      }
      const block = (this.#blocks[index] ??= build("div", { class: "block" }))
      block.replaceChildren(content)
      for (const head of block.querySelectorAll(".code-block__head")) {
        const button = buildIconButton("copy", "")
        name(button, this.say("copy"))
        const code = /** @type {HTMLElement} */ (head.parentElement?.querySelector("pre"))
        button.addEventListener("click", () => this.copy(code, button))
        head.append(button)
      }
      this.#rest.before(block)
    }

    /** @param {{ message: string, retryable: boolean }} failure */
    #buildCard({ message, retryable }) {
      const card = build("div", { class: "card", part: "error" }, build("p", { dir: "auto" }, message))
      if (retryable) {
        const button = build("button", { type: "button", class: "retry" }, this.say("retry"))
        button.addEventListener("click", this.retry)
        card.append(button)
      }
      return card
    }
  }

  /* ---- The element ---------------------------------------------------------------------------------------------- */

  class ChatappWidget extends HTMLElement {
    static observedAttributes = `${OPTIONS} ${Object.keys(TEXTS).join(" ")}`.replace(/\w+/g, "data-$&").split(" ")

    #root = build("div", { id: "root" })
    #launcher = build("button", { type: "button", id: "launcher", part: "launcher", "aria-controls": "panel" })
    #panel = build("section", { id: "panel", part: "panel", role: "dialog", "aria-labelledby": "title", hidden: "" })
    #title = build("h2", { id: "title", part: "title" })
    #status = build("p", { id: "status", part: "status" })
    #restart = buildIconButton("restart")
    #close = buildIconButton("close")
    // What arrives word by word would be read out word by word: `#spoken` tells the finished answer once instead.
    #log = build("div", { id: "log", part: "log", role: "log", "aria-live": "off", tabindex: "0" })
    #spoken = build("div", { class: "quiet", role: "status" })
    #composer = build("form", { id: "composer", part: "composer" })
    #input = build("textarea", { id: "input", part: "input", rows: "1", dir: "auto", enterkeyhint: "send" })
    #send = build("button", { id: "send", part: "send" })
    #latest = buildIconButton("latest")

    /** @type {Conversation | undefined} read when the panel opens for the first time */
    #conversation
    /** @type {TurnView | undefined} */
    #last
    /** @type {AbortController | undefined} */
    #run
    #page = new AbortController() // what listens to the page, while the element is in it
    /** @type {HTMLElement | undefined} */
    #cameFrom
    #opensItself = true
    #follows = true // the reader is at the end, so that new text scrolls into view
    #place = 0 // where the log was last left, in pixels

    constructor() {
      super()
      const shadow = this.attachShadow({ mode: "open" })
      shadow.adoptedStyleSheets = [sheet]
      this.#composer.append(this.#latest, this.#input, this.#send)
      const names = build("div", { id: "names" }, this.#title, this.#status)
      const head = build("header", { id: "head", part: "header" }, drawMark(), names, this.#restart, this.#close)
      this.#panel.append(head, this.#log, this.#spoken, this.#composer)
      this.#root.append(this.#panel, this.#launcher)
      shadow.append(this.#root)
      this.#listen()
    }

    connectedCallback() {
      this.#page = new AbortController()
      const { signal } = this.#page
      this.#label()
      window.addEventListener("storage", (change) => this.#onStorage(change), { signal })
      for (const type of ["resize", "scroll"]) {
        window.visualViewport?.addEventListener(type, () => this.#fitKeyboard(), { signal })
      }
      // On a small screen the panel would hide the page, which nobody asked for.
      const hasRoom = innerWidth >= 480 && innerHeight >= 480
      if (this.#opensItself && hasRoom && this.#option("open") !== undefined) this.#show()
      this.#opensItself = false
    }

    disconnectedCallback() {
      this.#page.abort()
      // Moving an element also disconnects it, for a moment.
      queueMicrotask(() => this.isConnected || this.#run?.abort())
    }

    attributeChangedCallback() {
      if (!this.isConnected) return
      this.#label()
      if (!this.#conversation?.turns.length) this.#showTurns()
    }

    /** Open the panel and move the focus into it. */
    open() {
      if (!this.#isOpen) this.#cameFrom = activeElement()
      this.#show()
      this.#focusHome()
    }

    /** Close the panel; the focus goes back to where it was. An answer on its way goes on. */
    close() {
      if (!this.#isOpen) return
      const hadFocus = this.shadowRoot?.activeElement
      this.#panel.hidden = true
      this.#label()
      if (hadFocus) {
        const target = this.#cameFrom
        if (target?.isConnected && target !== document.body && target !== this) target.focus()
        else this.#launcher.focus()
      }
      this.#fire("close")
    }

    /**
     * Open the panel and ask; an answer on its way is stopped. Never rejects: a failure is a `chatapp:error` event.
     *
     * @param {string} text
     */
    async ask(text) {
      const question = String(text).trim()
      if (!question) return
      this.#stop()
      this.#show()
      await this.#answer(question)
    }

    /** The composer, unless that would call up an on-screen keyboard over the conversation. */
    #focusHome() {
      const home = matchMedia("(pointer: coarse)").matches ? this.#log : this.#input
      home.focus()
    }

    get #isOpen() {
      return !this.#panel.hidden
    }

    /** The folder of this script, unless an option says otherwise. */
    get #server() {
      const server = this.#option("server") || script?.src || "/"
      return new URL(".", new URL(server, document.baseURI)).href
    }

    /** @param {string} option */
    #option(option) {
      return this.dataset[option] ?? script?.dataset[option]
    }

    /** @type {Say} */
    #say = (key) => this.#option(key) ?? TEXTS[key]

    /** Attach what never changes; everything else is set by `#label`. */
    #listen() {
      this.#launcher.addEventListener("click", () => (this.#isOpen ? this.close() : this.open()))
      this.#close.addEventListener("click", () => this.close())
      this.#restart.addEventListener("click", () => this.#startAnew())
      this.#latest.addEventListener("click", () => this.#follow(true))
      this.#log.addEventListener("scroll", () => this.#onScroll(), { passive: true })
      this.#input.addEventListener("input", () => this.#onInput())
      this.#composer.addEventListener("submit", (submit) => {
        submit.preventDefault()
        this.#onSubmit()
      })
      for (const type of ["keydown", "keyup", "keypress"]) {
        this.#panel.addEventListener(type, (event) => this.#onKey(/** @type {KeyboardEvent} */ (event)))
      }
    }

    /** @param {KeyboardEvent} event */
    #onKey(event) {
      // A page cannot see that somebody is typing in here, and would take letters for its own shortcuts.
      event.stopPropagation()
      if (event.type !== "keydown" || event.isComposing || event.keyCode === 229) return // an input method's own keys
      if (event.key === "Escape") this.close()
      if (event.key === "Enter" && !event.shiftKey && event.target === this.#input) {
        event.preventDefault()
        if (!this.#run) this.#onSubmit()
      }
    }

    #onSubmit() {
      if (this.shadowRoot?.activeElement !== this.#input) this.#focusHome()
      if (this.#run) return this.#stop()
      const question = this.#input.value
      if (!question.trim()) return
      this.#input.value = ""
      this.#onInput()
      this.ask(question)
    }

    #onInput() {
      this.#input.style.height = "0"
      this.#input.style.height = `${Math.max(44, this.#input.scrollHeight + 2)}px`
      this.#labelSend()
      this.#follow()
    }

    #startAnew() {
      this.#stop()
      this.#turns.length = 0
      this.#conversation?.save()
      this.#showTurns()
      this.#focusHome() // the button goes away
    }

    get #turns() {
      return this.#conversation?.turns ?? []
    }

    /** @param {StorageEvent} change by another tab of the same site */
    #onStorage({ key }) {
      if (this.#conversation && !this.#run && key === this.#conversation.key) this.#restore()
    }

    #restore() {
      this.#conversation = new Conversation(this.#server)
      for (const turn of this.#turns) {
        if (turn.state !== "waiting") continue
        turn.state = "failed"
        turn.failure = { message: this.#say("interrupted"), retryable: true }
      }
      this.#showTurns()
    }

    #showTurns() {
      this.#log.replaceChildren()
      for (const turn of this.#turns) this.#addView(turn)
      if (!this.#turns.length) this.#log.append(...this.#buildWelcome())
      this.#restart.hidden = !this.#turns.length
      this.#follow(true)
    }

    /** @param {Turn} turn */
    #addView(turn) {
      const view = new TurnView(turn, this.#say, this.#copy, () => this.#retry(view))
      this.#log.append(view.root)
      return view
    }

    #buildWelcome() {
      /** @type {HTMLElement[]} */
      const parts = [build("p", { id: "greeting", dir: "auto" }, this.#say("greeting"))]
      for (const starter of this.#say("starters").split("|")) {
        if (!starter.trim()) continue
        const button = build("button", { type: "button", class: "starter", dir: "auto" }, starter)
        button.addEventListener("click", () => {
          this.#focusHome() // the button goes away
          this.ask(starter)
        })
        parts.push(button)
      }
      return parts
    }

    /** @param {TurnView} view */
    #retry(view) {
      this.#focusHome() // the button goes away
      view.root.remove()
      this.#turns.pop()
      this.#answer(view.turn.question)
    }

    #stop() {
      this.#run?.abort()
    }

    /** @param {string} question */
    async #answer(question) {
      const conversation = /** @type {Conversation} */ (this.#conversation)
      if (!conversation.turns.length) this.#log.replaceChildren() // the welcome
      const view = this.#addView(conversation.add(question))
      const run = (this.#run = new AbortController())
      this.#restart.hidden = false
      this.#label()
      this.#follow(true)
      try {
        const body = { messages: conversation.messages(), model: this.#option("model") }
        for await (const { type, data } of requestAnswer(this.#server, body, run, this.#say)) {
          run.signal.throwIfAborted()
          this.#apply(view, type, data)
        }
      } catch (error) {
        this.#fail(view.turn, run, error)
      } finally {
        this.#finish(view, run)
      }
    }

    /** @param {TurnView} view @param {string} type @param {any} data */
    #apply(view, type, data) {
      const { turn } = view
      if (type === "start") turn.notes.push(...(data.notices ?? []))
      if (type === "delta") view.append(data.text)
      if (type === "block") view.setBlock(data.index, data.html, data.rest)
      if (type === "error") throw Failure.of(data, this.#say("broken"))
      if (type === "done") {
        if (data.html) turn.blocks = [data.html]
        if (data.finish_reason === "length") turn.notes.push(this.#say("length"))
        if (data.finish_reason === "content_filter") turn.notes.push(this.#say("filtered"))
      }
      this.#follow()
    }

    /** @param {Turn} turn @param {AbortController} run @param {unknown} error */
    #fail(turn, run, error) {
      if (error instanceof Failure) {
        turn.failure = { message: error.message, retryable: error.retryable }
        // What would be refused again needs other words, so that they go back where they can be changed.
        if (!error.retryable && !this.#input.value) this.#input.value = turn.question
        this.#onInput()
        this.#fire("error", { code: error.code, message: error.message })
      } else if (run.signal.aborted) {
        turn.notes.push(this.#say("stopped"))
      } else {
        throw error
      }
    }

    /** @param {TurnView} view @param {AbortController} run */
    #finish(view, run) {
      const { turn } = view
      turn.state = turn.failure ? "failed" : "done"
      view.show()
      this.#conversation?.save()
      if (this.#run !== run) return // a newer question is being answered
      this.#run = undefined
      this.#launcher.toggleAttribute("data-unread", !this.#isOpen)
      this.#label()
      this.#follow()
      if (!view.root.isConnected) return
      this.#announce(view.spoken)
      if (turn.state === "done" && !run.signal.aborted) this.#fire("answer", { text: turn.text })
    }

    /** @param {string} text said once; then gone, so that nobody meets it twice while reading */
    #announce(text) {
      this.#spoken.textContent = text
      setTimeout(() => (this.#spoken.textContent = ""), 1000)
    }

    /** @param {HTMLElement} code @param {HTMLButtonElement} button */
    #copy = async (code, button) => {
      try {
        await navigator.clipboard.writeText(code.textContent ?? "")
      } catch {
        getSelection()?.selectAllChildren(code) // the page forbids it; Ctrl+C still copies
        return this.#announce(this.#say("selected"))
      }
      this.#announce(this.#say("copied"))
      button.replaceChildren(drawIcon("check"))
      setTimeout(() => button.replaceChildren(drawIcon("copy")), 1500)
    }

    #show() {
      if (this.#isOpen) return
      this.#panel.hidden = false
      if (!this.#conversation) this.#restore()
      this.#launcher.removeAttribute("data-unread")
      this.#label()
      this.#fitKeyboard()
      this.#onInput()
      this.#follow(true)
      this.#fire("open")
    }

    /** Set all that depends on options and state. */
    #label() {
      const say = this.#say
      this.#title.textContent = say("title")
      this.#status.textContent = say(this.#run ? "writing" : "status")
      this.#log.setAttribute("aria-label", say("log"))
      this.#log.setAttribute("aria-busy", String(!!this.#run))
      this.#input.placeholder = say("placeholder")
      this.#input.setAttribute("aria-label", say("placeholder"))
      name(this.#restart, say("restart"))
      name(this.#close, say("close"))
      name(this.#latest, say("latest"))
      this.#launcher.setAttribute("aria-expanded", String(this.#isOpen))
      const isUnread = this.#launcher.hasAttribute("data-unread")
      name(this.#launcher, say(this.#isOpen ? "close" : isUnread ? "unread" : "launch"))
      this.#launcher.replaceChildren(drawIcon(this.#isOpen ? "close" : "chat"))
      this.#labelSend()
      this.#paint()
    }

    /** The button that sends stops while an answer is on its way; it keeps its place and its focus. */
    #labelSend() {
      const key = this.#run ? "stop" : "send"
      name(this.#send, this.#say(key))
      this.#send.setAttribute("aria-disabled", String(!this.#run && !this.#input.value.trim()))
      this.#send.toggleAttribute("data-stop", key === "stop")
      this.#send.replaceChildren(drawIcon(key))
    }

    /** Colours and place. A page that states no colour scheme leaves the choice to the reader's system. */
    #paint() {
      const theme = this.#option("theme")
      const isStated = getComputedStyle(this).colorScheme !== "normal"
      this.#root.style.colorScheme = theme ?? (isStated ? "" : "light dark")
      this.#root.dataset.position = this.#option("position") ?? ""
      const accent = this.#option("accent")
      if (accent) this.#root.style.setProperty("--chatapp-accent", accent)
    }

    /** Keep the panel in the part of the window that an on-screen keyboard leaves. */
    #fitKeyboard() {
      const view = window.visualViewport
      if (!view) return
      const hidden = innerHeight - view.height - view.offsetTop
      const isKeyboard = view.scale === 1 && hidden > 60
      this.#panel.style.setProperty("--keyboard", isKeyboard ? `${hidden}px` : "0px")
      this.#panel.style.setProperty("--view", isKeyboard ? `${view.height}px` : "100dvh")
      this.#follow()
    }

    get #isAtEnd() {
      const { scrollHeight, scrollTop, clientHeight } = this.#log
      return scrollHeight - scrollTop - clientHeight < 8
    }

    #onScroll() {
      this.#follows = this.#latest.hidden = this.#isAtEnd
    }

    /** Scroll to the end, unless the reader has gone elsewhere. @param {boolean} [always] */
    #follow(always) {
      // New text can come after the reader moved and before the page hears of it.
      const hasMoved = this.#log.scrollTop < this.#place - 4 && !this.#isAtEnd
      if (always || (this.#follows && !hasMoved)) this.#log.scrollTop = this.#log.scrollHeight
      this.#place = this.#log.scrollTop
      this.#onScroll()
    }

    /** @param {"open" | "close" | "answer" | "error"} type @param {object} [detail] */
    #fire(type, detail = {}) {
      this.dispatchEvent(new CustomEvent(`chatapp:${type}`, { detail, bubbles: true, composed: true }))
    }
  }

  /** The focused element, also inside other components. */
  function activeElement() {
    let active = document.activeElement
    while (active?.shadowRoot?.activeElement) active = active.shadowRoot.activeElement
    return active instanceof HTMLElement ? active : undefined
  }

  /* ---- Into the page -------------------------------------------------------------------------------------------- */

  customElements.define(TAG, ChatappWidget)

  // Not before the page is read: it may hold an element of its own further down.
  const mount = () => document.querySelector(TAG) ?? document.body.append(document.createElement(TAG))
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", mount, { once: true })
  else mount()
})()
