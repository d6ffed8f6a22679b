// @ts-check
/**
 * `<chatapp-widget>`: a chat for any page, in one file.
 *
 * `<script src="https://your-host/widget.js" async></script>` puts one into the page. Nothing more is fetched until
 * somebody asks something; no cookies. The server keeps the conversation, localStorage what finds it again.
 *
 * `docs/widget.md` tells of the `data-` attributes, `--chatapp-*` properties, `::part()`s, methods and events.
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
    continue: "Continue",
    resume: "Continue exactly where you stopped.",
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
    interrupted: "The server stopped in the middle of this answer. What had arrived is kept.",
    failed: "This answer could not be completed.",
    unsaved: "This answer could not be saved on the server.",
    elsewhere: "This conversation went on in another tab. Your text is kept in the field.",
    unreachable: "The chat cannot be reached. Your question is kept; check your connection and try again.",
    broken: "Reconnecting…",
  }

  /** @typedef {keyof typeof TEXTS} TextKey */
  /** @typedef {(key: TextKey) => string} Say */

  const SILENCE_MS = 75_000 // a stream has at least a comment every 60 s

  /* ---- Style ---------------------------------------------------------------------------------------------------- */

  // A page's `style-src` may forbid <style>, and a page can style :host; hence a sheet, and #root.
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
  --shadow: 0 4px 24px var(--shade);
  --mono: var(--chatapp-code-font, ui-monospace, Menlo, Consolas, monospace);
  --edge: var(--chatapp-offset, 16px);
  --radius: var(--chatapp-radius, 16px);
  --size: 36px;
  color: var(--text);
  font: 400 medium/1.6 var(--chatapp-font, system-ui, sans-serif);
  -webkit-text-size-adjust: 100%;
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
#greeting { margin: 0 0 12px; font-size: 1.1em }
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
.dots i { width: 6px; height: 6px; border-radius: 50%; background: var(--muted); animation: blink .6s infinite alternate }
.dots i:nth-child(2) { animation-delay: .2s }
.dots i:nth-child(3) { animation-delay: .4s }
.note { color: var(--muted); font-size: .8667em }
.card { padding: 10px 12px; border: 1px solid var(--bad); border-radius: 10px; background: var(--bad-soft) }
.card p { margin: 0 }
.retry { align-self: start; min-height: var(--size); margin-top: 8px; padding: 4px 14px; border: 1px solid currentColor;
  border-radius: 6px; font-weight: 600 }
.retry:hover { background: var(--hover) }
.turn:has(~ .turn) .retry { display: none }

#latest { position: absolute; inset-inline: 0; bottom: calc(100% + 8px); margin: auto; border: 1px solid var(--line);
  border-radius: 50%; background: var(--bg); box-shadow: var(--shadow) }
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

/* Markdown; :where() keeps these below the page's own ::part() rules. */
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
.answer table { border-collapse: collapse; font-size: .9333em; line-height: 1.45;
  overflow-wrap: normal }
.answer :is(th, td) { padding: 6px 10px; text-align: start; vertical-align: top }
.answer th { background: var(--sunken); font-weight: 600 }
.answer tbody td { border-top: 1px solid var(--line) }
.answer .align-right { text-align: right }
.answer .align-center { text-align: center }

