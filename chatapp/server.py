"""gunicorn's gevent worker, with client sockets made for many small writes."""

from typing import Any

import gevent
from gevent import socket
from gunicorn.glogging import Logger
from gunicorn.workers.ggevent import GeventWorker

from chatapp.logs import JSONFormatter


class ClientSocket(socket.socket):
    """A client's connection.

    gevent's `sendall` sets up a time limit and reads the socket's send buffer size on every call. A piece of an answer
    nearly always fits the buffer, so it is handed to the kernel at once; only what does not fit waits, and not for
    ever: a reader that takes nothing is given up.
    """

    __slots__ = ()

    write_timeout_s = 30.0

    def sendall(self, data: Any, flags: int = 0) -> None:
        """Send all of `data`.

        Raises: `ConnectionResetError` when the reader takes nothing for `write_timeout_s`, `OSError` when it has left.
        """
        try:
            sent = self._sock.send(data, flags)  # type: ignore[attr-defined]  # gevent's own layer, which never waits
        except BlockingIOError:
            sent = 0
        while sent < len(data):
            data = memoryview(data)[sent:]
            with gevent.Timeout(self.write_timeout_s, ConnectionResetError("the reader takes nothing")):
                sent = self.send(data, flags)


class JSONLogger(Logger):
    """gunicorn's own messages in the form of all others."""

    def setup(self, cfg: Any) -> None:
        super().setup(cfg)
        for handler in self.error_log.handlers:
            handler.setFormatter(JSONFormatter())


class ChatWorker(GeventWorker):
    """The worker class named in `gunicorn.conf.py`."""

    def handle(self, listener: Any, client: socket.socket, addr: Any) -> None:
        if type(client) is socket.socket:
            # Same layout, other `sendall`; a TLS socket stays as it is.
            client.__class__ = ClientSocket
        super().handle(listener, client, addr)
