"""Accounts over HTTP: registering, signing in and out, what a person changes, takes along and takes away."""

from collections.abc import Iterator

import pytest
from flask import Flask
from flask.testing import FlaskClient

from chatapp.core.principals import Origin
from chatapp.errors import Unauthorized
from chatapp.services.accounts.signing_in import TRIES_AT_ALL
from chatapp.web.principals import client_address
from tests.applications import make_app
from tests.people import database_of
from tests.web.accounts import EMAIL, PASSWORD, app_with_ann, asked, code_of, registered, signed_in


@pytest.fixture(scope="module")
def app() -> Flask:
    return app_with_ann()


@pytest.fixture
def ann(app: Flask) -> FlaskClient:
    """Ann's browser."""
    client = app.test_client()
    signed_in(client)
    return client


# Registering and signing in.


def test_what_a_guest_wrote_comes_along(app: Flask) -> None:
    """At the first sign-in and at every later one; found by search, first in the list, the guest left with nothing."""
    client = app.test_client()
    first = asked(client, "Where is the old lighthouse?")
    client.post("/memory", json={"text": "I live by the sea."})
    guest = client.get_cookie("chatapp_guest")
    assert guest is not None
    registered(client, "gil@example.com")

    signed_in(client, "gil@example.com")

    assert client.get_cookie("chatapp_guest") is None
    assert client.get("/conversations").json["conversations"][0]["id"] == first
    assert client.get("/conversations?q=lighthouse").json["conversations"][0]["id"] == first
    assert [fact["text"] for fact in client.get("/memory").json["facts"]] == ["I live by the sea."]
    as_guest = app.test_client()
    as_guest.set_cookie("chatapp_guest", guest.value)
    assert as_guest.get("/conversations").json["conversations"] == []
    second = asked(as_guest, "And the new one?")
    as_guest.post("/memory", json={"text": "I sail."})
    signed_in(as_guest, "gil@example.com")
    assert [each["id"] for each in as_guest.get("/conversations").json["conversations"]] == [second, first]
    assert len(as_guest.get("/memory").json["facts"]) == 2


def test_an_address_that_has_an_account_is_answered_like_any_other(app: Flask) -> None:
    """Whoever asks learns nothing, and nothing of the account changes."""
    known = registered(app.test_client(), "Ann@Example.com", name="Somebody else")
    unknown = registered(app.test_client(), "nobody@example.com", name="Somebody else")

    assert (known.status_code, known.json) == (unknown.status_code, unknown.json) == (202, {"next": "sign_in"})
    assert signed_in(app.test_client()).json["account"]["name"] == "ann"


def test_wrong_passwords_and_unknown_addresses_are_told_alike(app: Flask) -> None:
    """With the same words and the same members."""
    answers = [
        app.test_client().post("/auth/sign-in", json={"email": email, "password": "not the password"})
        for email in (EMAIL, "unknown@example.com", "' OR 1=1 --", "{{7*7}}")
    ]

    told = [{**answer.json, "request_id": ""} for answer in answers]
    assert [code_of(answer) for answer in answers] == [(401, "wrong_credentials")] * 4
    assert all(each == told[0] for each in told)


def test_guessing_is_slowed_down_before_the_password_is_looked_at(app: Flask) -> None:
    """For an address without an account just as for one that has one; who knows the password waits as well."""
    client = app.test_client()
    for email in ("slow@example.com", "nobody-slow@example.com"):
        if email.startswith("slow"):
            registered(client, email)
        codes = [
            client.post("/auth/sign-in", json={"email": email, "password": "wrong"}).status_code for _ in range(10)
        ]
        refused = client.post("/auth/sign-in", json={"email": email, "password": PASSWORD})
        assert codes == [401] * 10
        assert code_of(refused) == (429, "too_many_attempts")
        assert 0 < int(refused.headers["Retry-After"]) <= 600


@pytest.mark.parametrize(
    ("field", "value", "code"),
    [
        ("password", "short", "weak_password"),
        ("password", "password1", "weak_password"),
        ("password", "ann.example@example.com", "weak_password"),
        ("password", "x" * 257, "weak_password"),
        ("password", "nul\0nul-harbour-lamp", "weak_password"),
        ("email", "no address", "invalid_body"),
        ("email", "a@b@c", "invalid_body"),
        ("email", "a\r\nBcc: b@example.com", "invalid_body"),
        ("email", f"{'a' * 250}@example.com", "invalid_body"),
        ("name", " ", "invalid_body"),
        ("name", "x" * 101, "invalid_body"),
        ("name", "right\u202eleft", "invalid_body"),
        ("role", "admin", "invalid_body"),
    ],
)
def test_what_cannot_be_registered_is_named(app: Flask, field: str, value: str, code: str) -> None:
    """And nothing of it is kept."""
    body = {"email": "ann.example@example.com", "password": PASSWORD, "name": "Ann", field: value}

    response = app.test_client().post("/auth/register", json=body)

    assert code_of(response) == (422, code)
    assert code == "weak_password" or f"`{field}`" in response.json["detail"]


