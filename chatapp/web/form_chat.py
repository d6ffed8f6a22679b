"""The chat page without JavaScript: a form post that is answered with the page."""

import json
from datetime import UTC, datetime
from typing import Any

import msgspec
from flask import Response, g, make_response, request

from chatapp.core.chat import Message
from chatapp.core.events import Failed
from chatapp.errors import AppError, BadInput, InvalidBody
from chatapp.services.answering import Question
from chatapp.services.rendering import render
from chatapp.web.context import config, services
from chatapp.web.errors import problem_of
from chatapp.web.guards import check_same_site
from chatapp.web.pages import render_chat
from chatapp.web.reader import ReaderWatch
from chatapp.web.reading import MessageIn, checked_text, read_body, read_messages, read_model_id


def answer_form() -> Response:
    """Answer a post of the chat page's form.

    Body: the fields `message`, `model` and `history`, a JSON list of `{role, content}`.
    A failure renders the page too, with the text still in the composer.
    Raises: `Forbidden` (403) for a form from another site.
    """
    check_same_site()
    read_body(request)  # within its limits; the form is parsed from what was read
    form = request.form
    draft = form.get("message", "")
    model: str | None = None
    history: list[Message] = []
    error: AppError | None = None
    try:
        model = read_model_id(form.get("model"))
        history = _read_history(form.get("history", ""))
        asked = Message("user", checked_text(draft, "message", config()))
        if not draft.strip():
            raise InvalidBody("The message is empty: there is nothing to answer.")
        answer = g.answer = services().answering.start(Question(messages=(*history, asked), model=model))
        with ReaderWatch(request):
            failed = next((event.error for event in answer.events if isinstance(event, Failed)), None)
            # What is left after a failure is the bookkeeping.
            for _ in answer.events:
                pass
        if failed is not None:
            raise failed
        history += [asked, Message("assistant", answer.meter.text)]
        draft = ""
    except AppError as exc:
        error = exc
    problem = problem_of(error, g.request_id) if error else None
    page = render_chat(conversation=[_shown(each) for each in history], draft=draft, error=problem, model=model)
    return make_response(page, error.status if error else 200)


def _read_history(raw: str) -> list[Message]:
    if not raw.strip():
        return []
    try:
        given = msgspec.convert(json.loads(raw), list[MessageIn])
    except (ValueError, RecursionError) as exc:
        raise BadInput("The form's history is not readable; reload the page.") from exc
    messages = read_messages(given, "history", config())
    if len(messages) >= config().max_messages:
        raise InvalidBody(f"A conversation holds at most {config().max_messages:,} messages.")
    return messages


def _shown(message: Message) -> dict[str, Any]:
    html = render(message.text) if message.role == "assistant" else ""
    return {"role": message.role, "text": message.text, "html": html, "time": datetime.now(UTC).isoformat()}
