"""Logs as JSON lines, each with the id of the request it belongs to."""

import logging
import time
from contextvars import ContextVar
from traceback import format_exception
from typing import Any

import msgspec

current_request_id: ContextVar[str] = ContextVar("request_id", default="")

# What a LogRecord has by itself; everything else came in through `extra`.
RECORD_FIELDS = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


# Legal within JSON, but for some programs the end of a line, or an order to a terminal.
CONTROLS = {code: f"\\u{code:04x}" for code in (*range(0x7F, 0xA0), 0x2028, 0x2029)}


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
        if record.exc_info and record.exc_info[1]:
            # Without what it was raised from: that may be an error of the SDK, whose text is the provider's.
            line["exception"] = "".join(format_exception(record.exc_info[1], chain=False))
        text = msgspec.json.encode(line, enc_hook=str).decode()
        return text if text.isascii() and text.isprintable() else text.translate(CONTROLS)


def init_logging(level: str) -> None:
    """Send all logs to stderr as JSON lines."""
    handler = logging.StreamHandler()
    handler.setFormatter(JSONFormatter())
    # The lines do not say where in the code they were written, so nobody needs to find out.
    # Source: Python's logging HOWTO, "Optimization".
    logging._srcfile = None
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    # These name hosts and requests on every call, at a level meant for their own developers.
    for name in ("openai", "httpx2", "httpcore2"):
        logging.getLogger(name).setLevel(logging.WARNING)
