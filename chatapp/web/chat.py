"""`POST /chat` and `POST /chat/stream`: one pipeline behind a JSON, a form and a streaming door."""

import time

from flask import Blueprint, Response, g, jsonify, request

from chatapp.core.events import Event, Failed, Silence, Started
from chatapp.services.answering import Answer, Question
from chatapp.services.rendering import render
from chatapp.services.revoking import Revoked
from chatapp.services.runs import Feed
from chatapp.services.runs.questions import StaleParent, StoredQuestion
from chatapp.web import sse
from chatapp.web.access import check_keeping, needs
from chatapp.web.answers import figures_of, figures_of_outcome
from chatapp.web.context import config, services
from chatapp.web.followers import wait_for_end
from chatapp.web.form_chat import answer_form
from chatapp.web.messages import as_message
from chatapp.web.openapi import documented
from chatapp.web.own_keys import own
from chatapp.web.principals import principal_or_new
from chatapp.web.reader import ReaderWatch, direct_sender, streamed
from chatapp.web.reading import (
    ChatIn,
    TokensIn,
    checked_text,
    read_json,
    read_model_id,
    read_question,
    read_render,
)
from chatapp.web.results import ChatOut, StreamEvents, TokensOut
from chatapp.web.runs import stream_of

bp = Blueprint("chat", __name__)


@bp.post("/chat")
@documented(
    summary="Answer one message",
    body=ChatIn,
    result=ChatOut,
    errors=(400, 401, 403, 404, 408, 409, 413, 415, 422, 429, 502, 503, 504),
    takes_key=True,
    takes_render=True,
    takes_request_key=True,
)
@needs("chat")
def answer_message() -> Response | str:
    """Answer one message whole.

    A form post, from the chat page without JavaScript, is answered with that page.
    Raises: `AppError` as a problem document.
    """
    if request.mimetype in ("application/x-www-form-urlencoded", "multipart/form-data"):
        return answer_form()
    question = read_question(request, config(), own())
    if isinstance(question, StoredQuestion):
        return _answer_stored(question)
    answer = started_answer(question)
    with ReaderWatch(request):
        text = whole_text(answer)
    body = {"text": text, **figures_of(answer), "request_id": g.request_id}
    if answer.renderer is not None:
        body["html"] = body.get("html") or answer.renderer.html
    return jsonify(body)


@bp.post("/chat/stream")
@documented(
    summary="Answer one message, event by event",
    body=ChatIn,
    events=StreamEvents,
    errors=(400, 401, 403, 404, 408, 409, 413, 415, 422, 429, 502, 503, 504),
    takes_key=True,
    takes_render=True,
    takes_request_key=True,
)
@needs("chat")
def stream_answer() -> Response:
    """Answer one message as server-sent events.

    The status waits for the answer's first word, at most one heartbeat: until then an error is a status.
    Raises: `AppError` as a problem document.
    """
    question = read_question(request, config(), own())
    if isinstance(question, StoredQuestion):
        return stream_of(begin_run(question))
    answer = started_answer(question)
    watch = ReaderWatch(request)
    try:
        first = first_event(answer, patience_s=config().heartbeat_s)
    except BaseException as exc:
        watch.stop()
        answer.events.close()
        if isinstance(exc, Revoked):
            raise exc.error from None
        raise
    chunks = sse.encode_answer(answer, first, g.request_id, heartbeat_s=config().heartbeat_s)
    return streamed(chunks, watch, direct_sender(request))


@bp.post("/tokens")
@documented(summary="Count the tokens of a text", body=TokensIn, result=TokensOut, errors=(400, 408, 413, 415, 422))
@needs("chat")
def count_tokens() -> Response:
    """Count what a message would take of a model's window.

    Raises: `BadInput` (400 `model_unavailable`).
    """
    body = read_json(request, TokensIn)
    text = checked_text(body.message, "message", config())
    resolved = services().directory.resolve(read_model_id(body.model), own())
    model = resolved.model
    return jsonify(
        tokens=services().answering.count(text, model),
        characters=len(text),
        model=model.id,
        window=model.context_window,
        estimated=resolved.server is not None or model.provider not in ("openai", "demo"),
    )


def started_answer(question: Question) -> Answer:
    """Start an answer and have the request's log line tell of it."""
    g.answer = answer = services().answering.start(question)
    return answer


def first_event(answer: Answer, *, patience_s: float) -> Event:
    """Return the first event worth a status: anything but `Started` and silence, for `patience_s` seconds.

    Raises: `AppError` when the answer failed before its first word.
    """
    patient_until = time.monotonic() + patience_s
    for event in answer.events:
        if isinstance(event, Failed):
            raise event.error
        if not isinstance(event, Started | Silence) or time.monotonic() >= patient_until:
            return event
    raise AssertionError("an answer ends with `Finished`")


def whole_text(answer: Answer) -> str:
    """Make the whole answer and return its text.

    Raises: `AppError` when it failed, in mid-answer too: half an answer is not what was asked for.
    """
    for event in answer.events:
        if isinstance(event, Failed):
            raise event.error
    return answer.meter.text


def begin_run(question: StoredQuestion) -> Feed:
    """Store a question, begin its answer and return its feed; a stranger becomes a guest.

    Raises: `AppError`; nothing is stored then.
    """
    check_keeping()
    try:
        return services().runs.begin(principal_or_new(), question)
    except StaleParent as stale:
        stale.facts = {"newer": [as_message(each, with_html=True) for each in stale.newer]}
        raise


def _answer_stored(question: StoredQuestion) -> Response:
    feed = begin_run(question)
    with ReaderWatch(request):
        # The reader may leave; the answer is made and kept all the same.
        outcome = wait_for_end(feed)
    if outcome.error is not None:
        outcome.error.facts = {"conversation_id": str(feed.opening.conversation_id), "run_id": str(feed.opening.run_id)}
        raise outcome.error
    opening = feed.opening
    body = {"text": feed.text, **figures_of_outcome(outcome), "request_id": g.request_id}
    body |= {"conversation_id": str(opening.conversation_id), "message_id": str(opening.run_id), "title": opening.title}
    if read_render(request):
        body["html"] = outcome.html or render(feed.text)
    return jsonify(body)
