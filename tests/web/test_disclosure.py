"""What the server tells of itself: whom to write to, and nothing else."""

import re
from datetime import UTC, datetime

import pytest
from flask import Flask
from flask.testing import FlaskClient

from chatapp.config import ROOT
from chatapp.store.account_tables import users
from chatapp.web.principals import client_address
from tests.applications import make_app
from tests.wire.reader import get, send

JSON_KINDS = ("application/json", "application/problem+json")


@pytest.mark.parametrize("method", ["TRACE", "TRACK", "CONNECT", "DEBUG", "PROPFIND", "PUT"])
def test_methods_that_nothing_needs_are_not_taken(site: str, method: str) -> None:
    """TRACE sends back the cookies that scripts must not see."""
    answered = send(site, method, "/account", None, {"Cookie": "chatapp_session=canary-in-a-cookie"})

    assert answered.status == 405
    assert "canary" not in answered.text


@pytest.mark.parametrize(
    "path",
    ["/.git/HEAD", "/.git/config", "/.env", "/instance/secret_key", "/chatapp.sqlite3", "/wsgi.py", "/static/",
     "/console", "/requirements.txt", "/static/x/../../.env", "/api/docs/files/../../../pyvenv.cfg", "/debug",
     "/server-status"],
)  # fmt: skip
def test_nothing_of_the_server_itself_is_served(client: FlaskClient, path: str) -> None:
    """Neither where it comes from nor what it keeps, nor a list of either."""
    assert client.get(path).status_code == 404


def test_text_says_how_it_is_written(client: FlaskClient) -> None:
    """Guessing it wrong turns harmless text into markup."""
    for path in ("/", "/signin", "/widget.js", "/robots.txt", "/.well-known/security.txt", "/no-such-page", "/models"):
        for accept in ("text/html", "*/*"):
            kind = client.get(path, headers={"Accept": accept}).headers["Content-Type"]
            is_text = kind.startswith("text/")
            assert kind.endswith("; charset=utf-8") if is_text else kind in JSON_KINDS, (path, kind)


@pytest.mark.parametrize("path", ["/signin", "/signup", "/reset"])
def test_a_password_is_hidden_and_may_come_from_a_manager(client: FlaskClient, path: str) -> None:
    """Who may paste takes a better one; a manager knows by the name which one is meant."""
    fields = re.findall(r"<input[^>]*type=\"password\"[^>]*>", client.get(path).text)
    known = "current-password" if path == "/signin" else "new-password"

    assert fields
    assert all(f'autocomplete="{known}"' in field and "maxlength" not in field for field in fields)
    scripts = (ROOT / "static" / "js").rglob("*.js")
    assert not [name for name in scripts if re.search(r"onpaste|[\"']paste[\"']", name.read_text("utf-8"))]


def test_a_password_does_not_expire() -> None:
    """Who has to change it every month writes it down."""
    assert [column.name for column in users.c if "password" in column.name] == ["password_hash"]


def test_no_route_changes_the_audit_log(app: Flask) -> None:
    """Who did something must not be able to undo the note of it."""
    reading = {"GET", "HEAD", "OPTIONS"}
    found = [rule for rule in app.url_map.iter_rules() if "audit" in rule.rule]

    assert found
    assert all((rule.methods or set()) <= reading for rule in found)


def test_nothing_for_developers_is_on(app: Flask) -> None:
    """A debugger in a page runs what anybody types into it."""
    assert not app.debug
    assert not app.testing
    assert app.config["PROPAGATE_EXCEPTIONS"] is None


@pytest.mark.parametrize(
    ("proxies", "forwarded", "address"),
    [
        pytest.param(0, "203.0.113.9", "127.0.0.1", id="none-trusted"),
        pytest.param(1, "203.0.113.9, 198.51.100.7", "198.51.100.7", id="the-last-of-two"),
        pytest.param(2, "192.0.2.1, 203.0.113.9, 198.51.100.7", "203.0.113.9", id="two-in-a-row"),
        pytest.param(2, "203.0.113.9", "127.0.0.1", id="fewer-than-there-are"),
        pytest.param(1, "x\x7f", "127.0.0.1", id="no-text"),
    ],
)
def test_where_somebody_is_is_told_by_trusted_proxies_only(proxies: int, forwarded: str, address: str) -> None:
    """Attempts are counted by it: whoever could choose it could go on guessing for ever."""
    app = make_app(trusted_proxies=proxies)

    with app.test_request_context(headers={"X-Forwarded-For": forwarded}, environ_base={"REMOTE_ADDR": "127.0.0.1"}):
        assert client_address() == address


def test_security_txt_says_whom_to_tell() -> None:
    """Source: RFC 9116: a contact, an end within a year, where the original is."""
    app = make_app(base_url="https://chat.example.com", contact_email="security+desk@example.com")

    answered = app.test_client().get("/.well-known/security.txt", headers={"X-Forwarded-Host": "evil.example"})

    assert answered.content_type == "text/plain; charset=utf-8"
    told = dict(line.split(": ", 1) for line in answered.text.splitlines())
    assert told["Contact"] == "mailto:security+desk@example.com"
    assert told["Canonical"] == "https://chat.example.com/.well-known/security.txt"
    left = datetime.fromisoformat(told["Expires"]) - datetime.now(UTC)
    assert 30 < left.days < 365


def test_security_txt_names_no_address_that_is_not_certain(site: str) -> None:
    """Without a configured address the one asked by may be anybody's."""
    told = get(site, "/.well-known/security.txt")

    assert told.status == 200
    assert "Canonical" not in told.text
