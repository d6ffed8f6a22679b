"""The connection of a client, made for many small writes."""

from typing import Any

import gevent
from gevent import socket


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
