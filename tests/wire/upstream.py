"""A real TCP server in OpenAI's format that can misbehave on the wire in any way a test names.

The model in the request picks the behaviour (`behaviours.py`), so that all faults run against one server at once.
"""

import json
import select
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from io import BufferedReader
from typing import Any

GOOD_TEXT = "The answer is 42, said the naïve 🦊."
GOOD_USAGE = {
    "prompt_tokens": 11,
    "completion_tokens": 7,
    "total_tokens": 18,
    "prompt_tokens_details": {"cached_tokens": 3},
    "completion_tokens_details": {"reasoning_tokens": 2},
}
CANARY = "CANARY-words-of-the-upstream"


class ReaderGone(Exception):
    """The other side hung up."""


@dataclass
class Call:
    """One request as it arrived, and what became of its connection."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    started_at: float = field(default_factory=time.monotonic)
    number: int = 1  # 1 for the first call with this body, 2 for its first retry …
    left: threading.Event = field(default_factory=threading.Event)  # the client hung up before we were done
    over: threading.Event = field(default_factory=threading.Event)

    @cached_property
    def payload(self) -> dict[str, Any]:
        loaded: dict[str, Any] = json.loads(self.body)
        return loaded

    @property
    def model(self) -> str:
        return str(self.payload["model"]) if self.body else ""


class Exchange:
    """One request being answered: everything from a clean stream to raw bytes and a reset."""

    def __init__(self, sock: socket.socket, call: Call) -> None:
        self.sock = sock
        self.call = call
        self.is_reusable = False

    def send(self, data: bytes) -> None:
        self.sock.sendall(data)

    def head(self, status: str = "200 OK", headers: Mapping[str, str] | None = None) -> None:
        lines = [f"HTTP/1.1 {status}", *(f"{name}: {value}" for name, value in (headers or {}).items()), "", ""]
        self.send("\r\n".join(lines).encode("latin-1"))

    def reply(self, status: str, body: bytes, headers: Mapping[str, str] | None = None) -> None:
        """Send a whole response with its length."""
        self.head(status, {"Content-Type": "application/json", "Content-Length": str(len(body)), **(headers or {})})
        self.send(body)
        self.is_reusable = True

    def open_stream(self, headers: Mapping[str, str] | None = None) -> None:
        self.head("200 OK", {"Content-Type": "text/event-stream", "Transfer-Encoding": "chunked", **(headers or {})})

    def chunk(self, data: bytes) -> None:
        """Send one chunk of a chunked body."""
        self.send(b"%x\r\n%s\r\n" % (len(data), data))

    def event(self, value: object) -> None:
        self.chunk(b"data: " + json.dumps(value).encode() + b"\n\n")

    def say(self, text: str) -> None:
        self.event(chunk_of(self.call.model, {"content": text}))

    def stop(self, reason: str = "stop", usage: object = GOOD_USAGE) -> None:
        """End the answer as OpenAI does: reason, usage unless None, `[DONE]`, last chunk."""
        self.event(chunk_of(self.call.model, {}, reason))
        if usage is not None:
            self.event({**chunk_of(self.call.model, {}), "choices": [], "usage": usage})
        self.chunk(b"data: [DONE]\n\n")
        self.end_body()

    def end_body(self) -> None:
        self.send(b"0\r\n\r\n")
        self.is_reusable = True

    def pause(self, seconds: float) -> None:
        """Say nothing for so long. Raises: `ReaderGone` the moment the other side hangs up."""
        poll = select.poll()
        poll.register(self.sock, select.POLLIN | select.POLLHUP)
        # TLS knows no peeking; nothing but the end can come over it in the middle of an answer.
        flags = 0 if isinstance(self.sock, ssl.SSLSocket) else socket.MSG_PEEK
        if poll.poll(seconds * 1000) and not self.sock.recv(1, flags):
            raise ReaderGone

    def reset(self) -> None:
        """Break the connection with RST, as a crashed peer does."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()


Behaviour = Callable[[Exchange], None]


class Behaviours(dict[str, Behaviour]):
    """Behaviours by the model name that asks for them."""

    def named(self, name: str) -> Callable[[Behaviour], Behaviour]:
        """Enter the decorated function under `name`."""

        def enter(function: Behaviour) -> Behaviour:
            self[name] = function
            return function

        return enter


