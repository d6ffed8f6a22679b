"""Following a run over HTTP: each reader catches up with what it has missed, then gets every piece as it comes."""

from collections.abc import Callable, Generator
from typing import Any

from flask import Request
from gevent.event import Event

from chatapp.client_socket import ClientSocket
from chatapp.core.events import Block
from chatapp.errors import AppError
from chatapp.services.revoking import Revoked
from chatapp.services.runs import Feed, Outcome
from chatapp.web import sse
from chatapp.web.errors import problem_of


class Follower:
    """One reader's place in a feed.

    While it is up to date, the run's own greenlet writes each piece straight to the reader's socket, which saves a
    switch of greenlets per piece. A reader whose socket is full falls behind and catches up by itself, so that it holds
    up nobody. Under a server without such sockets it always catches up.
    """

    def __init__(self, request: Request, *, wants_html: bool, position: int = 0) -> None:
        self.wants_html = wants_html
        self.position = position
        self.version = 0
        self.has_sent = False
        self._is_ahead = False
        self._signal = Event()
        self._unsent = b""
        self._gone: OSError | None = None
        sock: Any = request.environ.get("gunicorn.socket")
        is_direct = isinstance(sock, ClientSocket) and request.environ.get("SERVER_PROTOCOL") == "HTTP/1.1"
        self._sock = sock if is_direct else None
        self._send: Any = sock._sock.send if is_direct else None  # gevent's own layer, which never waits

    def push_text(self, text: str, position: int) -> bool:
        if self._send is None:
            self.wake()
            return False
        if self._is_ahead:
            if position < self.position:
                return True
            # From here on it catches up by itself, with the blocks that were held back.
            self.wake()
            return False
        self.position = position
        return self._push(sse.encode_delta(text, position))

    def push_block(self, block: Block, version: int) -> bool:
        if self._send is None:
            self.wake()
            return False
        if self._is_ahead:
            return True
        self.version = version
        return self._push(sse.encode_block(block))

    def push_stage(self, stage: str) -> bool:
        return self._send is None or self._push(sse.encode_event("progress", {"stage": stage}))

    def wake(self) -> None:
        self._signal.set()

    def wait(self, timeout_s: float | None) -> bool:
        """Wait until there is something to do; False after so long without."""
        woken = self._signal.wait(timeout_s)
        self._signal.clear()
        return bool(woken)

    def flush(self) -> None:
        """Send what the socket did not take at once.

        Raises: `OSError` when the reader has left or takes nothing.
        """
        if self._gone is not None:
            raise self._gone
        if self._unsent and self._sock is not None:
            unsent, self._unsent = self._unsent, b""
            self._sock.sendall(unsent)

    def catch_up(self, feed: Feed) -> bytes:
        """Return everything that this reader has missed.

        A reader that had seen more than has been saved keeps what it has: blocks of the shorter text would not fit it.
        """
        self._is_ahead = self.position > feed.position
        if self._is_ahead:
            return b""
        news = feed.news(self.position, self.version, with_blocks=self.wants_html)
        parts = []
        if news.text:
            self.position = news.position
            parts.append(sse.encode_delta(news.text, news.position))
        self.version = news.version
        parts += [sse.encode_block(block) for block in news.blocks]
        return b"".join(parts)

    def _push(self, chunk: bytes) -> bool:
        framed = b"%x\r\n%b\r\n" % (len(chunk), chunk)
        try:
            sent = self._send(framed)
        except BlockingIOError:
            sent = 0
        except OSError as error:
            self._gone = error
            self.wake()
            return False
        self.has_sent = True
        if sent < len(framed):
            self._unsent = framed[sent:]
            self.wake()
            return False
        return True


def follow(
    feed: Feed,
    reader: Follower,
    request_id: str,
    *,
    heartbeat_s: float,
    refusal: Callable[[], AppError | None] = lambda: None,
) -> Generator[bytes, None, None]:
    """Yield the stream of a run from the reader's position on.

    Events: `start` (again, with position 0, when the stored answer is shorter than what the reader had seen);
    `progress`, `delta` and `block` as they come; `error` at most once; `done` last, unless the reader was signed out. A
    comment goes out after `heartbeat_s` of silence. `refusal` says why the reader may hear nothing more.
    """
    feed.attached += 1
    try:
        head = sse.encode_start(feed.opening, request_id, reader.position)
        while True:
            reader.flush()
            if (outcome := feed.outcome) is not None and reader.position > feed.position:
                reader.position = reader.version = 0
                head = sse.encode_start(feed.opening, request_id, 0)
            if chunk := head + reader.catch_up(feed):
                head = b""
                yield chunk
            elif outcome is not None:
                # With an account end its answers; who reads one that another worker makes may hear of that first.
                refused = refusal() if outcome.finish_reason == "cancelled" else None
                yield sse.encode_outcome(outcome, request_id) if refused is None else _told(refused, request_id)
                return
            else:
                try:
                    has_news = _wait(feed, reader, heartbeat_s)
                except Revoked as revoked:
                    reader.flush()
                    yield _told(revoked.error, request_id)
                    return
                if not has_news:
                    yield sse.HEARTBEAT
    finally:
        feed.attached -= 1
        feed.leave(reader)


def _told(error: AppError, request_id: str) -> bytes:
    return sse.encode_event("error", problem_of(error, request_id))


def _wait(feed: Feed, reader: Follower, heartbeat_s: float) -> bool:
    """Let the feed push until the reader must do something itself; False when it is time for a heartbeat."""
    feed.follow(reader)
    try:
        while not reader.wait(heartbeat_s):
            if not reader.has_sent:
                return False
            reader.has_sent = False
    finally:
        feed.leave(reader)
    return True


class _Waiter:
    """Follows a feed only to hear that it is over: what it is pushed goes nowhere."""

    wants_html = False

    def __init__(self) -> None:
        self._signal = Event()

    def push_text(self, text: str, position: int) -> bool:
        return True

    def push_block(self, block: Block, version: int) -> bool:
        return True

    def push_stage(self, stage: str) -> bool:
        return True

    def wake(self) -> None:
        self._signal.set()

    def wait(self) -> None:
        self._signal.wait()
        self._signal.clear()


def wait_for_end(feed: Feed) -> Outcome:
    """Return how a run ended, once it has."""
    waiter = _Waiter()
    feed.attached += 1
    feed.follow(waiter)
    try:
        while feed.outcome is None:
            waiter.wait()
    finally:
        feed.attached -= 1
        feed.leave(waiter)
    return feed.outcome
