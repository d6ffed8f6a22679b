"""The load generator: opens streams, checks that every token arrives once and in order, and times them.

Run as `python -m bench.client` with a `Job` as JSON on standard input; prints a `LoadResult`.
One thread and one epoll. All times include what the generator itself waits for the processor.
"""

import gc
import select
import socket
import sys
import time
from array import array
from collections import Counter
from collections.abc import Iterator

import httptools
import msgspec

from bench.marks import MarkReader, now_us
from bench.spread import Spread, spread_of_us

_LATE_US = 1_000_000


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """What to ask for: `requests` times the same POST, `at_once` of them open at any time.

    Units: `ramp_ms` lies between the first starts, so that the streams do not beat in time.
    """

    port: int
    path: str
    body: str
    headers: dict[str, str] = {}
    tokens: int
    requests: int
    at_once: int
    ramp_ms: float
    timeout_s: float


class LoadResult(msgspec.Struct, frozen=True, kw_only=True):
    """What came of a `Job`. A request is `complete` with all its tokens, once each and in order.

    `failures` counts the others by kind: status, missing (at the end), order (a token lost, repeated or out of turn),
    cut (no proper end), protocol, timeout, connection; `example` shows one.
    `most_live` is how many streams were under way at the busiest moment, past their first token.
    `lag` runs from the upstream's send to our receipt of a token, `first_token` from the connect to the first one.
    """

    requests: int
    complete: int
    failures: dict[str, int]
    example: str
    tokens: int
    tokens_late_1s: int
    most_live: int
    wall_s: float
    client_cpu_s: float
    first_token: Spread
    lag: Spread


class _Stream:
    """One request and what has been seen of its answer; also the parser's callbacks."""

    __slots__ = ("fragments", "is_complete", "is_in_order", "marks", "parser", "sock", "started_us", "tail", "tokens")

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.parser = httptools.HttpResponseParser(self)
        self.marks = MarkReader()
        self.fragments: list[bytes] = []
        self.tail = b""
        self.started_us = now_us()
        self.tokens = 0
        self.is_complete = False
        self.is_in_order = True

    def on_body(self, body: bytes) -> None:
        self.fragments.append(body)

    def on_message_complete(self) -> None:
        self.is_complete = True


