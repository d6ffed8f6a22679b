"""One structured line per request, and the id that ties it to the answer and to errors."""

import logging
import os
import time
from contextvars import ContextVar
from typing import Any

import msgspec
from flask import Flask, Response, g, request

from chatapp.core.events import FinishReason
from chatapp.services.answering import Answer

log = logging.getLogger(__name__)

current_request_id: ContextVar[str] = ContextVar("request_id", default="")

# What a LogRecord has by itself; everything else came in through `extra`.
RECORD_FIELDS = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


class JSONFormatter(logging.Formatter):
    """One JSON object per line. Texts of messages and keys never get here: log calls pass names and numbers."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "time": time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created)) + f".{int(record.msecs):03d}Z",
            "level": record.levelname.lower(),
            "event": record.getMessage(),
            "logger": record.name,
        }
        if request_id := current_request_id.get():
            line["request_id"] = request_id
        line |= {name: value for name, value in vars(record).items() if name not in RECORD_FIELDS}
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return msgspec.json.encode(line, enc_hook=str).decode()


def init_logging(level: str) -> None:
    """Send all logs to stderr as JSON lines."""
    handler = logging.StreamHandler()
    handler.setFormatter(JSONFormatter())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    # These name hosts and requests on every call, at a level meant for their own developers.
    for name in ("openai", "httpx2", "httpcore2"):
        logging.getLogger(name).setLevel(logging.WARNING)


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