/* Tokens of code, by the first letters of their class. */
.answer code :is([class^=k], .ow, .nt) { color: light-dark(oklch(.46 .16 295), oklch(.8 .1 295)) }
.answer code :is([class^=s], .gi) { color: light-dark(oklch(.44 .1 150), oklch(.83 .11 150)) }
.answer code :is([class^=m], .no) { color: light-dark(oklch(.47 .12 50), oklch(.83 .1 65)) }
.answer code [class^=c] { color: var(--muted); font-style: italic }
.answer code :is(.nf, .nc, .fm, .nb, .na) { color: light-dark(oklch(.45 .14 255), oklch(.8 .1 235)) }
.answer code :is(.gd, .err) { color: var(--bad) }

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
    copy: "M7 7h9.5v9.5H7ZM13 7V3.5H3.5V13H7",
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

  /** The assistant's mark; gradients are found by id. */
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

  /** @type {{ createHTML(html: string): string } | undefined} */
  let policy

  /**
   * @param {string} html that the server has cleaned
   * @returns {Node[] | undefined} nothing where the page enforces Trusted Types and forbids us a policy
   */
  function parseAnswer(html) {
    const own = { createHTML: (/** @type {string} */ trusted) => trusted }
    try {
      policy ??= /** @type {any} */ (window).trustedTypes?.createPolicy(TAG, own) ?? own
    } catch {
      policy = own // enough, unless the page enforces them
    }
    try {
      const { body } = new DOMParser().parseFromString(/** @type {typeof own} */ (policy).createHTML(html), "text/html")
      // The address of the page is the page's: no footnotes in it.
      for (const link of body.querySelectorAll("[href^='#']")) link.removeAttribute("href")
      return [...body.childNodes]
    } catch {
      return undefined
    }
  }

  /* ---- The wire ------------------------------------------------------------------------------------------------- */

  /** @param {string} message if the server tells none @param {any} [problem] of the server; none if it is out of reach */
  const failure = (message, problem = { code: "unreachable" }) =>
    Object.assign(new Error(problem.detail || problem.title || message), { problem })

  /** @param {any} error the server no longer knows the guest or the conversation */
  const isGone = (error) => /^(invalid_credential|not_found)$/.test(error?.problem?.code)

  /**
   * JSON without the `toJSON` methods that old libraries put on built-in prototypes.
   *
   * @param {any} value of objects and texts; no lists
   * @returns {string}
   */
  function encode(value) {
    if (typeof value !== "object" || value === null) return JSON.stringify(value)
    let members = ""
    for (const key of Object.keys(value)) {
      if (value[key] !== undefined) members += `${members && ","}${JSON.stringify(key)}:${encode(value[key])}`
    }
    return `{${members}}`
  }

  /**
   * @param {Response} response
   * @param {() => void} onBytes also called for comments
   * @returns {AsyncGenerator<Record<string, string>, void>} the fields of each event
   */
  async function* readEvents(response, onBytes) {
    const reader = /** @type {ReadableStream<Uint8Array>} */ (response.body).getReader()
    const decoder = new TextDecoder()
    let text = ""
    for (;;) {
      const { done, value } = await reader.read().catch(() => ({ done: true, value: undefined }))
      if (done) return
      onBytes()
      text += decoder.decode(value, { stream: true })
      const frames = text.split("\n\n")
      text = frames.pop() ?? ""
      for (const frame of frames) {
        /** @type {Record<string, string>} */
        const fields = {}
        for (const line of frame.split("\n")) {
          const colon = line.indexOf(":")
          fields[line.slice(0, colon)] = line.slice(colon + 1).trim()
        }
        if (fields.data) yield fields
      }
    }
  }

  /**
   * Wait 0.5 to 8 s, or until the network is back.
   *
   * @param {number} tries so far
   * @param {AbortSignal} signal
   */
  const pause = (tries, signal) =>
    new Promise((resolve) => {
      setTimeout(resolve, Math.min(250 * 2 ** tries, 8000))
      addEventListener("online", resolve, { once: true, signal })
      signal.addEventListener("abort", resolve)
    })

  /* ---- One question and its answer ------------------------------------------------------------------------------ */

  /** @typedef {{ key: string, body: any }} Sending a body for `POST /chat/stream`, and its idempotency key */
  /** @typedef {{ token?: ID, id?: ID, head?: ID, open?: boolean, pending?: Sending | null }} Kept */
  /** @typedef {string | null} ID */

  const buildDots = () => build("div", { class: "dots" }, build("i"), build("i"), build("i"))

  class Turn {
    id = "" // of the answer and its run, once the server has begun it
    questionId = ""
    text = "" // the answer as the model wrote it
    position = "0" // up to where `text` has come
    rest = "" // the end of `text` that is in no block yet
    /** @type {string[]} sentences below the answer */
    notes = []
    error = ""
    /** @type {"retry" | "continue" | undefined} what the button below the answer does */
    offer
    reason = "" // why the answer ended
    isOver = false
    isStopped = false // by the reader
    tries = 0 // in vain, since something last came
    /** @type {Sending | undefined} */
    sending
    #answer = build("div", { class: "answer", part: "answer" })
    /** @type {HTMLElement[]} */
    #blocks = []
    #rest = build("div", { class: "rest", dir: "auto" })
    #isPlain = false // the page forbids parsing HTML

    /**
     * @param {string} question
     * @param {Say} say
     * @param {(code: HTMLElement, button: HTMLButtonElement) => void} copy
     * @param {(turn: Turn) => void} act on the button below the answer
     */
    constructor(question, say, copy, act) {
      this.question = question
      this.say = say
      this.copy = copy
      this.act = act
      const spoken = (/** @type {TextKey} */ key) => build("span", { class: "quiet" }, say(key))
      this.root = build(
        "div",
        { class: "turn" },
        spoken("you"),
        build("div", { class: "question", part: "question" }, build("div", { dir: "auto" }, question)),
        build("div", { class: "reply" }, drawMark(), spoken("assistant"), this.#answer),
      )
    }

    /** What a screen reader is told: the answer without its Markdown signs. */
    get spoken() {
      return this.#answer.textContent ?? ""
    }

    /** Forget the answer: it comes anew. */
    clear() {
      this.text = this.rest = this.error = ""
      this.position = "0"
      this.notes = []
      this.offer = undefined
      this.isOver = false
      this.#blocks = []
      this.show()
    }

    show() {
      this.#answer.replaceChildren(...this.#blocks, this.#rest)
      this.#showRest()
      if (!this.isOver && !this.text) this.#answer.append(buildDots())
      for (const note of this.notes) this.#answer.append(build("div", { class: "note", dir: "auto" }, note))
      const button = this.offer && build("button", { type: "button", class: "retry" }, this.say(this.offer))
      button?.addEventListener("click", () => this.act(this))
      if (this.error) {
        this.#answer.append(build("div", { class: "card", part: "error" }, build("p", { dir: "auto" }, this.error)))
      }
      if (button) (this.#answer.querySelector(".card") ?? this.#answer).append(button)
    }

    /** @param {string} text the next piece of the answer */
    append(text) {
      if (!this.text) this.#answer.querySelector(".dots")?.remove()
      this.text += text
      this.rest += text
      this.#rest.append(text)
    }

    /** @param {number} index @param {string} html @param {string} rest */
    setBlock(index, html, rest) {
      this.rest = rest
      const content = parseAnswer(html)
      this.#isPlain = !content
      if (content) {
        const block = (this.#blocks[index] ??= build("div", { class: "block" }))
        block.replaceChildren(...content)
        for (const head of block.querySelectorAll(".code-block__head")) this.#addCopyButton(head)
        this.#rest.before(block)
      }
      this.#showRest()
    }

    /**
     * @param {string} reason why the answer ended
     * @param {string} [html] all of it
     */
    end(reason, html) {
      const { say, notes } = this
      this.isOver = true
      this.reason = reason
      if (html) {
        this.#blocks = []
        this.setBlock(0, html, "")
      }
      if (reason === "cancelled") notes.push(say("stopped"))
      if (reason === "content_filter") notes.push(say("filtered"))
      if (reason === "length" || reason === "interrupted") {
        notes.push(say(reason))
        this.offer = "continue"
        this.error = ""
      }
      if (reason === "error" && !this.error) this.fail(say("failed"))
      this.show()
    }

    /** @param {string} error @param {boolean} [retryable] */
    fail(error, retryable = true) {
      this.error = error
      if (retryable) this.offer = "retry"
    }

    #showRest() {
      this.#rest.textContent = this.#isPlain ? this.text : this.rest
      this.#rest.normalize()
    }

    /** @param {Element} head of a code block */
    #addCopyButton(head) {
      const button = buildIconButton("copy", "")
      name(button, this.say("copy"))
      const code = /** @type {HTMLElement} */ (head.parentElement?.querySelector("pre"))
      button.addEventListener("click", () => this.copy(code, button))
      head.append(button)
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
    // The log would be read out word by word: `#spoken` tells the finished answer.
    #log = build("div", { id: "log", part: "log", role: "log", "aria-live": "off", tabindex: "0" })
    #spoken = build("div", { class: "quiet", role: "status" })
    #composer = build("form", { id: "composer", part: "composer" })
    #input = build("textarea", { id: "input", part: "input", rows: "1", dir: "auto", enterkeyhint: "send" })
    #send = build("button", { id: "send", part: "send" })
    #latest = buildIconButton("latest")

    /** @type {Kept} the guest's token, the conversation, its newest message, and what is on its way to the server */
    #kept = {}
    #canKeep = true
    /** @type {ID | undefined} the newest message shown; undefined if the conversation is to be read */
    #head
    /** @type {Turn | undefined} whose answer is on its way */
    #turn
    /** @type {Promise<void> | undefined} while the conversation is read or a question answered */
    #busy
    #leave = new AbortController() // `#busy`; the answer goes on at the server
    #notice = "" // to be said below the conversation once it is read
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
      window.addEventListener("storage", () => this.#sync(), { signal })
      for (const type of ["resize", "scroll"]) {
        window.visualViewport?.addEventListener(type, () => this.#fitKeyboard(), { signal })
      }
      // On a small screen the panel would hide the page.
      const hasRoom = innerWidth >= 480 && innerHeight >= 480
      this.#recall()
      if (this.#opensItself && hasRoom && (this.#kept.open ?? this.#option("open") !== undefined)) this.#show()
      this.#opensItself = false
      this.#sync()
    }

    disconnectedCallback() {
      this.#page.abort()
      // Moving an element also disconnects it, for a moment.
      queueMicrotask(() => this.isConnected || this.#leave.abort())
    }

    attributeChangedCallback() {
      if (!this.isConnected) return
      this.#label()
      if (this.#head === null && this.#isEmpty) this.#log.replaceChildren(...this.#buildWelcome())
    }

    /** Open the panel and move the focus into it. */
    open() {
      if (!this.#isOpen) this.#cameFrom = activeElement()
      this.#keep({ open: true })
      this.#show()
      this.#focusHome()
    }

    /** Close the panel; the focus goes back to where it was. An answer on its way goes on. */
    close() {
      if (!this.#isOpen) return
      const hadFocus = this.shadowRoot?.activeElement
      this.#panel.hidden = true
      this.#keep({ open: false })
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
      this.#show()
      while (this.#busy) {
        this.#stop()
        await this.#busy
      }
      const turn = this.#addTurn(question)
      await this.#occupy(() => this.#answer(turn))
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
      // The page would take letters for its own shortcuts.
      event.stopPropagation()
      if (event.type !== "keydown" || event.isComposing || event.keyCode === 229) return // an input method's own keys
      if (event.key === "Escape") this.close()
      if (event.key === "Enter" && !event.shiftKey && event.target === this.#input) {
        event.preventDefault()
        if (!this.#turn) this.#onSubmit()
      }
    }

    #onSubmit() {
      if (this.shadowRoot?.activeElement !== this.#input) this.#focusHome()
      if (this.#turn) return this.#stop()
      const question = this.#input.value
      if (this.#busy || !question.trim()) return
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

    /** End the conversation, here and on the server. */
    #startAnew() {
      this.#leave.abort()
      const { id } = this.#kept
      if (id) this.#call(`conversations/${id}`, { method: "DELETE" }).catch(() => {})
      this.#forget()
      this.#head = undefined
      this.#sync()
      this.#focusHome() // the button goes away
    }

    /* -- What is kept -- */

    get #key() {
      return `chatapp:${this.#server}`
    }

    /** Read what other pages may have changed. */
    #recall() {
      try {
        if (this.#canKeep) Object.assign(this.#kept, JSON.parse(localStorage.getItem(this.#key) ?? "{}"))
      } catch {
        this.#canKeep = false // forbidden, or full: the conversation lives as long as the page
      }
    }

    /** @param {Kept} changes */
    #keep(changes) {
      this.#recall()
      Object.assign(this.#kept, changes)
      try {
        localStorage.setItem(this.#key, encode(this.#kept))
      } catch {
        this.#canKeep = false
      }
    }

    #forget() {
      this.#keep({ token: null, id: null, head: null, pending: null })
    }

    /* -- The conversation -- */

    get #isEmpty() {
      return !this.#log.querySelector(".turn")
    }

    /** Do one thing at a time. @param {() => Promise<void>} work */
    #occupy(work) {
      this.#leave = new AbortController()
      this.#busy = work()
        .finally(() => {
          this.#busy = undefined
          this.#label()
        })
        .then(() => this.#sync())
      this.#label()
      return this.#busy
    }

    /** Show what is kept, unless it is shown already. */
    #sync() {
      if (this.#busy || !this.#isOpen || !this.isConnected) return
      this.#recall()
      if (this.#head !== (this.#kept.head ?? null)) this.#occupy(() => this.#load())
    }

    /** Show the conversation, and go on with what was on its way when the page went. */
    async #load() {
      const { signal } = this.#leave
      const { pending } = this.#kept
      const messages = await this.#readMessages(signal)
      if (signal.aborted) return
      this.#log.replaceChildren()
      this.#head = null
      /** @type {Turn | undefined} */
      let turn
      let isRunning = false
      let isLost = !!pending // what was on its way has not arrived
      for (const message of messages) {
        this.#head = message.id
        if (message.role === "user") {
          turn = this.#addTurn(message.text)
          turn.questionId = message.id
          turn.end("error") // unless an answer follows
          if (message.text === pending?.body.message) isLost = false
        } else if (turn) {
          turn.clear()
          turn.id = message.id
          turn.notes = message.notices ?? []
          turn.text = turn.rest = message.text
          if (message.error) turn.fail(message.error.detail, message.error.retryable)
          isRunning = message.state === "running"
          if (!isRunning) turn.end(message.finish_reason, message.html)
        }
      }
      if (pending && isLost) {
        if (this.#head === pending.body.parent_id) {
          turn = this.#addTurn(pending.body.message)
          turn.sending = pending
          isRunning = true
        } else this.#giveBack(pending.body.message)
      }
      this.#keep({ head: this.#head, pending: isRunning ? pending : null })
      if (!turn) this.#log.append(...this.#buildWelcome())
      if (this.#notice) {
        this.#log.append(build("p", { class: "note" }, this.#notice))
        this.#announce(this.#notice)
        this.#notice = ""
      }
      this.#follow(true)
      if (turn && isRunning) await this.#answer(turn)
    }

    /** @param {AbortSignal} signal @returns {Promise<any[]>} the newest messages; none if the conversation is gone */
    async #readMessages(signal) {
      if (this.#isEmpty) this.#log.replaceChildren(buildDots())
      for (let tries = 1; this.#kept.id && !signal.aborted; tries++) {
        try {
          const path = `conversations/${this.#kept.id}/messages?limit=30&render=html`
          const response = await this.#call(path, { signal })
          return (await response.json()).messages
        } catch (error) {
          if (isGone(error)) this.#forget()
          else await pause(tries, signal)
        }
      }
      return []
    }

    /** @param {string} question */
    #addTurn(question) {
      if (this.#isEmpty) this.#log.replaceChildren() // the welcome
      const turn = new Turn(question, this.#say, this.#copy, this.#act)
      turn.show()
      this.#log.append(turn.root)
      return turn
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

    /** The button below an answer. @param {Turn} turn */
    #act = (turn) => {
      this.#focusHome() // the button goes away
      if (turn.offer === "continue") return this.ask(this.#say("resume"))
      if (this.#busy) return
      turn.id = ""
      turn.clear()
      this.#occupy(() => this.#answer(turn))
    }

    #stop() {
      const turn = this.#turn
      if (!turn) return
      turn.isStopped = true // if this does not arrive, it is said again with the next `start`
      if (turn.id) this.#call(`runs/${turn.id}/stop`, { method: "POST" }).catch(() => {})
    }

    /** @param {string} question that may need other words */
    #giveBack(question) {
      const typed = this.#input.value
      this.#input.value = question + (typed && `\n${typed}`)
      this.#onInput()
    }

    /* -- An answer -- */

    /** Send the question, unless that is done, and follow its answer to the end. @param {Turn} turn */
    async #answer(turn) {
      const { signal } = this.#leave
      this.#turn = turn
      turn.tries = 0
      turn.isStopped = false
      this.#label()
      this.#follow(true)
      try {
        while (!signal.aborted && !(await this.#hear(turn, signal))) {
          turn.tries++
          this.#label()
          await pause(turn.tries, signal)
        }
      } catch (/** @type {any} */ error) {
        if (!error.problem) throw error
        turn.isOver = true
        this.#fail(turn, error)
        turn.show()
      } finally {
        this.#finish(turn, signal.aborted)
      }
    }

    /**
     * Follow an answer over one connection.
     *
     * @param {Turn} turn
     * @param {AbortSignal} signal
     * @returns {Promise<boolean>} nothing more will come
     * @throws what another connection would not mend
     */
    async #hear(turn, signal) {
      const connection = new AbortController()
      const cut = () => connection.abort()
      let timer = 0
      const expectLife = () => {
        clearTimeout(timer)
        timer = window.setTimeout(cut, SILENCE_MS)
      }
      signal.addEventListener("abort", cut)
      addEventListener("online", cut, { signal: connection.signal }) // the old one may be dead without a word
      try {
        expectLife()
        const response = await this.#open(turn, connection.signal)
        for await (const fields of readEvents(response, expectLife)) {
          this.#apply(turn, fields.event, fields.id, JSON.parse(fields.data))
          if (turn.isOver) return true
        }
      } catch (error) {
        if (!signal.aborted) this.#mend(turn, error)
      } finally {
        clearTimeout(timer)
        cut()
      }
      return false
    }

    /** @param {Turn} turn @param {AbortSignal} signal */
    async #open(turn, signal) {
      if (turn.id) {
        return this.#call(`runs/${turn.id}/events?render=html`, { headers: { "Last-Event-ID": turn.position }, signal })
      }
      if (!this.#kept.token) {
        const made = await this.#call("guests", { method: "POST", body: '{"credential":"token"}', signal })
        this.#keep({ token: (await made.json()).token })
      }
      const { key, body } = (turn.sending ??= this.#prepare(turn))
      const init = { method: "POST", body: encode(body), headers: { "Idempotency-Key": key }, signal }
      return this.#call("chat/stream?render=html", init)
    }

    /** @param {Turn} turn @returns {Sending} the question, or that it be answered again */
    #prepare({ question, questionId }) {
      const key = crypto.getRandomValues(new Uint32Array(4)).join("-")
      const parent_id = questionId || (this.#head ?? null)
      const message = questionId ? undefined : question
      const body = { conversation_id: this.#kept.id ?? "new", parent_id, message, model: this.#option("model") }
      const sending = { key, body }
      if (message) this.#keep({ pending: sending })
      return sending
    }

    /**
     * @param {string} path
     * @param {RequestInit} init
     */
    async #call(path, init) {
      const { token } = this.#kept
      const headers = { "Content-Type": "application/json", ...(token && { Authorization: `Bearer ${token}` }) }
      const response = await fetch(new URL(path, this.#server), {
        credentials: "omit",
        referrerPolicy: "no-referrer",
        cache: "no-store",
        ...init,
        headers: { ...headers, ...init.headers },
      }).catch(() => undefined)
      if (response?.ok) return response
      throw failure(this.#say("unreachable"), await response?.json().catch(() => undefined))
    }

    /** Make ready for the next try, if it makes sense. @param {Turn} turn @param {any} error */
    #mend(turn, error) {
      const { code, status, run_id, conversation_id } = error.problem ?? {}
      if (code === "request_in_progress") return this.#begin(turn, conversation_id, run_id)
      if (turn.id && (code === "unreachable" || status === 429 || status >= 500)) return
      if (turn.id || turn.isStopped || turn.tries > 2) throw error
      if (code === "unreachable" || status === 503) return
      if (!isGone(error)) throw error
      this.#forget()
      this.#head = null
      this.#log.replaceChildren(turn.root)
      turn.questionId = ""
      turn.sending = undefined
    }

    /** @param {Turn} turn @param {string} conversationId @param {string} id */
    #begin(turn, conversationId, id) {
      turn.id = this.#head = id
      turn.sending = undefined
      this.#keep({ id: conversationId, head: id, pending: null })
    }

    /** @param {Turn} turn @param {string} type @param {string} id @param {any} data */
    #apply(turn, type, id, data) {
      if (type === "start") {
        this.#begin(turn, data.conversation_id, data.message_id)
        turn.questionId = data.user_message_id
        if (!data.position) turn.clear()
        turn.tries = 0
        this.#label()
        if (turn.isStopped) this.#stop()
      }
      if (type === "delta") {
        turn.append(data.text)
        turn.position = id
      }
      if (type === "block") turn.setBlock(data.index, data.html, data.rest)
      if (type === "error") this.#fail(turn, failure(this.#say("failed"), data))
      if (type === "done") {
        turn.notes = data.notices ?? []
        if (data.saved === false) turn.notes.push(this.#say("unsaved"))
        turn.end(data.finish_reason, data.html)
      }
      this.#follow()
    }

    /** @param {Turn} turn @param {ReturnType<failure>} failure */
    #fail(turn, { message, problem: { code, retryable } }) {
      if (code === "stale_parent" || code === "answer_in_progress") {
        this.#notice = this.#say("elsewhere")
        this.#head = undefined
        retryable = false
      }
      turn.fail(message, retryable)
      if (retryable === false) {
        turn.sending = undefined
        this.#keep({ pending: null })
        this.#giveBack(turn.question) // it may need other words
      }
      this.#fire("error", { code, message })
    }

    /** @param {Turn} turn @param {boolean} isLeft before its end */
    #finish(turn, isLeft) {
      this.#turn = undefined
      if (isLeft) this.#head = undefined
      if (isLeft || this.#notice) return
      this.#launcher.toggleAttribute("data-unread", !this.#isOpen)
      this.#follow()
      this.#announce(turn.spoken)
      if (/stop|length|filter/.test(turn.reason)) this.#fire("answer", { text: turn.text })
    }

    /** @param {string} text said once, then gone */
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
      this.#sync()
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
      this.#status.textContent = say(this.#turn ? (this.#turn.tries ? "broken" : "writing") : "status")
      this.#log.setAttribute("aria-label", say("log"))
      this.#log.setAttribute("aria-busy", String(!!this.#busy))
      this.#restart.hidden = this.#isEmpty
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

    /** One button sends and stops, so that it keeps its place and its focus. */
    #labelSend() {
      const key = this.#turn ? "stop" : "send"
      name(this.#send, this.#say(key))
      this.#send.setAttribute("aria-disabled", String(!this.#turn && (!!this.#busy || !this.#input.value.trim())))
      this.#send.toggleAttribute("data-stop", key === "stop")
      this.#send.replaceChildren(drawIcon(key))
    }

    /** Colours and place; the scheme is the page's, or else the system's. */
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
