"""Encoding an answer as server-sent events."""

import time
from collections.abc import Callable, Generator
from contextlib import closing
from typing import Any

import msgspec

from chatapp.core.events import Block, Event, Failed, Finished, Silence, TextDelta, Usage
from chatapp.services.answering import Answer
from chatapp.services.revoking import Revoked
from chatapp.services.runs import Opening, Outcome
from chatapp.web.answers import figures_of, figures_of_outcome, opening_of
from chatapp.web.errors import problem_of

HEARTBEAT = b": \n\n"

_encode = msgspec.json.encode

# Line ends to some readers though not to the standard's: `str.splitlines` cuts at each of these.
FOREIGN_LINE_ENDS = {0x0085: "\\u0085", 0x2028: "\\u2028", 0x2029: "\\u2029"}


def encode_event(name: str, data: dict[str, Any]) -> bytes:
    """Return one event; its data is JSON on one line whatever the texts in it hold.

    Source: WHATWG HTML, 9.2.
    """
    return b"event: %b\ndata: %b\n\n" % (name.encode("ascii"), _one_line(_encode(data)))


def encode_delta(text: str, position: int | None = None) -> bytes:
    """Return the event of one piece of text; the one that is encoded thousands of times per answer.

    `position` is where the text of a run ends with it, in characters.
    """
    data = _encode(text)
    if not text.isascii():
        data = _one_line(data)
    if position is None:
        return b'event: delta\ndata: {"text":%b}\n\n' % data
    return b'event: delta\nid: %d\ndata: {"text":%b}\n\n' % (position, data)


def encode_block(block: Block) -> bytes:
    return encode_event("block", {"index": block.index, "html": block.html, "rest": block.rest})


def encode_start(opening: Opening, request_id: str, position: int) -> bytes:
    """Return a run's first event: the reader keeps `position` characters of what it has and drops the rest."""
    return encode_event(
        "start",
        {
            "request_id": request_id,
            "run_id": str(opening.run_id),
            "message_id": str(opening.run_id),
            "user_message_id": None if opening.question_id is None else str(opening.question_id),
            "conversation_id": str(opening.conversation_id),
            "title": opening.title,
            "position": position,
            "model": opening.model,
            "notices": opening.notices,
            "context": opening.context,
        },
    )


def encode_outcome(outcome: Outcome, request_id: str) -> bytes:
    """Return a run's last events: `error` if it failed, and `done`."""
    told = b"" if outcome.error is None else encode_event("error", problem_of(outcome.error, request_id))
    done = figures_of_outcome(outcome)
    if outcome.is_html_other:
        done["html"] = outcome.html
    return told + encode_event("done", done)


def encode_answer(
    answer: Answer,
    first: Event,
    request_id: str,
    *,
    heartbeat_s: float,
    clock: Callable[[], float] = time.monotonic,
) -> Generator[bytes, None, None]:
    """Yield the stream of an answer whose `first` event was already taken.

    Events: `start`; `delta` and `block` as they come; `error` at most once; `done` last, unless the reader was signed
    out. A comment goes out after `heartbeat_s` of silence.
    """
    head = encode_event("start", {"request_id": request_id, **opening_of(answer)})
    written_at = clock()
    has_written = True
    event: Event | None = first
    with closing(answer.events) as events:
        while event is not None:
            chunk = b""
            if type(event) is TextDelta:
                chunk = encode_delta(event.text)
            elif isinstance(event, Silence):
                now = clock()
                if has_written:
                    has_written, written_at = False, now
                if now - written_at >= heartbeat_s or head:
                    chunk = HEARTBEAT
            else:
                chunk = _encode_other(event, answer, request_id)
            if chunk or head:
                yield head + chunk
                head = b""
                has_written = True
            try:
                event = next(events, None)
            except Revoked as revoked:
                yield encode_event("error", problem_of(revoked.error, request_id))
                return


def _encode_other(event: Event, answer: Answer, request_id: str) -> bytes:
    match event:
        case Block():
            return encode_block(event)
        case Failed(error):
            return encode_event("error", problem_of(error, request_id))
        case Finished():
            return encode_event("done", figures_of(answer))
        case Usage():
            # The figures travel with `done`.
            return b""
    return b""


def _one_line(data: bytes) -> bytes:
    if data.isascii():
        return data
    return data.decode("utf-8").translate(FOREIGN_LINE_ENDS).encode("utf-8")
