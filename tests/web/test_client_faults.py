"""C5, C8, C9, T16: requests that are broken below the level of JSON."""

import gzip
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.live_server import LiveServer
from tests.web.raw import connection_to, exchange, problem_in, read_response, request_bytes
from tests.wire.reader import get, send

JSON_TYPE = b"Content-Type: application/json"
BODY_LIMIT_BYTES = 1_000_000
BODY_LIMIT_S = 2  # as set for `faulty_site`
ROUTES = (b"/chat", b"/chat/stream")


@pytest.mark.parametrize("route", ROUTES)
def test_a_body_said_to_be_too_long_is_refused_before_it_is_sent(site: str, route: bytes) -> None:
    """C5-early: nobody should have to upload a gigabyte to hear that it is too much."""
    request = request_bytes(b"POST", route, JSON_TYPE, b"Content-Length: 1000000000")

    status, headers, body = exchange(site, request)

    assert status == 413
    assert problem_in(headers, body)["code"] == "payload_too_large"


@pytest.mark.parametrize("route", ROUTES)
def test_a_body_without_length_is_counted_as_it_comes(site: str, route: bytes) -> None:
    """C5-chunked: without a length the limit still holds."""
    chunk = b"8000\r\n" + b"x" * 0x8000 + b"\r\n"
    body = chunk * (BODY_LIMIT_BYTES // 0x8000 + 2) + b"0\r\n\r\n"

    status, headers, content = exchange(
        site, request_bytes(b"POST", route, JSON_TYPE, b"Transfer-Encoding: chunked", body=body)
    )

    assert status == 413
    assert problem_in(headers, content)["code"] == "payload_too_large"


@pytest.mark.parametrize("content_type", [b"application/x-www-form-urlencoded", b"multipart/form-data; boundary=x"])
@pytest.mark.parametrize(
    ("body", "statuses"),
    [
        pytest.param((b"8000\r\n" + b"x" * 0x8000 + b"\r\n") * 40 + b"0\r\n\r\n", {413}, id="C5-form-too-long"),
        pytest.param(b"zz\r\n", {400, 422}, id="C5-form-broken-chunk"),
    ],
)
def test_the_same_holds_for_the_pages_form(site: str, content_type: bytes, body: bytes, statuses: set[int]) -> None:
    """The page works without JavaScript, by a form that anybody else can post as well."""
    headers = (b"Content-Type: " + content_type, b"Transfer-Encoding: chunked")

    status, _, _ = exchange(site, request_bytes(b"POST", b"/chat", *headers, body=body))

    assert status in statuses


def test_a_small_body_without_length_is_taken(site: str) -> None:
    """Chunked bodies are what `fetch` and curl send from a pipe."""
    body = b'9\r\n{"message\r\n7\r\n":"Hi"}\r\n0\r\n\r\n'

    status, _, _ = exchange(site, request_bytes(b"POST", b"/chat", JSON_TYPE, b"Transfer-Encoding: chunked", body=body))

    assert status == 200


@pytest.mark.parametrize("body", [b"zz\r\n", b"-5\r\nhello\r\n0\r\n\r\n", b"ffffffffffffffffff\r\n"])
def test_a_broken_chunk_is_a_bad_request(faulty_site: LiveServer, body: bytes) -> None:
    """C5: nonsense where a length should stand must not end as our own fault."""
    request = request_bytes(b"POST", b"/chat", JSON_TYPE, b"Transfer-Encoding: chunked", body=body)

    status, headers, content = exchange(faulty_site.base_url, request)

    assert status in {400, 408, 413}
    assert problem_in(headers, content)["code"] in {
        "bad_request",
        "invalid_json",
        "request_timeout",
        "payload_too_large",
    }


def test_a_length_shorter_than_the_body_cuts_the_body(site: str) -> None:
    """C5-lie: the rest is the next request's affair, never part of this one."""
    request = request_bytes(b"POST", b"/chat", JSON_TYPE, b"Content-Length: 10", body=b'{"message": "Hi"}')

    status, headers, body = exchange(site, request)

    assert status == 400
    assert problem_in(headers, body)["code"] == "invalid_json"


def test_a_body_that_stops_early_harms_nobody(site_server: LiveServer) -> None:
    """C5-lie: the client promised more than it sent, then left."""
    with connection_to(site_server.base_url) as connection:
        connection.sendall(request_bytes(b"POST", b"/chat", JSON_TYPE, b"Content-Length: 100", body=b'{"message"'))

    assert get(site_server.base_url, "/health").status == 200


@pytest.mark.parametrize("route", ["/chat", "/chat/stream", "/tokens"])
def test_a_packed_body_is_not_unpacked(site: str, route: str) -> None:
    """C5-gzip: a thousand times its size may be in it."""
    headers = {"Content-Type": "application/json", "Content-Encoding": "gzip"}

    reply = send(site, "POST", route, gzip.compress(b'{"message": "Hi"}'), headers)

    assert (reply.status, reply.problem["code"]) == (415, "unsupported_media_type")


@pytest.mark.parametrize(
    ("request_line_and_headers", "status"),
    [
        pytest.param((b"GET", b"/health", *[b"X-%d: y" % n for n in range(200)]), 431, id="C8-200-headers"),
        pytest.param((b"GET", b"/health", b"X-Long: " + b"y" * 20_000), 431, id="C8-long-header"),
        pytest.param((b"GET", b"/" + b"x" * 10_000), 414, id="C8-long-url"),
        pytest.param(
            (b"POST", b"/chat", JSON_TYPE, b"Content-Length: 5", b"Transfer-Encoding: chunked"), 400, id="C8-cl-te"
        ),
        pytest.param(
            (b"POST", b"/chat", JSON_TYPE, b"Content-Length: 5", b"Content-Length: 6"), 400, id="C8-two-lengths"
        ),
        pytest.param((b"POST", b"/chat", JSON_TYPE, b"Content-Length: -5"), 400, id="C8-negative-length"),
        pytest.param((b"GET", b"/health", b"Bad Name: x"), 400, id="C8-header-name"),
        pytest.param((b"GET", b"/health", b"X: a\x00b"), 400, id="C8-nul"),
        pytest.param((b"POST", b"/chat", JSON_TYPE, b"Transfer-Encoding: knots"), 501, id="C8-coding"),
    ],
)
def test_requests_that_no_server_should_take_are_refused(
    site: str, request_line_and_headers: tuple[bytes, ...], status: int
) -> None:
    """T16: an ambiguous request is how one client's bytes become another's request."""
    method, target, *headers = request_line_and_headers

    said, response_headers, body = exchange(site, request_bytes(method, target, *headers))

    assert said == status
    assert problem_in(response_headers, body)["status"] == status


def test_what_cannot_be_read_is_not_logged(site_server: LiveServer) -> None:
    """A credential that is one character away from its header would stand in the log."""
    key = b"sk-canary-9041"

    status, headers, _ = exchange(
        site_server.base_url, request_bytes(b"GET", b"/health", b"Authorization : Bearer " + key)
    )

    log = site_server.log()
    assert status == 400
    assert key.decode() not in log
    assert f'"event":"request.unreadable","logger":"chatapp.server","request_id":"{headers["X-Request-Id"]}"' in log


@pytest.mark.parametrize("method", [b"BREW", b"PUT", b"DELETE", b"PATCH", b"TRACE", b"CONNECT"])
@pytest.mark.parametrize("target", [b"/chat/stream", b"/health", b"/models"])
def test_a_method_that_a_route_does_not_have_is_named(site: str, method: bytes, target: bytes) -> None:
    """C8-method: with the methods that it does have."""
    status, headers, body = exchange(site, request_bytes(method, target))

    assert status == 405
    assert headers["Allow"]
    assert problem_in(headers, body)["code"] == "method_not_allowed"


@pytest.mark.parametrize("target", [b"/no-such-page", b"/CHAT", b"/chat/../health", b"/static/%2e%2e/wsgi.py"])
def test_a_path_that_nobody_serves_is_not_found(site: str, target: bytes) -> None:
    """Spelled otherwise, a path is another path: no second way in."""
    status, headers, body = exchange(site, request_bytes(b"GET", target, b"Accept: application/json"))

    assert status == 404
    assert problem_in(headers, body)["code"] == "not_found"


@pytest.mark.parametrize(
    ("host", "status"),
    [
        pytest.param(b"evil.example", 421, id="C8-foreign-host"),
        pytest.param(b"127.0.0.1.evil.example", 421, id="C8-lookalike-host"),
        pytest.param(b"127.0.0.1@evil.example", 400, id="C8-user-in-host"),
        pytest.param(b"", 400, id="C8-empty-host"),
    ],
)
def test_a_request_for_another_host_is_not_answered(site: str, host: bytes, status: int) -> None:
    """T16: a page of a foreign name that points at our address must not read us (DNS rebinding)."""
    got, headers, body = exchange(site, request_bytes(b"GET", b"/health", host=host))

    assert got in {status, 400, 421}
    assert problem_in(headers, body)["code"] in {"misdirected_request", "bad_request"}


def test_a_request_without_a_host_is_bad(site: str) -> None:
    """T16: HTTP/1.1 demands one, and the server in front does not."""
    status, headers, body = exchange(site, b"GET /health HTTP/1.1\r\n\r\n")

    assert status == 400
    assert problem_in(headers, body)["code"] == "bad_request"


@pytest.mark.parametrize(
    "target", [b"//evil.example", b"//evil.example/%2e%2e", b"/%5cevil.example", b"///evil.example/"]
)
def test_no_path_leads_to_another_host(site: str, target: bytes) -> None:
    """A redirect that tidies up slashes is a link to anywhere."""
    status, headers, _ = exchange(site, request_bytes(b"GET", target))

    assert status == 404
    assert headers["Location"] is None


@pytest.mark.parametrize("name", [b"X-Forwarded-Host", b"X-Host", b"Forwarded"])
def test_a_forwarded_host_changes_no_link(site: str, name: bytes) -> None:
    """Links built from a header of the client's choosing lead where the client chooses."""
    value = b"host=evil.example" if name == b"Forwarded" else b"evil.example"

    for target in (b"/", b"/service", b"/api", b"/api/openapi.json"):
        _, headers, body = exchange(site, request_bytes(b"GET", target, name + b": " + value))
        assert b"evil.example" not in body
        assert "evil.example" not in str(headers)


@pytest.mark.parametrize("method", [b"BREW", b"PUT"])
def test_refusals_never_hand_a_second_request_to_the_next_reader(site: str, method: bytes) -> None:
    """C8: the unread body of a refused request must not be taken for a request."""
    inner = request_bytes(b"GET", b"/api")
    request = request_bytes(method, b"/chat/stream", b"Content-Length: %d" % len(inner), body=inner)

    with connection_to(site) as connection:
        connection.sendall(request + request_bytes(b"GET", b"/health", b"Connection: close"))
        received = b"".join(iter(lambda: connection.recv(65536), b""))

    first, *others = received.split(b"HTTP/1.1 ")[1:]
    assert first.startswith(b"405")
    assert len(others) <= 1
    assert b'"endpoints"' not in received


@pytest.mark.parametrize("route", ROUTES)
def test_a_body_that_drips_is_given_up(faulty_site: LiveServer, route: bytes) -> None:
    """C9: byte by byte no pause is long, so the whole body has a limit."""
    with connection_to(faulty_site.base_url) as connection:
        connection.sendall(request_bytes(b"POST", route, JSON_TYPE, b"Content-Length: 1000", body=b'{"message": "'))
        started = time.monotonic()
        connection.settimeout(0.2)
        while time.monotonic() - started < BODY_LIMIT_S + 2:
            try:
                connection.sendall(b"x")
                if connection.recv(1, 2):  # MSG_PEEK
                    break
            except TimeoutError:
                continue
        connection.settimeout(5)
        waited_s = time.monotonic() - started
        status, headers, body = read_response(connection)

    assert status == 408
    assert problem_in(headers, body)["code"] == "request_timeout"
    assert BODY_LIMIT_S - 0.5 < waited_s < BODY_LIMIT_S + 1.5


def test_half_open_requests_hold_nobody_up(faulty_site: LiveServer) -> None:
    """C9: a hundred connections that never finish their request cost the others nothing."""
    half = b"POST /chat HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: 50\r\n\r\n{"
    connections = [connection_to(faulty_site.base_url) for _ in range(100)]
    opened = [connection.__enter__() for connection in connections]
    for number, connection in enumerate(opened):
        connection.sendall(half[: len(half) if number % 2 else 40])

    with ThreadPoolExecutor(8) as pool:
        replies = list(pool.map(lambda _: get(faulty_site.base_url, "/health"), range(16)))

    for connection in opened:
        connection.close()
    assert {reply.status for reply in replies} == {200}
    assert max(reply.elapsed_s for reply in replies) < 1


def test_one_connection_carries_one_answer_after_another(site: str) -> None:
    """Watching a reader for leaving must not eat the bytes of their next request."""
    body = b'{"message": "Hi"}'
    request = request_bytes(b"POST", b"/chat/stream", JSON_TYPE, b"Content-Length: %d" % len(body), body=body)

    with connection_to(site) as connection:
        for _ in range(3):
            connection.sendall(request)
            status, _, content = read_response(connection)
            assert status == 200
            assert content.count(b"event: done") == 1


def test_a_reader_of_the_old_protocol_gets_the_stream_too(site: str) -> None:
    """HTTP/1.0 knows no chunks: the end of the connection is the end of the answer."""
    body = b'{"message": "Hi"}'
    head = (
        b"POST /chat/stream HTTP/1.0\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
    )

    with connection_to(site) as connection:
        connection.sendall(head % len(body) + body)
        received = b"".join(iter(lambda: connection.recv(65536), b""))

    assert b"200 OK" in received.partition(b"\r\n")[0]
    assert b"chunked" not in received
    assert received.count(b"event: done") == 1
