// @ts-check
/** Shows what the person wrote. */
import { cloneElement, get } from "../lib/elements.js"
import { equipMessage, showClock, showIdentity } from "./message_foot.js"

export class QuestionView {
  #question

  /** @param {import("./conversation.js").Question} question @param {HTMLElement} [element] the server's own rendering */
  constructor(question, element) {
    this.#question = question
    this.element = element ?? cloneElement("question-template")
    if (element) equipMessage(element, "question-template")
    else get(".bubble", HTMLElement, this.element).textContent = question.text
    showClock(this.element, question.at)
    this.update()
  }

  update() {
    showIdentity(this.element, this.#question)
  }
}
