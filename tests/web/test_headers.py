"""Headers on the wire, as the real server sends them."""

import json

import pytest

from tests.wire.reader import Reply, get, send

JSON = {"Content-Type": "application/json"}
HI = json.dumps({"message": "Hi"}).encode()


def reply_of(site: str, method: str, path: str) -> Reply:
    return send(site, method, path, HI if method == "POST" else None, JSON if method == "POST" else {})


ALL = [
    pytest.param("GET", "/", id="page"),
    pytest.param("GET", "/widget.js", id="widget"),
    pytest.param("GET", "/models", id="api"),
    pytest.param("POST", "/chat", id="answer"),
    pytest.param("POST", "/chat/stream", id="stream"),
    pytest.param("GET", "/no-such-page", id="missing"),
    pytest.param("DELETE", "/chat", id="method"),
    pytest.param("GET", "/favicon.ico", id="icon"),
]


@pytest.mark.parametrize(("method", "path"), ALL)
def test_every_response_carries_an_id_of_its_own(site: str, method: str, path: str) -> None:
    """With it one line is found in a log of millions."""
    ids = {reply_of(site, method, path).headers["X-Request-Id"] for _ in range(3)}

    assert len(ids) == 3
    assert all(len(each) >= 16 for each in ids)


@pytest.mark.parametrize(("method", "path"), ALL)
def test_no_response_sets_a_cookie_or_names_the_machine(site: str, method: str, path: str) -> None:
    """Nobody is followed, and nobody learns which version to attack."""
    headers = reply_of(site, method, path).headers

    assert headers["Set-Cookie"] is None
    assert headers["X-Powered-By"] is None
    assert not any(char.isdigit() for char in headers["Server"] or "")


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/"), ("GET", "/chat"), ("GET", "/service"), ("GET", "/api/docs")]
)
def test_a_page_may_do_only_what_it_needs(site: str, method: str, path: str) -> None:
    """Each rule closes one way in which a slip elsewhere would become an attack."""
    policy = reply_of(site, method, path).headers["Content-Security-Policy"]
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))

    assert rules == {
        "default-src": "'none'",
        "script-src": "'self'",
        "style-src": "'self'",
        "img-src": "'self' data:",
        "connect-src": "'self'",
        "font-src": "'self'",
        "manifest-src": "'self'",
        "form-action": "'self'",
        "base-uri": "'none'",
        "frame-ancestors": "'none'",
    }


@pytest.mark.parametrize(("method", "path"), [("GET", "/models"), ("POST", "/chat"), ("GET", "/health"), ("GET", "/")])
def test_what_changes_is_not_kept(site: str, method: str, path: str) -> None:
    """An answer in a shared cache would be read by somebody else."""
    assert reply_of(site, method, path).headers["Cache-Control"] == "no-store"


def test_a_stream_is_kept_together_by_nobody_on_its_way(site: str) -> None:
    """Proxies buffer and pack unless they are told not to."""
    headers = reply_of(site, "POST", "/chat/stream").headers

    assert headers.get_content_type() == "text/event-stream"
    assert headers["Cache-Control"] == "no-cache, no-transform"
    assert headers["X-Accel-Buffering"] == "no"
    assert headers["Content-Length"] is None


def test_an_error_is_a_page_for_people_and_a_document_for_programs(site: str) -> None:
    """A browser says which it wants."""
    page = get(site, "/no-such-page", {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"})
    document = get(site, "/no-such-page", {"Accept": "*/*"})

    assert page.status == document.status == 404
    assert page.headers.get_content_type() == "text/html"
    assert page.headers["X-Request-Id"] in page.text
    assert document.headers.get_content_type() == "application/problem+json"
    assert document.problem["request_id"] == document.headers["X-Request-Id"]
