"""A model server that costs next to nothing: streams marked tokens in OpenAI's format at a given pace.

Run as `python -m bench.upstream`: prints its port, serves 127.0.0.1 until its standard input closes.
The model's name says what it answers: `bench-200x20ms` is 200 tokens, one every 20 ms, the first at once.
"""

import gc
import heapq
import json
import re
import select
import socket
import sys
from array import array
from collections.abc import Iterator, Mapping
from itertools import count

import httptools

from bench.marks import now_us, write_mark
from bench.spread import quantile

# A model server names what it has. Any other size and pace is answered as well.
MODELS = ("bench-5x2ms", "bench-50x0ms", "bench-200x20ms", "bench-40x50ms", "bench-32x1000ms")

_MODEL = re.compile(r"bench-(\d+)x(\d+)ms")
_SENDS_PER_TURN = 1024  # then the sockets are looked at again, however far behind the pace we are
_STREAM_HEAD = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\nCache-Control: no-cache\r\n"
    b"Transfer-Encoding: chunked\r\n\r\n"
)


def http_chunk(payload: bytes) -> bytes:
    """Return `payload` as one chunk of HTTP/1.1's chunked coding."""
    return b"%x\r\n%b\r\n" % (len(payload), payload)


def stream_chunk(model: str, delta: dict[str, str], *, finish_reason: str | None = None) -> bytes:
    """Return one event of a streamed answer, in the fields and about the size (330 bytes) of OpenAI's own.

    Source: openai 3.51.0, `types/chat/chat_completion_chunk.py`.
    """
    document = {
        "id": "chatcmpl-BenchBenchBenchBenchBenchBench",
        "object": "chat.completion.chunk",
        "created": 1760000000,
        "model": model,
        "service_tier": "default",
        "system_fingerprint": "fp_0123456789",
        "choices": [{"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish_reason}],
        "usage": None,
        "obfuscation": "0123456789ab",
    }
    return b"data: %b\n\n" % json.dumps(document, separators=(",", ":")).encode()


def usage_of(tokens: int) -> dict[str, object]:
    """Return the `usage` object of an answer of `tokens` tokens."""
    return {
        "prompt_tokens": 12,
        "completion_tokens": tokens,
        "total_tokens": tokens + 12,
        "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": 0, "audio_tokens": 0},
    }


class Script:
    """What one model answers. The bytes are made once; a token only writes its mark into them."""

    def __init__(self, model: str) -> None:
        match = _MODEL.fullmatch(model)
        if match is None:
            raise ValueError(f"no such model: {model}")
        self.model = model
        self.tokens = int(match[1])
        self.pace_us = int(match[2]) * 1000
        empty_mark = write_mark(0, 0)
        token = http_chunk(stream_chunk(model, {"content": empty_mark.decode()}))
        self._before, _, self._after = token.partition(empty_mark)
        self._opening = _STREAM_HEAD + http_chunk(stream_chunk(model, {"role": "assistant", "content": ""}))
        usage = {
            "id": "chatcmpl-BenchBenchBenchBenchBenchBench",
            "object": "chat.completion.chunk",
            "created": 1760000000,
            "model": model,
            "choices": [],
            "usage": usage_of(self.tokens),
        }
        self._ending = (
            http_chunk(stream_chunk(model, {}, finish_reason="stop"))
            + http_chunk(b"data: %b\n\n" % json.dumps(usage, separators=(",", ":")).encode())
            + http_chunk(b"data: [DONE]\n\n")
            + http_chunk(b"")
        )

    def piece(self, number: int) -> bytes:
        """Return what is sent for token `number`: the head goes with the first, the ending with the last."""
        token = self._before + write_mark(number, now_us()) + self._after
        if number == 1:
            token = self._opening + token
        return token + self._ending if number == self.tokens else token

    def whole(self) -> dict[str, object]:
        """Return the answer to a request that does not stream."""
        text = b"".join(write_mark(number, now_us()) for number in range(1, self.tokens + 1)).decode()
        message: dict[str, object] = {"role": "assistant", "content": text, "refusal": None, "annotations": []}
        return {
            "id": "chatcmpl-BenchBenchBenchBenchBenchBench",
            "object": "chat.completion",
            "created": 1760000000,
            "model": self.model,
            "choices": [{"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}],
            "usage": usage_of(self.tokens),
            "system_fingerprint": "fp_0123456789",
        }


class _Connection:
    """One client: its parser's callbacks collect a request, `script` and `sent` tell how far its stream is."""

    __slots__ = ("body", "is_complete", "out", "parser", "path", "script", "sent", "sock")

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.parser = httptools.HttpRequestParser(self)
        self.out = b""
        self.script: Script | None = None
        self.sent = 0
        self.on_message_begin()

    def on_message_begin(self) -> None:
        self.path, self.body, self.is_complete = b"", b"", False

    def on_url(self, url: bytes) -> None:
        self.path += url

    def on_body(self, body: bytes) -> None:
        self.body += body

    def on_message_complete(self) -> None:
        self.is_complete = True


class Upstream:
    """One thread, one epoll, one heap of (when, tie breaker, connection) with the next token of each stream."""

    def __init__(self, listener: socket.socket, lifeline: int) -> None:
        self._listener = listener
        self._lifeline = lifeline
        self._connections: dict[int, _Connection] = {}
        self._due: list[tuple[int, int, _Connection]] = []
        self._ties: Iterator[int] = count()
        self._scripts: dict[str, Script] = {}
        self._late_us = array("L")
        self._epoll = select.epoll()
        self._epoll.register(listener.fileno(), select.EPOLLIN)
        self._epoll.register(lifeline, select.EPOLLIN | select.EPOLLHUP)

    def serve(self) -> None:
        """Serve until the lifeline closes."""
        while True:
            wait_s = max(0.0, (self._due[0][0] - now_us()) / 1e6) if self._due else None
            for fd, events in self._epoll.poll(wait_s, 512):
                if fd == self._lifeline:
                    return
                if fd == self._listener.fileno():
                    self._accept()
                    continue
                connection = self._connections.get(fd)
                if connection is None:  # closed earlier in this turn
                    continue
                if events & select.EPOLLOUT:
                    self._write(connection, b"")
                if events & ~select.EPOLLOUT and fd in self._connections:
                    self._read(connection)
            self._send_due()

    def _accept(self) -> None:
        try:
            while True:
                sock, _ = self._listener.accept()
                sock.settimeout(0)
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                self._connections[sock.fileno()] = _Connection(sock)
                self._epoll.register(sock.fileno(), select.EPOLLIN)
        except BlockingIOError:
            return

    def _read(self, connection: _Connection) -> None:
        try:
            received = connection.sock.recv(65536)
        except BlockingIOError:
            return
        except ConnectionError:
            received = b""
        if not received:
            self._close(connection)
            return
        connection.parser.feed_data(received)
        if connection.is_complete:
            self._answer(connection)

    def _answer(self, connection: _Connection) -> None:
        path, body = connection.path, connection.body
        connection.on_message_begin()
        if path.endswith(b"/chat/completions"):
            request = json.loads(body)
            script = self._find_script(request["model"])
            if script is None:
                message = f"The model `{request['model']}` does not exist"
                self._reply(connection, b"404 Not Found", {"error": {"message": message, "code": "model_not_found"}})
            elif request.get("stream"):
                connection.script, connection.sent = script, 0
                heapq.heappush(self._due, (now_us(), next(self._ties), connection))
            else:
                self._reply(connection, b"200 OK", script.whole())
        elif path.endswith(b"/models"):
            rows = [{"id": name, "object": "model", "created": 1760000000, "owned_by": "bench"} for name in MODELS]
            self._reply(connection, b"200 OK", {"object": "list", "data": rows})
        else:
            self._reply(connection, b"200 OK", self._take_lateness())

    def _reply(self, connection: _Connection, status: bytes, document: Mapping[str, object]) -> None:
        body = json.dumps(document).encode()
        head = b"HTTP/1.1 %b\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % (status, len(body))
        self._write(connection, head + body)

    def _find_script(self, model: str) -> Script | None:
        if model not in self._scripts and _MODEL.fullmatch(model):
            self._scripts[model] = Script(model)
        return self._scripts.get(model)

    def _send_due(self) -> None:
        due = self._due
        for _ in range(_SENDS_PER_TURN):
            now = now_us()
            if not due or due[0][0] > now:
                return
            when, tie, connection = due[0]
            script = connection.script
            if script is None:  # its client has left
                heapq.heappop(due)
                continue
            connection.sent += 1
            if script.pace_us:
                self._late_us.append(now - when)
            if connection.sent < script.tokens:
                # The pace is kept from the first token on: a late token does not delay the ones after it.
                heapq.heapreplace(due, (when + script.pace_us, tie, connection))
            else:
                heapq.heappop(due)
                connection.script = None
            self._write(connection, script.piece(connection.sent))

    def _write(self, connection: _Connection, more: bytes) -> None:
        waited = bool(connection.out)
        data = connection.out + more if waited else more
        try:
            sent = connection.sock.send(data)
        except BlockingIOError:
            sent = 0
        except ConnectionError:
            self._close(connection)
            return
        connection.out = data[sent:]
        if bool(connection.out) != waited:
            events = select.EPOLLIN | select.EPOLLOUT if connection.out else select.EPOLLIN
            self._epoll.modify(connection.sock.fileno(), events)

    def _close(self, connection: _Connection) -> None:
        connection.script = None
        del connection.parser  # it refers back to the connection, and nothing collects cycles here
        del self._connections[connection.sock.fileno()]
        connection.sock.close()

    def _take_lateness(self) -> dict[str, float]:
        """Return by how many milliseconds tokens missed their time since the last call."""
        late_us, self._late_us = sorted(self._late_us), array("L")
        return {"late_p99_ms": quantile(late_us, 0.99) / 1000, "late_max_ms": quantile(late_us, 1.0) / 1000}


def main() -> None:
    listener = socket.create_server(("127.0.0.1", 0), backlog=4096)
    listener.settimeout(0)
    print(listener.getsockname()[1], flush=True)
    # A collection would delay every stream, and nothing here leaves a cycle behind.
    gc.disable()
    Upstream(listener, sys.stdin.fileno()).serve()


if __name__ == "__main__":
    main()