def test_an_invitation_tells_nothing_of_an_address(app: Flask) -> None:
    """One that is not valid is refused before it is known whether the address has an account."""
    known = registered(app.test_client(), EMAIL, invitation="made up")
    unknown = registered(app.test_client(), "not-yet@example.com", invitation="made up")

    assert code_of(known) == code_of(unknown) == (400, "link_not_valid")


def test_strangers_cannot_lock_anybody_out(app: Flask) -> None:
    """Who signed in from somewhere before can do so while others guess; whoever comes from elsewhere waits."""
    email = "besieged@example.com"
    registered(app.test_client(), email)
    signed_in(app.test_client(), email)
    throttle = app.extensions["services"].accounts.throttle
    for _ in range(TRIES_AT_ALL):
        throttle.check("password", email, limit=TRIES_AT_ALL, within_s=60)

    elsewhere = app.test_client().post(
        "/auth/sign-in", json={"email": email, "password": PASSWORD}, environ_base={"REMOTE_ADDR": "192.0.2.7"}
    )

    assert code_of(elsewhere) == (429, "too_many_attempts")
    signed_in(app.test_client(), email)


@pytest.mark.parametrize(
    ("forwarded", "address"),
    [
        ("203.0.113.7:4711", "203.0.113.7"),
        ("[2001:db8::1]:443", "2001:db8::1"),
        ("[2001:db8::1]", "2001:db8::1"),
        ("198.51.100.1, 203.0.113.7:99999", "203.0.113.7"),
        ("2001:db8::1", "2001:db8::1"),
    ],
)
def test_a_port_that_a_proxy_tells_is_nobody_new(proxied_app: Flask, forwarded: str, address: str) -> None:
    """Each connection has another one: attempts would never add up."""
    with proxied_app.test_request_context(headers={"X-Forwarded-For": forwarded}):
        assert client_address() == address


@pytest.fixture(scope="module")
def proxied_app() -> Flask:
    return make_app(trusted_proxies=1)


def test_a_password_that_is_replaced_while_it_is_looked_at_opens_nothing(app: Flask) -> None:
    """Whoever sent the old one a moment too early is not signed in with it afterwards."""
    email = "quick@example.com"
    client = app.test_client()
    registered(client, email)
    signed_in(client, email)
    signing_in = app.extensions["services"].accounts.signing_in
    known = signing_in.by_password_only(email, PASSWORD, Origin())
    assert (
        client.post("/account/password", json={"password": "another-lamp-77", "current": PASSWORD}).status_code == 204
    )

    with database_of(app).write() as connection, pytest.raises(Unauthorized):
        signing_in.still(connection, known)


def test_a_long_password_with_any_signs_is_taken_as_it_is(app: Flask) -> None:
    """Spaces, other scripts, 256 characters: nothing is cut."""
    client = app.test_client()
    password = " 海の lamp ünd " + "x7 " * 80
    client.post("/auth/register", json={"email": "long@example.com", "password": password})

    cut = client.post("/auth/sign-in", json={"email": "long@example.com", "password": password[:-1]})

    assert cut.status_code == 401
    signed_in(client, "long@example.com", password)


def test_a_session_is_a_new_one_each_time_and_not_readable_by_scripts(app: Flask, ann: FlaskClient) -> None:
    """Over TLS only where there is TLS, bound to this host there."""
    plain = signed_in(app.test_client()).headers.getlist("Set-Cookie")
    secure = app.test_client().post(
        "/auth/sign-in", json={"email": EMAIL, "password": PASSWORD}, base_url="https://localhost"
    )

    [cookie] = secure.headers.getlist("Set-Cookie")
    assert cookie.startswith("__Host-chatapp_session=")
    assert {"Secure", "HttpOnly", "Path=/", "SameSite=Lax"} <= set(cookie.split("; "))
    assert "Domain" not in cookie
    assert "Secure" not in plain[0]
    assert plain[0].partition(";")[0] != cookie.partition(";")[0].removeprefix("__Host-")


def test_a_planted_session_is_not_adopted(app: Flask) -> None:
    """What somebody put into the browser before does not become the session."""
    client = app.test_client()
    client.set_cookie("chatapp_session", "planted")

    response = signed_in(client)

    assert "planted" not in response.headers["Set-Cookie"]


def test_signing_out_ends_the_session_itself(app: Flask) -> None:
    """A copy of the cookie is worth nothing afterwards; the browser is told to forget."""
    client, copy = app.test_client(), app.test_client()
    signed_in(client)
    cookie = client.get_cookie("chatapp_session")
    assert cookie is not None

    response = client.post("/auth/sign-out", json={})

    copy.set_cookie("chatapp_session", cookie.value)
    assert response.status_code == 204
    assert response.headers["Clear-Site-Data"] == '"cache"'
    assert client.get_cookie("chatapp_session") is None
    assert code_of(copy.get("/account")) == (401, "signed_out")


def test_signing_out_everywhere_leaves_no_session(app: Flask) -> None:
    """The one that asks is among them."""
    here, elsewhere = app.test_client(), app.test_client()
    registered(here, "leaving@example.com")
    signed_in(here, "leaving@example.com")
    signed_in(elsewhere, "leaving@example.com")
    copied = here.get_cookie("chatapp_session")
    assert copied is not None

    assert here.post("/auth/sign-out", json={"everywhere": True}).status_code == 204

    here.set_cookie("chatapp_session", copied.value)
    assert [code_of(client.get("/account")) for client in (here, elsewhere)] == [(401, "signed_out")] * 2


