"""T1, T2: which pages of other sites may call the API, and that none may act as its reader."""

import re

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.conftest import StartServer
from tests.live_server import LiveServer
from tests.wire.reader import Reply, get, send

API = ("/models", "/health", "/api")
PAGES = ("/", "/chat", "/service")
ALLOWED = "https://shop.example, https://*.example.com"


@pytest.fixture(scope="module")
def listed_site(start_server: StartServer) -> LiveServer:
    """A site that only some others may call."""
    return start_server({"CORS_ORIGINS": ALLOWED, "WEB_CONCURRENCY": "1"})


def preflight(base_url: str, path: str, origin: str) -> Reply:
    wanted = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type"}
    return send(base_url, "OPTIONS", path, None, {"Origin": origin, **wanted})


@pytest.mark.parametrize("path", API)
@pytest.mark.parametrize("origin", ["https://anywhere.example", "null", "https://evil.example:8443"])
@pytest.mark.parametrize("cookie", [{}, {"Cookie": "session=x"}], ids=["plain", "cookie"])
def test_by_default_any_page_may_call_the_api_but_nobody_with_credentials(
    site: str, path: str, origin: str, cookie: dict[str, str]
) -> None:
    """T1: the star says that there is nothing personal to read; a reflected origin would say the contrary."""
    reply = get(site, path, {"Origin": origin, **cookie})

    assert reply.headers["Access-Control-Allow-Origin"] == "*"
    assert reply.headers["Access-Control-Allow-Credentials"] is None


@pytest.mark.parametrize("path", PAGES)
def test_pages_are_not_for_other_sites(site: str, path: str) -> None:
    """T1: what is made for people is not for programs of other origins."""
    reply = get(site, path, {"Origin": "https://anywhere.example"})

    assert reply.headers["Access-Control-Allow-Origin"] is None
    assert reply.headers["Access-Control-Allow-Credentials"] is None


@pytest.mark.parametrize("path", ["/chat", "/chat/stream", "/tokens"])
def test_a_foreign_page_may_post_json(site: str, path: str) -> None:
    """The widget posts JSON from other sites, which browsers ask about first."""
    reply = preflight(site, path, "https://anywhere.example")

    assert reply.status in {200, 204}
    assert reply.headers["Access-Control-Allow-Origin"] == "*"
    assert "POST" in reply.headers["Access-Control-Allow-Methods"]
    assert "content-type" in reply.headers["Access-Control-Allow-Headers"].lower()
    assert reply.headers["Access-Control-Allow-Credentials"] is None


@pytest.mark.parametrize("origin", ["https://shop.example", "https://a.example.com", "https://a.b.example.com"])
def test_a_listed_origin_is_allowed_by_name(listed_site: LiveServer, origin: str) -> None:
    """T2: a star in the list means any host below that name."""
    reply = get(listed_site.base_url, "/models", {"Origin": origin})

    assert reply.headers["Access-Control-Allow-Origin"] == origin
    assert "Origin" in reply.headers["Vary"]
    assert reply.headers["Access-Control-Allow-Credentials"] is None
    assert preflight(listed_site.base_url, "/chat/stream", origin).headers["Access-Control-Allow-Origin"] == origin


@pytest.mark.parametrize(
    "origin",
    [
        "https://aexample.com",
        "https://example.com",
        "https://a.example.com.evil.com",
        "https://a.example.com:8443",
        "https://evil.com/?https://a.example.com",
        "https://evil.com#.example.com",
        "http://a.example.com",
        "http://shop.example",
        "https://shop.example.evil.com",
        "https://shopxexample",
        "https://xshop.example",
        "null",
        "*",
        "file://",
    ],
)
def test_an_origin_that_only_looks_listed_is_refused(listed_site: LiveServer, origin: str) -> None:
    """T2: read as a pattern without ends, the list would let all of these in and the real ones out."""
    reply = get(listed_site.base_url, "/models", {"Origin": origin})

    assert reply.headers["Access-Control-Allow-Origin"] is None
    assert preflight(listed_site.base_url, "/chat", origin).headers["Access-Control-Allow-Origin"] is None


def test_what_concerns_an_account_is_for_no_other_site(app: Flask) -> None:
    """By the routes themselves: keys, tokens and sessions are managed on this site only."""
    client = app.test_client()
    private = [rule for rule in app.url_map.iter_rules() if not rule.endpoint.startswith("api.")]
    asked = {"Origin": "https://anywhere.example", "Access-Control-Request-Method": "POST"}

    for rule in private:
        path = re.sub(r"<[^>]+>", "x", rule.rule)
        allowed = client.options(path, headers=asked).headers.get("Access-Control-Allow-Origin")
        assert allowed is None or path == "/chat", path
    assert len(private) > 40


def test_a_program_on_another_page_may_show_its_token(client: FlaskClient) -> None:
    """In either header; a cookie is never asked for."""
    wanted = {
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization, x-api-key",
        "Access-Control-Request-Private-Network": "true",
    }

    headers = client.options("/chat", headers={"Origin": "https://anywhere.example", **wanted}).headers

    assert {"authorization", "x-api-key"} <= set(headers["Access-Control-Allow-Headers"].lower().split(", "))
    assert "Access-Control-Allow-Credentials" not in headers
    # Pages of the internet need a yes of its own to reach into a home's network.
    assert headers.get("Access-Control-Allow-Private-Network", "false") == "false"


def test_an_error_can_be_read_by_the_page_that_caused_it(site: str) -> None:
    """Without the header a browser tells its page nothing but `failed`."""
    headers = {"Origin": "https://anywhere.example", "Content-Type": "application/json"}

    reply = send(site, "POST", "/chat", b"{", headers)

    assert reply.status == 400
    assert reply.headers["Access-Control-Allow-Origin"] == "*"
