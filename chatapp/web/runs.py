"""`/runs`: following an answer in the making from anywhere, and stopping it."""

import re
from uuid import UUID

from flask import Blueprint, Response, g, jsonify, request

from chatapp.core.conversations import StoredMessage
from chatapp.errors import BadInput, NotFound
from chatapp.services.runs import Feed
from chatapp.web.access import needs
from chatapp.web.context import config, services
from chatapp.web.followers import Follower, follow
from chatapp.web.openapi import documented
from chatapp.web.principals import principal
from chatapp.web.reader import ReaderWatch, direct_sender, streamed
from chatapp.web.reading import ID_FORM, read_render
from chatapp.web.results import RunEvents, RunOut

bp = Blueprint("runs", __name__)

POSITION_FORM = re.compile(r"[0-9]{1,12}\Z")


@bp.get("/runs/<run_id>")
@documented(tag="Runs", summary="How far an answer is", result=RunOut, errors=(400, 401, 404, 503))
@needs("read")
def show_run(run_id: str) -> Response:
    """Return the state of one run.

    Raises: `NotFound` (404).
    """
    return _state(*services().runs.state(principal(), run_id_of(run_id)))


@bp.get("/runs/<run_id>/events")
@documented(
    tag="Runs",
    summary="Follow an answer from any position",
    events=RunEvents,
    errors=(400, 401, 404, 503),
    takes_render=True,
    takes_position=True,
)
@needs("read")
def follow_run(run_id: str) -> Response:
    """Send an answer's events after `Last-Event-ID`, or all of them; it may be running or over.

    Raises: `BadInput` (400 `bad_event_id`), `NotFound` (404).
    """
    position = _read_position()
    return stream_of(services().runs.open(principal(), run_id_of(run_id)), position=position)


@bp.post("/runs/<run_id>/stop")
@documented(tag="Runs", summary="Stop an answer", result=RunOut, errors=(400, 401, 403, 404, 503))
@needs("write")
def stop_run(run_id: str) -> Response:
    """End an answer and keep what has arrived; stopping what is over changes nothing.

    Raises: `NotFound` (404).
    """
    return _state(*services().runs.stop(principal(), run_id_of(run_id)))


def stream_of(feed: Feed, *, position: int = 0) -> Response:
    """Return a feed as server-sent events from a position on."""
    reader = Follower(request, wants_html=read_render(request), position=position)
    watch = ReaderWatch(request)
    chunks = follow(feed, reader, g.request_id, heartbeat_s=config().heartbeat_s, refusal=watch.refusal)
    return streamed(chunks, watch, direct_sender(request))


def run_id_of(raw: str) -> UUID:
    """Raises: `NotFound` for what is no id at all."""
    if not ID_FORM.match(raw):
        raise NotFound("There is no such run.")
    return UUID(raw)


def _read_position() -> int:
    raw = request.headers.get("Last-Event-ID", "0")
    if not POSITION_FORM.match(raw):
        raise BadInput("Last-Event-ID must be a position in the answer's text, a whole number.", code="bad_event_id")
    return int(raw)


def _state(answer: StoredMessage, position: int) -> Response:
    return jsonify(
        id=str(answer.id), conversation_id=str(answer.conversation_id), state=answer.state, position=position
    )
