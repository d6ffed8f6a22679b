"""gunicorn's gevent worker, with client sockets made for many small writes and an end that loses nothing."""

import logging
import os
import time
from http import HTTPStatus
from typing import Any

import gevent
import msgspec
from gevent import socket
from gunicorn import util
from gunicorn.glogging import Logger
from gunicorn.http.errors import (
    InvalidResponseHeader,
    InvalidResponseHeaderName,
    LimitRequestHeaders,
    LimitRequestLine,
    ParseException,
    UnsupportedTransferCoding,
)
from gunicorn.workers.ggevent import GeventWorker

from chatapp.client_socket import ClientSocket
from chatapp.errors import AddressTooLong, AppError, BadInput, HeadersTooLarge, NotImplementedHere
from chatapp.logs import JSONFormatter
from chatapp.web.errors import problem_of
from chatapp.web.guards import DATA_POLICY

log = logging.getLogger(__name__)

STOP_POLL_S = 0.1


def drain_patience_s(graceful_timeout_s: float) -> float:
    """Return how long answers may go on once the server stops: what is left must do to save and tell the others."""
    return max(graceful_timeout_s - 5.0, graceful_timeout_s / 2)


class JSONLogger(Logger):
    """gunicorn's own messages in the form of all others."""

    def setup(self, cfg: Any) -> None:
        super().setup(cfg)
        for handler in self.error_log.handlers:
            handler.setFormatter(JSONFormatter())


class ChatWorker(GeventWorker):
    """The worker class named in `gunicorn.conf.py`."""

    _has_closed = False

    def run(self) -> None:
        """Serve until told to stop, then see to it that every answer in the making is finished or saved."""
        drainer = gevent.spawn(self._drain)
        super().run()
        self._has_closed = True
        # No connection is open any more. What is made for nobody may still go on; the master's own patience is a
        # little longer than what is granted here.
        while not drainer.ready():
            self.notify()
            drainer.join(STOP_POLL_S)

    def _drain(self) -> None:
        while self.alive:
            gevent.sleep(STOP_POLL_S)
        patience_s = drain_patience_s(self.cfg.graceful_timeout)
        # Answers that are not kept end with their connections, or by this.
        gevent.spawn_later(patience_s, self.wsgi.extensions["interrupt"])
        patient_until = time.monotonic() + patience_s
        # Until the last connection is closed, other answers may begin.
        while not self._has_closed and time.monotonic() < patient_until:
            gevent.sleep(STOP_POLL_S)
        self.wsgi.extensions["drain"](patient_until - time.monotonic())

    def handle(self, listener: Any, client: socket.socket, addr: Any) -> None:
        if type(client) is socket.socket:
            # Same layout, other `sendall`; a TLS socket stays as it is.
            client.__class__ = ClientSocket
        super().handle(listener, client, addr)

    def handle_error(self, req: Any, client: socket.socket, addr: Any, exc: BaseException) -> None:
        """Answer what cannot be read as a request like any other error; nothing of it is logged or said again."""
        request_id = os.urandom(12).hex()
        error = _error_for(exc)
        facts = {"request_id": request_id, "fault": type(exc).__name__, "status": error.status}
        if error.status == 500:
            log.error("request.failed", exc_info=exc, extra=facts)
        else:
            log.warning("request.unreadable", extra=facts)
        try:
            util.write_nonblock(client, _answer(error, request_id))
        except OSError:
            log.debug("request.reader_left", extra=facts)


def _error_for(exc: BaseException) -> AppError:
    if isinstance(exc, LimitRequestLine):
        return AddressTooLong("The address is too long.")
    if isinstance(exc, LimitRequestHeaders):
        return HeadersTooLarge("The request has too many headers, or one that is too long.")
    if isinstance(exc, UnsupportedTransferCoding):
        return NotImplementedHere("Bodies may come chunked, and coded in no other way.")
    # Headers that the application was about to send are its own fault.
    if isinstance(exc, ParseException) and not isinstance(exc, (InvalidResponseHeader, InvalidResponseHeaderName)):
        return BadInput("This is not a request as HTTP has them.")
    return AppError("Something went wrong on this server.")


def _answer(error: AppError, request_id: str) -> bytes:
    body = msgspec.json.encode(problem_of(error, request_id))
    headers = {
        "Connection": "close",
        "Content-Type": "application/problem+json",
        "Content-Length": str(len(body)),
        "Cache-Control": "no-store",
        "Content-Security-Policy": DATA_POLICY,
        "X-Content-Type-Options": "nosniff",
        "X-Request-Id": request_id,
    }
    lines = [f"HTTP/1.1 {error.status} {HTTPStatus(error.status).phrase}", *(f"{k}: {v}" for k, v in headers.items())]
    return "\r\n".join([*lines, "", ""]).encode("ascii") + body
