"""Reading sockets under gevent with as few system calls and objects per read as can be."""

import _socket
import ssl
from collections.abc import Callable
from typing import Any

import gevent
from gevent import socket
from gevent.hub import get_hub

RECV_BYTES = 64 * 1024

# What a waiting reader is woken with.
READABLE, SILENT = "readable", "silent"

# A time to come that never does: nothing is being waited for.
BUSY = float("inf")


class SocketReader:
    """Waits for a socket to become readable, then reads it once.

    gevent's own `recv` tries, fails, waits and tries again, and a time limit costs it a timer object per call. Waiting
    first saves the failing system call; one slow repeating timer per connection replaces the others. Every read of the
    network goes through the event loop, so that a flood on one connection cannot starve the rest.
    """

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._is_tls = isinstance(sock, ssl.SSLSocket)
        # The plain socket under gevent's never waits by itself; a TLS socket is told not to.
        self._recv: Callable[[int], bytes] = sock.recv if self._is_tls else sock._sock.recv  # type: ignore[attr-defined]
        self._pending: Callable[[], int] = sock.pending if isinstance(sock, ssl.SSLSocket) else int
        self._hub = get_hub()
        self._loop = self._hub.loop
        self._io = self._loop.io(sock.fileno(), 1)
        self._timer: Any = None
        self._silence_s = 0.0
        self._waiting_since = BUSY
        self._wake: Callable[..., Any] | None = None

    def receive(self, silence_s: float) -> bytes | None:
        """Return up to 64 KB, b"" at the end of the stream, or None after `silence_s` of silence.

        Units: silence is noticed up to a quarter late.
        """
        if self._is_tls:
            self._sock.settimeout(0.0)
            if self._pending():
                # Part of a TLS record is decrypted already, which the socket's readiness does not show.
                return self._recv(RECV_BYTES)
        if silence_s != self._silence_s:
            self._set_timer(silence_s)
        self._wake = wake = gevent.getcurrent().switch
        while True:
            self._waiting_since = self._loop.now()
            self._io.start(wake, READABLE)
            try:
                if self._hub.switch() is SILENT:
                    return None
                return self._recv(RECV_BYTES)
            except (BlockingIOError, ssl.SSLWantReadError):
                continue
            finally:
                self._io.stop()
                self._waiting_since = BUSY

    def close(self) -> None:
        """Let go of the event loop; the socket stays open."""
        self._io.stop()
        self._io.close()
        if self._timer is not None:
            self._timer.stop()
            self._timer.close()
            self._timer = None
        if self._is_tls:
            self._sock.settimeout(None)

    def _set_timer(self, silence_s: float) -> None:
        if self._timer is not None:
            self._timer.stop()
            self._timer.close()
        self._silence_s = silence_s
        self._timer = self._loop.timer(silence_s / 4, silence_s / 4)
        self._timer.start(self._on_timer)

    def _on_timer(self) -> None:
        if self._wake is not None and self._loop.now() - self._waiting_since >= self._silence_s * 0.99:
            self._wake(SILENT)


def is_quiet(sock: socket.socket) -> bool:
    """Whether an idle connection is still open: it has neither ended nor spoken out of turn."""
    peek = _socket.socket(fileno=sock.fileno())
    try:
        peek.recv(1, _socket.MSG_PEEK | _socket.MSG_DONTWAIT)
    except BlockingIOError:
        return True
    except OSError:
        return False
    finally:
        peek.detach()
    return False
