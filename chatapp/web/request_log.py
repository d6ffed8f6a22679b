"""One structured line per request, and the id that ties it to the answer and to errors."""

import logging
import os
import time
from collections.abc import Callable
from typing import Any

from flask import Flask, Response, g, request

from chatapp.core.events import FinishReason
from chatapp.logs import current_request_id
from chatapp.services.answering import Answer

log = logging.getLogger(__name__)


def init_request_log(app: Flask) -> None:
    app.before_request(_begin)
    app.after_request(_end)
    app.teardown_request(_give_up)


def _begin() -> None:
    g.request_id = os.urandom(12).hex()
    g.started_at = time.monotonic()
    g.answer = None
    g.outcome = None
    current_request_id.set(g.request_id)


def _end(response: Response) -> Response:
    response.headers["X-Request-Id"] = g.request_id
    write = _line_writer(status=response.status_code)
    if response.is_streamed:
        # Only when the last byte is sent, or the reader has left, is there something to tell.
        response.call_on_close(write)
    else:
        write()
    return response


def _give_up(error: BaseException | None) -> None:
    """Tell of a request whose reader left before there was a response: every `Exception` has become one."""
    if error is not None and not isinstance(error, Exception):
        g.outcome = "reader_left"
        _line_writer(status=None)()


def _line_writer(*, status: int | None) -> Callable[[], None]:
    """Return what writes the request's line, for when the request itself may be gone."""
    started_at: float = g.started_at
    answer: Answer | None = g.answer
    facts: dict[str, Any] = {"method": request.method, "path": request.path[:200], "status": status}
    if g.outcome:
        facts["outcome"] = g.outcome

    def write() -> None:
        facts["elapsed_ms"] = round((time.monotonic() - started_at) * 1000, 1)
        if answer is not None:
            facts.update(_answer_facts(answer))
        log.info("request", extra=facts)

    return write


def _answer_facts(answer: Answer) -> dict[str, Any]:
    meter = answer.meter
    reason: FinishReason = meter.finish_reason
    facts: dict[str, Any] = {"model": answer.model.id, "finish_reason": reason}
    if meter.error_code is not None:
        facts["outcome"] = meter.error_code
    if meter.first_token_ms is not None:
        facts["first_token_ms"] = round(meter.first_token_ms, 1)
    if meter.usage is not None:
        facts |= {
            "prompt_tokens": meter.usage.prompt_tokens,
            "completion_tokens": meter.usage.completion_tokens,
            "estimated": meter.usage.estimated,
            "cost_usd_micros": meter.usage.cost_usd_micros,
        }
    return facts
