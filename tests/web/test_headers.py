"""Headers on the wire, as the real server sends them."""

import json
import re

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from chatapp.config import ROOT
from tests.applications import make_app
from tests.wire.reader import Reply, get, send

PAGES = ("/", "/chat", "/service", "/api/docs", "/signin", "/signup", "/forgotten", "/reset", "/verify")
TYPED = {"require-trusted-types-for": "'script'", "trusted-types": "chatapp chatapp-widget"}
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


def rules_of(response: TestResponse) -> dict[str, str]:
    policy = response.headers["Content-Security-Policy"]
    return dict((*rule.strip().split(" ", 1), "")[:2] for rule in policy.split(";"))  # type: ignore[misc]  # two of them


@pytest.mark.parametrize("path", PAGES)
def test_a_page_may_do_only_what_it_needs(client: FlaskClient, path: str) -> None:
    """Each rule closes one way in which a slip elsewhere would become an attack."""
    shown = client.get(path)

    [nonce] = set(re.findall(r'nonce="([^"]+)"', shown.text))
    assert len(nonce) >= 22
    assert rules_of(shown) == {
        "default-src": "'none'",
        "script-src": f"'nonce-{nonce}' 'strict-dynamic'",
        "style-src": "'self'",
        "img-src": "'self' data:",
        "connect-src": "'self'",
        "font-src": "'self'",
        "manifest-src": "'self'",
        "form-action": "'self'",
        "base-uri": "'none'",
        "object-src": "'none'",
        "frame-ancestors": "'none'",
        # Swagger UI writes its own markup.
        **(TYPED if path != "/api/docs" else {}),
    }


@pytest.mark.parametrize("path", PAGES)
def test_scripts_are_named_anew_in_every_response(client: FlaskClient, path: str) -> None:
    """Who could guess the name could name a script of their own."""
    first, second = client.get(path), client.get(path)

    assert rules_of(first)["script-src"] != rules_of(second)["script-src"]
    unnamed = re.findall(r"<script(?![^>]*nonce=)(?![^>]*application/json)[^>]*>", first.text)
    assert unnamed == []


def test_every_script_of_every_template_is_named() -> None:
    """One that is not does not run, and only on its page, which may be a rare one."""
    unnamed = [
        (path.name, tag)
        for path in (ROOT / "templates").rglob("*.html")
        for tag in re.findall(r"<script[^>]*>|<link[^>]*modulepreload[^>]*>", path.read_text("utf-8"))
        if 'nonce="{{ nonce() }}"' not in tag and "application/json" not in tag
    ]

    assert unnamed == []


def test_text_becomes_markup_in_one_place_only() -> None:
    """The policy would refuse another; here it is found before a person finds it."""
    sinks = re.compile(
        r"innerHTML|outerHTML|insertAdjacentHTML|DOMParser|ContextualFragment|document\.write|srcdoc|\beval\("
    )

    found = {
        str(path.relative_to(ROOT)) for path in (ROOT / "static").rglob("*.js") if sinks.search(path.read_text("utf-8"))
    }

    assert found == {"static/js/lib/elements.js", "static/widget/widget.js"}


@pytest.mark.parametrize("path", ["/models", "/health", "/no-such-page", "/robots.txt", "/favicon.ico", "/widget.js"])
def test_what_is_no_page_is_inert_where_it_is_shown(client: FlaskClient, path: str) -> None:
    """A browser can be led to any address; text of others must not act there as this site."""
    answered = client.get(path)

    assert rules_of(answered) == {
        "default-src": "'none'",
        "base-uri": "'none'",
        "object-src": "'none'",
        "frame-ancestors": "'none'",
        "sandbox": "",
    }
    assert answered.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("path", ["/", "/chat", "/models", "/no-such-page", "/favicon.ico"])
def test_other_sites_can_neither_hold_nor_see_what_is_here(client: FlaskClient, path: str) -> None:
    """Side channels, open windows and addresses that travel in `Referer` tell more than they should."""
    headers = client.get(path).headers

    assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert headers["Referrer-Policy"] == "same-origin"
    if headers["Content-Type"].startswith("text/html"):
        assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
        assert "microphone=()" in headers["Permissions-Policy"]


@pytest.mark.parametrize("path", ["/chat", "/conversations", "/account", "/models"])
def test_what_depends_on_the_person_says_so(client: FlaskClient, path: str) -> None:
    """A cache that keeps it against the rules at least keeps it apart."""
    headers = client.get(path).headers

    assert headers["Cache-Control"] == "no-store"
    assert "Cookie" in headers["Vary"]


def test_a_site_with_tls_is_never_again_asked_without() -> None:
    """One plain request is enough for who listens; all names below are meant too."""
    told = "max-age=31536000; includeSubDomains"
    plain, secure = make_app(), make_app(base_url="https://chat.example.com")

    assert "Strict-Transport-Security" not in plain.test_client().get("/").headers
    assert plain.test_client().get("/", base_url="https://localhost").headers["Strict-Transport-Security"] == told
    for path in ("/", "/models", "/no-such-page", "/favicon.ico"):
        assert secure.test_client().get(path).headers["Strict-Transport-Security"] == told


@pytest.mark.parametrize(("method", "path"), [("GET", "/models"), ("POST", "/chat"), ("GET", "/health"), ("GET", "/")])
def test_what_changes_is_not_kept(site: str, method: str, path: str) -> None:
    """An answer in a shared cache would be read by somebody else."""
    assert reply_of(site, method, path).headers["Cache-Control"] == "no-store"


def test_a_stream_is_kept_together_by_nobody_on_its_way(site: str) -> None:
    """Proxies buffer and pack unless they are told not to."""
    headers = reply_of(site, "POST", "/chat/stream").headers

    assert headers.get_content_type() == "text/event-stream"
    assert headers["Cache-Control"] == "no-store, no-transform"
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