class LoadGenerator:
    """Runs one `Job`; a stream that ends makes room for the next."""

    def __init__(self, job: Job) -> None:
        self._job = job
        body = job.body.encode()
        extra = "".join(f"{name}: {value}\r\n" for name, value in job.headers.items())
        head = (
            f"POST {job.path} HTTP/1.1\r\nHost: 127.0.0.1:{job.port}\r\nContent-Type: application/json\r\n"
            f"Accept: */*\r\nConnection: close\r\nContent-Length: {len(body)}\r\n{extra}\r\n"
        )
        self._request = head.encode() + body
        self._epoll = select.epoll()
        self._streams: dict[int, _Stream] = {}
        self._followers = max(0, job.requests - job.at_once)
        self._complete = 0
        self._failures: Counter[str] = Counter()
        self._example = ""
        self._live = 0
        self._most_live = 0
        self._first_token_us = array("L")
        self._lag_us = array("L")

    def run(self) -> LoadResult:
        """Run the job to its end or its timeout."""
        job = self._job
        begin_us = now_us()
        deadline_us = begin_us + int(job.timeout_s * 1e6)
        starts = self._starts(begin_us)
        next_start_us: int | None = next(starts)
        while self._streams or next_start_us is not None:
            now = now_us()
            if now > deadline_us:
                for stream in list(self._streams.values()):
                    self._finish(stream, "timeout")
                break
            while next_start_us is not None and next_start_us <= now:
                self._start()
                next_start_us = next(starts, None)
            until_us = deadline_us if next_start_us is None else min(deadline_us, next_start_us)
            for fd, events in self._epoll.poll(max(0, until_us - now) / 1e6, 512):
                stream = self._streams[fd]
                if events & select.EPOLLIN:
                    self._read(stream)
                elif events & (select.EPOLLERR | select.EPOLLHUP):
                    self._finish(stream, "connection")
                else:
                    self._send(stream)
        return self._result((now_us() - begin_us) / 1e6)

    def _starts(self, begin_us: int) -> Iterator[int]:
        """Yield when each of the first `at_once` requests starts; each later one starts when one has ended."""
        for number in range(min(self._job.at_once, self._job.requests)):
            yield begin_us + int(number * self._job.ramp_ms * 1000)

    def _start(self) -> None:
        sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        sock.settimeout(0)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        stream = _Stream(sock)
        self._streams[sock.fileno()] = stream
        sock.connect_ex(("127.0.0.1", self._job.port))
        self._epoll.register(sock.fileno(), select.EPOLLIN | select.EPOLLOUT)

    def _send(self, stream: _Stream) -> None:
        # A request of a few hundred bytes always fits into a fresh connection's buffer.
        stream.sock.send(self._request)
        self._epoll.modify(stream.sock.fileno(), select.EPOLLIN)

    def _read(self, stream: _Stream) -> None:
        try:
            received = stream.sock.recv(65536)
            if not received:
                self._finish(stream, "cut")
                return
            stream.parser.feed_data(received)
        except BlockingIOError:
            return
        except ConnectionError:
            self._finish(stream, "connection")
            return
        except httptools.HttpParserError:
            self._finish(stream, "protocol")
            return
        if stream.fragments:
            self._take(stream, b"".join(stream.fragments))
            stream.fragments.clear()
        if stream.is_complete:
            self._finish(stream, self._fault_of(stream))

    def _take(self, stream: _Stream, text: bytes) -> None:
        """Check and time the tokens in a piece of the answer."""
        stream.tail = text
        marks = stream.marks.feed(text)
        if not marks:
            return
        now = now_us()
        if stream.tokens == 0:
            self._first_token_us.append(now - stream.started_us)
            self._live += 1
            self._most_live = max(self._most_live, self._live)
        for number, sent_us in marks:
            stream.tokens += 1
            if int(number) != stream.tokens:
                stream.is_in_order = False
            self._lag_us.append(max(0, now - int(sent_us)))

    def _fault_of(self, stream: _Stream) -> str | None:
        if stream.parser.get_status_code() != 200:
            return "status"
        if not stream.is_in_order:
            return "order"
        return None if stream.tokens == self._job.tokens else "missing"

    def _finish(self, stream: _Stream, fault: str | None) -> None:
        if fault is None:
            self._complete += 1
        else:
            self._failures[fault] += 1
            self._example = self._example or f"{fault}, after {stream.tokens} tokens: …{stream.tail[-300:]!r}"
        self._live -= stream.tokens > 0
        del self._streams[stream.sock.fileno()]
        stream.sock.close()
        del stream.parser  # it refers back to the stream, and nothing collects cycles here
        if self._followers and fault != "timeout":
            self._followers -= 1
            self._start()

    def _result(self, wall_s: float) -> LoadResult:
        return LoadResult(
            requests=self._job.requests,
            complete=self._complete,
            failures=dict(self._failures),
            example=self._example,
            tokens=len(self._lag_us),
            tokens_late_1s=sum(1 for lag_us in self._lag_us if lag_us > _LATE_US),
            most_live=self._most_live,
            wall_s=wall_s,
            client_cpu_s=time.process_time(),
            first_token=spread_of_us(self._first_token_us),
            lag=spread_of_us(self._lag_us),
        )


def main() -> None:
    job = msgspec.json.decode(sys.stdin.buffer.read(), type=Job)
    # A collection would delay every stream, and nothing here leaves a cycle behind.
    gc.disable()
    sys.stdout.buffer.write(msgspec.json.encode(LoadGenerator(job).run()))


if __name__ == "__main__":
    main()
