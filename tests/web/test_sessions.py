"""Proofs of who somebody is: what they are worth, for how long, and what is kept of them."""

import re
from datetime import UTC, datetime, timedelta

import pyotp
import pytest
from flask import Flask
from flask.testing import FlaskClient
from itsdangerous import Signer
from sqlalchemy import select

from chatapp.core.principals import Origin
from chatapp.store.account_tables import audit_events, sessions, users
from tests.applications import make_app
from tests.people import PASSWORD, database_of, id_of, join


@pytest.fixture(scope="module")
def own_app() -> Flask:
    """An application that others did not fill."""
    return make_app(demo_pace_ms=0)


def secret_in(client: FlaskClient) -> str:
    cookie = client.get_cookie("chatapp_session")
    assert cookie is not None
    return cookie.value


def shown(app: Flask, secret: str) -> int:
    """What somebody gets who comes with this session's secret."""
    thief = app.test_client()
    thief.set_cookie("chatapp_session", secret)
    return thief.get("/account").status_code


def test_a_session_gets_a_new_secret_whenever_somebody_proves_who_they_are(own_app: Flask) -> None:
    """What was copied from a browser before is worth nothing afterwards; other tabs get a moment to notice."""
    client = join(own_app, "dora@example.com")
    first = secret_in(client)

    assert client.post("/auth/confirm", json={"password": PASSWORD}).status_code == 204
    second = secret_in(client)
    assert (shown(own_app, first), shown(own_app, second)) == (200, 200)
    database = database_of(own_app)
    with database.write() as connection:
        long_ago = datetime.now(UTC) - timedelta(seconds=11)
        connection.execute(sessions.update().where(sessions.c.user_id == id_of(client)).values(confirmed_at=long_ago))
    database.close()
    assert (shown(own_app, first), shown(own_app, second)) == (401, 200)
    again = client.post("/auth/sign-in", json={"email": "dora@example.com", "password": PASSWORD})
    assert again.status_code == 200
    assert (shown(own_app, second), shown(own_app, secret_in(client))) == (401, 200)
    assert len(client.get("/account/sessions").json["sessions"]) == 1
    assert len({first, second, secret_in(client)}) == 3
    assert min(map(len, (first, second))) == 43


def test_a_session_ends_when_nobody_comes_back_and_after_half_a_year(own_app: Flask) -> None:
    """Each visit prolongs it, up to a day that does not move."""
    client = join(own_app, "edda@example.com")
    now = datetime.now(UTC)
    own = sessions.c.user_id == id_of(client)
    database = database_of(own_app)

    def change(**values: datetime) -> None:
        with database.write() as connection:
            connection.execute(sessions.update().where(own).values(**values))

    change(created_at=now - timedelta(days=179), last_seen_at=now - timedelta(days=1))
    assert client.get("/account").status_code == 200
    with database.read() as connection:
        ends_at = connection.execute(select(sessions.c.expires_at).where(own)).scalar_one()
    assert ends_at <= now + timedelta(days=1, minutes=1)
    change(expires_at=now - timedelta(seconds=1))
    assert client.get("/account").json["code"] == "signed_out"
    database.close()


def test_a_guest_of_an_earlier_version_is_known_and_signed_for_anew() -> None:
    """What SHA-1 signed goes with the next thing that the guest writes."""
    app = make_app(demo_pace_ms=0, secret_key="harbour-lamp-slate-heron-7731-quince")
    client = app.test_client()
    made = client.post("/guests", json={"credential": "token"}).json["token"]
    owner = made.partition(".")[0]
    before = Signer(b"harbour-lamp-slate-heron-7731-quince", salt="guest").sign(owner).decode()
    client.set_cookie("chatapp_guest", before)

    assert client.post("/conversations", json={"title": "Mine"}).status_code == 201

    cookie = client.get_cookie("chatapp_guest")
    assert cookie is not None
    assert (cookie.value, len(cookie.value.partition(".")[2])) == (made, 43)


def test_a_new_password_by_a_link_does_not_switch_the_second_factor_off(own_app: Flask) -> None:
    """Who reads somebody's mail has one factor, not both."""
    client = join(own_app, "finn@example.com")
    secret = client.post("/account/totp").json["secret"]
    assert client.post("/account/totp/confirm", json={"code": pyotp.TOTP(secret).now()}).status_code == 200
    link = own_app.extensions["services"].accounts.recovery.link_for(id_of(client), Origin())

    body = {"ticket": link.partition("#")[2], "password": PASSWORD + " again"}
    assert own_app.test_client().post("/auth/reset", json=body).status_code == 204
    begun = own_app.test_client().post(
        "/auth/sign-in", json={"email": "finn@example.com", "password": body["password"]}
    )

    assert begun.json["state"] == "second_factor"
    assert "Set-Cookie" not in begun.headers


def test_signing_in_is_written_down_also_when_it_fails(own_app: Flask) -> None:
    """With its method, from where, and never with what was typed."""
    client = join(own_app, "gina@example.com")
    wrong = {"email": "gina@example.com", "password": "a wrong canary"}
    unknown = {"email": "nobody.canary@example.com", "password": PASSWORD}
    for tried in (wrong, unknown):
        assert own_app.test_client().post("/auth/sign-in", json=tried).status_code == 401
    database = database_of(own_app)

    with database.read() as connection:
        written = connection.execute(select(audit_events).order_by(audit_events.c.id.desc()).limit(4)).all()
    database.close()

    failed_unknown, failed_wrong, succeeded, *_ = written
    assert (succeeded.kind, succeeded.actor_id) == ("sign_in.succeeded", id_of(client))
    assert (failed_wrong.kind, failed_wrong.subject_id) == ("sign_in.failed", id_of(client))
    assert (failed_unknown.kind, failed_unknown.subject_id) == ("sign_in.failed", None)
    assert {each.facts["method"] for each in (failed_unknown, failed_wrong, succeeded)} == {"password"}
    assert {each.address for each in written} == {"127.0.0.1"}
    assert all(each.request_id for each in written)
    assert "canary" not in str(written)


def test_passwords_are_kept_as_the_document_says(own_app: Flask) -> None:
    """A hash that takes 19 MiB and two passes for each guess."""
    join(own_app, "hal@example.com")
    database = database_of(own_app)

    with database.read() as connection:
        kept = connection.execute(select(users.c.password_hash)).scalars().all()
    database.close()

    assert all(each.startswith("$argon2id$v=19$m=19456,t=2,p=1$") for each in kept)
    assert len(set(kept)) == len(kept)


def test_the_way_out_is_never_far() -> None:
    """Also without JavaScript, for who sits at a computer that is not theirs; the chat page leads to the settings."""
    client = join(make_app(), "ida@example.com")

    for path in ("/", "/service", "/settings", "/admin", "/api/docs"):
        assert re.search(r'<form[^>]* method="post" action="/auth/sign-out"', client.get(path).text), path
    assert re.search(r'<a [^>]*href="/settings"', client.get("/chat").text)
