"""The bench has to notice what a server does wrong, or its figures say nothing."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from bench.client import Job, LoadGenerator, LoadResult
from bench.marks import MarkReader, write_mark
from bench.upstream import Script, http_chunk

HEAD = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
END = http_chunk(b"")


def event(number: int) -> bytes:
    """Return token `number` as a server of any kind may send it on."""
    return http_chunk(b'data: {"text":"%b"}\n\n' % write_mark(number, 1))


@contextmanager
def server_that_sends(answer: bytes) -> Iterator[int]:
    """Serve one connection with `answer`, however malformed, and close it; give the port."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(answer)

        thread = threading.Thread(target=serve)
        thread.start()
        yield listener.getsockname()[1]
        thread.join()


def load_of(answer: bytes, *, tokens: int = 3) -> LoadResult:
    with server_that_sends(answer) as port:
        job = Job(port=port, path="/", body="{}", tokens=tokens, requests=1, at_once=1, ramp_ms=0, timeout_s=5)
        return LoadGenerator(job).run()


def test_a_stream_with_every_token_once_and_in_order_is_complete() -> None:
    """Servers frame tokens as they like; only the tokens count."""
    result = load_of(HEAD + event(1) + http_chunk(write_mark(2, 1) + write_mark(3, 1)) + END)

    assert (result.complete, result.failures, result.tokens) == (1, {}, 3)


def test_the_upstreams_own_stream_is_complete() -> None:
    """It is what all added times are counted from."""
    script = Script("bench-3x0ms")

    result = load_of(b"".join(script.piece(number) for number in (1, 2, 3)))

    assert (result.complete, result.tokens) == (1, 3)
    assert result.lag.max < 5000


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        pytest.param(HEAD + event(1) + event(3) + END, "order", id="a-token-lost"),
        pytest.param(HEAD + event(1) + event(1) + event(2) + END, "order", id="a-token-twice"),
        pytest.param(HEAD + event(2) + event(1) + event(3) + END, "order", id="two-tokens-swapped"),
        pytest.param(HEAD + event(1) + event(2) + END, "missing", id="the-last-token-lost"),
        pytest.param(HEAD + event(1) + event(2) + event(3), "cut", id="no-proper-end"),
        pytest.param(HEAD + b"not a chunk\r\n", "protocol", id="broken-framing"),
        pytest.param(HEAD.replace(b"200 OK", b"503 Busy") + event(1) + END, "status", id="refused"),
    ],
)
def test_a_faulty_stream_is_counted_by_its_fault(answer: bytes, kind: str) -> None:
    """A server that loses tokens is cheap; it must not pass for fast."""
    result = load_of(answer)

    assert (result.complete, result.failures) == (0, {kind: 1})
    assert result.example.startswith(kind)


def test_a_silent_server_is_given_up_after_the_timeout() -> None:
    """A bench that waits for ever is killed by hand, and its servers stay behind."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        job = Job(
            port=listener.getsockname()[1],
            path="/",
            body="{}",
            tokens=1,
            requests=4,
            at_once=2,
            ramp_ms=0,
            timeout_s=0.05,
        )
        result = LoadGenerator(job).run()

    assert (result.complete, result.failures) == (0, {"timeout": 2})


@pytest.mark.parametrize("cut", range(1, 60))
def test_marks_are_found_wherever_the_text_is_cut(cut: int) -> None:
    """A read ends anywhere, also within a mark."""
    text = b'{"k":"' + write_mark(1, 10) + write_mark(2, 20) + b'k"}'
    reader = MarkReader()

    found = reader.feed(text[:cut]) + reader.feed(text[cut:])

    assert [(int(number), int(sent_us)) for number, sent_us in found] == [(1, 10), (2, 20)]
