"""C1, C2: whoever leaves stops costing; the call upstream ends with its reader."""

import json
import socket
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.live_server import LiveServer
from tests.wire.outcome import ROUTES, STREAM, AskFaulty
from tests.wire.reader import marker
from tests.wire.upstream import Upstream

STORM = 200


def open_question(site: LiveServer, route: str, model: str, message: str) -> socket.socket:
    """Send a whole request and return the open connection."""
    body = json.dumps({"model": model, "message": message}).encode()
    head = f"POST {route} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: {len(body)}"
    connection = socket.create_connection(("127.0.0.1", site.port), timeout=10)
    connection.sendall(head.encode() + b"\r\n\r\n" + body)
    return connection


def read_until(connection: socket.socket, part: bytes) -> None:
    received = b""
    while part not in received:
        data = connection.recv(4096)
        assert data, f"the answer ended without {part!r}: {received[-300:]!r}"
        received += data


@pytest.mark.parametrize(
    "model", [pytest.param("c1-slow", id="C1-talking"), pytest.param("c1-silent-start", id="C1-silent")]
)
def test_leaving_in_mid_stream_ends_the_call_upstream(faulty_site: LiveServer, upstream: Upstream, model: str) -> None:
    """Every token after the reader has left would be paid for and read by nobody."""
    message = marker()
    with open_question(faulty_site, STREAM, model, message) as connection:
        read_until(connection, b"event: delta")
        call = upstream.wait_for_call(message)
        assert not call.left.is_set()

    assert call.left.wait(1)


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize(
    "model",
    [
        pytest.param("u08-hang", id="C1-before-headers"),
        pytest.param("u09-hang-after-headers", id="C1-before-first-token"),
        pytest.param("c1-slow", id="C1-before-the-whole"),
    ],
)
def test_leaving_before_the_answer_ends_the_call_upstream(
    faulty_site: LiveServer, upstream: Upstream, route: str, model: str
) -> None:
    """Also while there is nothing to write that could fail."""
    message = marker()
    with open_question(faulty_site, route, model, message):
        call = upstream.wait_for_call(message)

    assert call.left.wait(1)


def test_a_storm_of_readers_that_drop_leaves_nothing_open(
    faulty_site: LiveServer, upstream: Upstream, ask_faulty: AskFaulty
) -> None:
    """C2: each leak would be small, and the sum of them the end of the worker."""
    ask_faulty("good", STREAM)
    before = faulty_site.open_sockets()
    message = marker()

    def drop(number: int) -> None:
        connection = open_question(faulty_site, ROUTES[number % 2], "c1-silent-start", message)
        connection.close()

    with ThreadPoolExecutor(20) as pool:
        list(pool.map(drop, range(STORM)))

    wait_until_over(upstream, message)
    give_up_at = time.monotonic() + 3
    while faulty_site.open_sockets() > before + 4 and time.monotonic() < give_up_at:
        time.sleep(0.05)
    assert faulty_site.open_sockets() <= before + 4
    assert ask_faulty("good", STREAM).reply.status == 200


def wait_until_over(upstream: Upstream, message: str) -> None:
    """Return once no call about `message` has been open for a while; fail when one stays open."""
    give_up_at = time.monotonic() + 5
    quiet_since = time.monotonic()
    while time.monotonic() - quiet_since < 0.3:
        if any(not call.over.is_set() for call in upstream.calls_about(message)):
            quiet_since = time.monotonic()
        assert time.monotonic() < give_up_at, "calls upstream outlive their readers"
        time.sleep(0.01)
