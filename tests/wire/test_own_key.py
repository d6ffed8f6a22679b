"""U28: a person's own key travels in a header; only one that can be sent is sent, and nobody else sees it."""

import http.client
from urllib.parse import urlsplit

import pytest

from tests.live_server import LiveServer
from tests.wire.outcome import ROUTES, AskFaulty, assert_answered
from tests.wire.reader import marker
from tests.wire.upstream import GOOD_TEXT, Upstream

pytestmark = pytest.mark.parametrize("route", ROUTES)
OWN_KEY = "sk-own-0123456789abcdef"


@pytest.mark.parametrize(
    "key",
    [
        pytest.param(b"", id="U28-empty"),
        pytest.param(b"   ", id="U28-blank"),
        pytest.param(b"sk-own a", id="U28-space"),
        pytest.param("sk-öwn".encode(), id="U28-utf8"),
        pytest.param("sk-öwn".encode("latin-1"), id="U28-latin1"),
        pytest.param(b"sk-" + b"x" * 4000, id="U28-long"),
        pytest.param(b"sk-own\ta", id="U28-tab"),
        pytest.param(b"sk-own\ra: b", id="U28-cr"),
        pytest.param(b"sk-own\n a", id="U28-lf"),
        pytest.param(b"sk-own\x00", id="U28-nul"),
    ],
)
def test_a_key_that_cannot_be_sent_is_refused_before_any_call(
    faulty_site: LiveServer, upstream: Upstream, route: str, key: bytes
) -> None:
    """T5: the client library would fail inside, or worse, send a second header of the person's choosing."""
    message = marker()
    status, body = post_raw(faulty_site, route, key, message)

    # The server in front refuses what is no header at all, before the application sees it.
    assert status == 422 or (status == 400 and any(byte in key for byte in b"\r\n\x00")), body
    assert b"sk-" not in body
    assert upstream.calls_about(message) == []


def test_an_own_key_is_sent_in_place_of_the_sites(ask_faulty: AskFaulty, faulty_site: LiveServer, route: str) -> None:
    """The person pays: the site's key must not be used, and theirs must not be kept or logged."""
    outcome = ask_faulty("good", route, headers={"X-Provider-Key": OWN_KEY})
    next_outcome = ask_faulty("good", route)

    assert_answered(outcome, GOOD_TEXT)
    assert outcome.calls[0].headers["authorization"] == f"Bearer {OWN_KEY}"
    assert OWN_KEY not in next_outcome.calls[0].headers["authorization"]
    assert OWN_KEY[3:] not in faulty_site.log()


def post_raw(site: LiveServer, route: str, key: bytes, message: str) -> tuple[int, bytes]:
    """Send the header byte by byte as given; http.client would refuse to."""
    body = b'{"model": "good", "message": "%s"}' % message.encode()
    connection = http.client.HTTPConnection(urlsplit(site.base_url).netloc, timeout=10)
    connection.connect()
    head = b"POST %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nConnection: close\r\n" % (route.encode(), site.port)
    head += b"Content-Type: application/json\r\nContent-Length: %d\r\nX-Provider-Key: %s\r\n\r\n" % (len(body), key)
    connection.sock.sendall(head + body)
    with http.client.HTTPResponse(connection.sock) as response:
        response.begin()
        content = response.read()
    connection.close()
    return response.status, content