def chunk_of(model: str, delta: object, reason: str | None = None) -> dict[str, Any]:
    """A `chat.completion.chunk` as OpenAI sends it."""
    choice = {"index": 0, "delta": delta, "finish_reason": reason}
    return {"id": "c1", "object": "chat.completion.chunk", "created": 1, "model": model, "choices": [choice]}


class Upstream:
    """The server; `close()` it when done.

    `behaviours` by model name; with `tls` it speaks nothing but TLS; `listener` is a `bound_socket()`.
    """

    def __init__(
        self,
        behaviours: Mapping[str, Behaviour],
        *,
        tls: ssl.SSLContext | None = None,
        listener: socket.socket | None = None,
    ) -> None:
        self.calls: list[Call] = []
        self._behaviours = behaviours
        self.connections = 0
        self._lock = threading.Lock()
        self._tls = tls
        self._listener = listener or bound_socket()
        self._listener.listen(512)
        self.port = int(self._listener.getsockname()[1])
        self.base_url = f"{'https' if tls else 'http'}://127.0.0.1:{self.port}"
        threading.Thread(target=self._accept, daemon=True).start()

    def calls_about(self, marker: str) -> list[Call]:
        """Every call whose body holds `marker`, in order of arrival."""
        with self._lock:
            return [call for call in self.calls if marker.encode() in call.body]

    def wait_for_call(self, marker: str, timeout_s: float = 5) -> Call:
        """Return the first call about `marker`, waiting for it to arrive."""
        give_up_at = time.monotonic() + timeout_s
        while not (calls := self.calls_about(marker)):
            last = [(call.method, call.path, call.body[:80]) for call in self.calls[-3:]]
            assert time.monotonic() < give_up_at, f"the call never reached the upstream; the last that did: {last}"
            time.sleep(0.005)
        return calls[0]

    def close(self) -> None:
        # A thread that waits in `accept` would keep the port, and answer whoever comes to it next.
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.connections += 1
            threading.Thread(target=self._serve, args=(sock,), daemon=True).start()

    def _serve(self, sock: socket.socket) -> None:
        try:
            if self._tls:
                sock = self._tls.wrap_socket(sock, server_side=True)
            with sock, sock.makefile("rb") as received:
                while (call := read_call(received)) and self._answer(sock, call):
                    pass
        except OSError:
            return

    def _answer(self, sock: socket.socket, call: Call) -> bool:
        """Answer one request; True when the connection may carry another."""
        with self._lock:
            call.number = 1 + sum(other.body == call.body and other.path == call.path for other in self.calls)
            self.calls.append(call)
        exchange = Exchange(sock, call)
        try:
            self._behaviour_of(call)(exchange)
        except (ReaderGone, OSError):
            call.left.set()
            return False
        finally:
            call.over.set()
        return exchange.is_reusable

    def _behaviour_of(self, call: Call) -> Behaviour:
        if call.path == "/v1/models":
            return self._list_models
        if call.path != "/v1/chat/completions" or call.method != "POST":
            return _not_found
        return self._behaviours.get(call.model, _not_found)

    def _list_models(self, exchange: Exchange) -> None:
        models = [{"id": name, "object": "model", "created": 1, "owned_by": "test"} for name in self._behaviours]
        exchange.reply("200 OK", json.dumps({"object": "list", "data": models}).encode())


def bound_socket() -> socket.socket:
    """Return a loopback port that refuses connections until it is given to an `Upstream`."""
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.bind(("127.0.0.1", 0))
    return sock


def read_call(received: BufferedReader) -> Call | None:
    """Read one request with a Content-Length, or None at the end of the connection."""
    first = received.readline().decode("latin-1").split()
    if len(first) != 3:
        return None
    headers: dict[str, str] = {}
    while line := received.readline().strip():
        name, _, value = line.decode("latin-1").partition(":")
        headers[name.lower()] = value.strip()
    return Call(first[0], first[1], headers, received.read(int(headers.get("content-length", "0"))))


def _not_found(exchange: Exchange) -> None:
    exchange.reply("404 Not Found", json.dumps({"error": {"message": CANARY, "type": "not_found"}}).encode())
