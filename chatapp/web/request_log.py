"""One structured line per request, and the id that ties it to the answer and to errors."""

import logging
import os
import time
from typing import Any

from flask import Flask, Response, g, request

from chatapp.core.events import FinishReason
from chatapp.logs import current_request_id
from chatapp.services.answering import Answer

log = logging.getLogger(__name__)


def init_request_log(app: Flask) -> None:
    app.before_request(_begin)
    app.after_request(_end)


def _begin() -> None:
    g.request_id = os.urandom(12).hex()
    g.started_at = time.monotonic()
    g.answer = None
    g.outcome = None
    current_request_id.set(g.request_id)


def _end(response: Response) -> Response:
    response.headers["X-Request-Id"] = g.request_id
    started_at: float = g.started_at
    facts: dict[str, Any] = {"method": request.method, "path": request.path[:200], "status": response.status_code}
    if g.outcome:
        facts["outcome"] = g.outcome
    answer: Answer | None = g.answer

    def write() -> None:
        facts["elapsed_ms"] = round((time.monotonic() - started_at) * 1000, 1)
        if answer is not None:
            facts.update(_answer_facts(answer))
        log.info("request", extra=facts)

    if response.is_streamed:
        # Only when the last byte is sent, or the reader has left, is there something to tell.
        response.call_on_close(write)
    else:
        write()
    return response


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
