"""gunicorn's gevent worker, with client sockets made for many small writes and an end that loses nothing."""

import time
from typing import Any

import gevent
from gevent import socket
from gunicorn.glogging import Logger
from gunicorn.workers.ggevent import GeventWorker

from chatapp.client_socket import ClientSocket
from chatapp.logs import JSONFormatter

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
