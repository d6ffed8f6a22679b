"""The reader's connection: knowing at once when it closes, and the short way to it."""

import _socket
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from types import TracebackType
from typing import Any, Self

import gevent
from flask import Request, Response
from gevent.hub import get_hub

from chatapp.errors import AppError
from chatapp.services.revoking import Revoked
from chatapp.web.context import services
from chatapp.web.principals import principal

STREAM_HEADERS = {"Cache-Control": "no-store, no-transform", "X-Accel-Buffering": "no"}


class ReaderWatch:
    """Ends the greenlet that serves a request as soon as it is for nobody, until `stop()` or the `with` ends.

    Its connection closes: a WSGI server notices that only at its next write, which a silent provider may put off for
    minutes. Or its reader loses the right to it, by being signed out or suspended. The greenlet gets a `GreenletExit`
    wherever it waits, in the second case a `Revoked`, so that closing the answer cancels the call upstream. Under a
    server without a gevent socket in its environment no connection is watched.
    """

    def __init__(self, request: Request) -> None:
        self._sock: Any = request.environ.get("gunicorn.socket")
        self._io: Any = None
        self._greenlet: Any = gevent.getcurrent()
        self._is_on = True
        self._right = services().revocations.watching(principal(), self._on_revoked)
        if self._sock is not None and isinstance(self._greenlet, gevent.Greenlet):
            self._io = get_hub().loop.io(self._sock.fileno(), 1)
            self._io.start(self._on_readable)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Raises: `AppError` instead of `Revoked`, for what can still be answered with a problem document."""
        self.stop()
        if isinstance(exc, Revoked):
            raise exc.error from None

    def refusal(self) -> AppError | None:
        """Return why the reader may hear nothing more, None when they may; costs a look into the database."""
        return self._right.refusal()

    def stop(self) -> None:
        self._is_on = False
        self._right.stop()
        self._stop_listening()

    def _stop_listening(self) -> None:
        if self._io is not None:
            self._io.stop()
            self._io.close()
            self._io = None

    def _on_revoked(self, error: AppError) -> None:
        get_hub().loop.run_callback(self._throw, error)

    def _throw(self, error: AppError) -> None:
        # By now it may serve another request.
        if self._is_on:
            self._greenlet.throw(Revoked(error))

    def _on_readable(self) -> None:
        peek = _socket.socket(fileno=self._sock.fileno())
        try:
            has_left = peek.recv(1, _socket.MSG_PEEK | _socket.MSG_DONTWAIT) == b""
        except BlockingIOError:
            return
        except OSError:
            has_left = True
        finally:
            peek.detach()
        # Bytes of a next request say nothing of this one; only, nothing more can be learned here.
        self._stop_listening()
        if has_left:
            self._greenlet.kill(block=False)


def streamed(
    chunks: Generator[bytes, None, None], watch: ReaderWatch, send: Callable[[bytes], None] | None
) -> Response:
    """Return server-sent events as a response: chunk by chunk, or by `send` once the first has taken the headers
    along."""

    def body() -> Iterator[bytes]:
        try:
            with closing(chunks):
                yield next(chunks)
                if send is None:
                    yield from chunks
                else:
                    for chunk in chunks:
                        send(chunk)
        finally:
            watch.stop()

    return Response(body(), mimetype="text/event-stream", headers=STREAM_HEADERS)


def direct_sender(request: Request) -> Callable[[bytes], None] | None:
    """Return a function that sends one chunk of a chunked body straight to the reader, or None.

    A piece of an answer otherwise passes half a dozen functions of the server and the framework on its way to the
    socket, which costs as much as the rest of the relay. Only for responses that gunicorn sends chunked, and only once
    it has sent the headers; it also sends the end.
    """
    sock = request.environ.get("gunicorn.socket")
    if sock is None or request.environ.get("SERVER_PROTOCOL") != "HTTP/1.1":
        return None
    sendall = sock.sendall

    def send(chunk: bytes) -> None:
        sendall(b"%x\r\n%b\r\n" % (len(chunk), chunk))

    return send