def test_after_being_signed_out_elsewhere_one_does_not_go_on_as_a_guest_unnoticed(app: Flask) -> None:
    """All requests of open pages are told; once a page is asked for, the browser is a stranger's."""
    here, elsewhere = app.test_client(), app.test_client()
    signed_in(here)
    signed_in(elsewhere)
    ended = elsewhere.delete("/account/sessions")

    told = [here.post("/chat", json={"conversation_id": "new", "message": "hi"}) for _ in range(2)]
    led = here.get("/chat", headers={"Accept": "text/html"})
    page = app.test_client().get("/settings", headers={"Accept": "text/html"})

    assert ended.json["ended"] >= 1
    assert [code_of(each) for each in told] == [(401, "signed_out")] * 2
    assert led.location == "/signin?next=/chat"
    assert here.get_cookie("chatapp_session") is None
    assert here.post("/chat", json={"conversation_id": "new", "message": "hi"}).status_code == 200
    assert page.status_code == 303
    assert page.location == "/signin?next=/settings"


def test_sessions_are_listed_and_ended_one_by_one(app: Flask) -> None:
    """With what tells them apart; somebody else's cannot be ended."""
    ann, phone = app.test_client(), app.test_client()
    signed_in(ann)
    phone.post(
        "/auth/sign-in", json={"email": EMAIL, "password": PASSWORD}, headers={"User-Agent": "Phone\x7f <b>1</b>"}
    )
    admin = app.test_client()
    signed_in(admin, "admin@example.com")

    listed = ann.get("/account/sessions").json["sessions"]
    [other] = [each for each in listed if each["agent"].startswith("Phone")]
    foreign = admin.delete(f"/account/sessions/{other['id']}")
    own = ann.delete(f"/account/sessions/{other['id']}")

    assert [each["current"] for each in listed].count(True) == 1
    assert other["agent"] == "Phone? <b>1</b>"
    assert (foreign.status_code, own.status_code) == (404, 204)
    assert code_of(phone.get("/account")) == (401, "signed_out")
    assert ann.get("/account").status_code == 200


# Who may come.


@pytest.fixture(scope="module")
def closed_app() -> Iterator[Flask]:
    return make_app(demo_pace_ms=0, access="signin")


def test_without_an_account_a_closed_site_only_shows_its_front(closed_app: Flask) -> None:
    """A program is told what it needs, a browser is led there and back."""
    client = closed_app.test_client()

    for method, path in (("POST", "/chat"), ("POST", "/chat/stream"), ("GET", "/conversations"), ("POST", "/guests")):
        assert code_of(client.open(path, method=method, json={"message": "hi"})) == (401, "sign_in_required")
    assert client.get("/").status_code == client.get("/health").status_code == 200
    led = client.get("/chat?q=a%26b", headers={"Accept": "text/html"})
    assert (led.status_code, led.location) == (303, "/signin?next=/chat?q%3Da%2526b")
    registered(client)
    signed_in(client)
    assert client.post("/chat", json={"message": "hi"}).status_code == 200


# Forms, for browsers without JavaScript.


def test_forms_sign_up_in_and_out(app: Flask) -> None:
    """Each leads on with 303; the password never comes back in a page."""
    client = app.test_client()
    form = {"email": "form@example.com", "password": PASSWORD, "name": "Form", "next": "/chat?q=x"}

    up = client.post("/auth/register", data=form)
    assert (up.status_code, up.location) == (303, "/chat?q=x")
    out = client.post("/auth/sign-out", data={"everywhere": "false"})
    assert (out.status_code, out.location) == (303, "/")
    again = client.post("/auth/sign-in", data={**form, "password": "wrong-lamp-42"})
    assert again.status_code == 401
    assert "wrong-lamp-42" not in again.text
    assert 'value="form@example.com"' in again.text
    back = client.post("/auth/sign-in", data=form)
    assert (back.status_code, back.location) == (303, "/chat?q=x")


@pytest.mark.parametrize(
    "following", ["//evil.example", "https://evil.example", "/\\evil.example", "\t//evil", "javascript:1"]
)
def test_signing_in_leads_nowhere_else(app: Flask, following: str) -> None:
    """A link to the sign-in page must not be a link to another site."""
    form = {"email": EMAIL, "password": PASSWORD, "next": following}

    assert app.test_client().post("/auth/sign-in", data=form).location == "/chat"


def test_another_site_cannot_sign_anybody_in(app: Flask) -> None:
    """Nor out, nor up: the person would go on in somebody else's account."""
    for path in ("/auth/sign-in", "/auth/sign-out", "/auth/register"):
        for headers in ({"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}, {"Origin": "null"}):
            response = app.test_client().post(path, data={"email": EMAIL, "password": PASSWORD}, headers=headers)
            assert response.status_code == 403
            assert "Set-Cookie" not in response.headers
