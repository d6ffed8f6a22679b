// @ts-check
/** Starts the chat page; without it the page's forms answer by themselves. */
import { ChatPage } from "./chat/page.js"
import { listenForShortcuts } from "./chat/shortcuts.js"
import { startThreads } from "./chat/threads.js"
import { fitVisibleHeight } from "./chat/viewport.js"
import { get } from "./lib/elements.js"

const data = JSON.parse(get("#chat-data", HTMLScriptElement).textContent ?? "")
const page = new ChatPage(data)
const runForThreads = startThreads(data)
/** @param {string} command @returns {boolean} whether there was something to do */
const run = (command) => page.run(command) || runForThreads(command)

fitVisibleHeight()
listenForShortcuts(run)
if (matchMedia("(pointer: fine)").matches) page.run("focus")

document.addEventListener("click", (event) => {
  const target = event.target instanceof Element ? event.target : null
  const button = target?.closest("[data-command]")
  if (button instanceof HTMLElement) run(button.dataset.command ?? "")
  if (target?.closest("[data-close]")) target.closest("dialog")?.close()
  // A click beside a dialog's box lands on the dialog itself.
  if (target instanceof HTMLDialogElement) target.close()
})

get(".greeting__starters", HTMLFormElement).addEventListener("submit", (event) => {
  event.preventDefault()
  if (event.submitter instanceof HTMLButtonElement) page.ask(event.submitter.value)
})

const offline = get("#offline", HTMLElement)
const showConnection = () => (offline.hidden = navigator.onLine)
addEventListener("online", showConnection)
addEventListener("offline", showConnection)
showConnection()
