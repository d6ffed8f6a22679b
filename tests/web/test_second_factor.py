"""The second factor: codes of an authenticator app, and recovery codes, through HTTP."""

import secrets
import threading
import time
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pyotp
import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import update
from werkzeug.test import TestResponse

from chatapp.core.accounts import User
from chatapp.core.principals import Origin, Principal
from chatapp.errors import Unauthorized
from chatapp.services.accounts.second_factor import WRONG_CODES_A_DAY, SecondFactor
from chatapp.services.accounts.sessions import Sessions
from chatapp.services.accounts.signing_in import SigningIn
from chatapp.services.accounts.throttling import Throttle
from chatapp.services.encryption import Cipher
from chatapp.store import audit, users
from chatapp.store.account_tables import sessions
from chatapp.store.db import Database
from tests.applications import make_app
from tests.people import PASSWORD, database_of, id_of, join, with_account

KEYS = (f"first:{secrets.token_hex(32)}",)
OTHER_KEYS = (f"other:{secrets.token_hex(32)}",)


@pytest.fixture(scope="module")
def app() -> Flask:
    return make_app(site_name="Harbour chat")


class App:
    """An authenticator app that was given a secret."""

    def __init__(self, secret: str) -> None:
        self._totp = pyotp.TOTP(secret)

    def code(self, *, later: int = 0) -> str:
        """The code of this moment, or of some steps later. One of a step before could be too old when it arrives."""
        return self._totp.at(time.time(), counter_offset=later)


def turn_on(client: FlaskClient) -> tuple[App, list[str]]:
    """Set up codes; return the app that makes them and the recovery codes."""
    app = App(client.post("/account/totp").json["secret"])
    confirmed = client.post("/account/totp/confirm", json={"code": app.code()})
    assert confirmed.status_code == 200, confirmed.text
    return app, confirmed.json["recovery_codes"]


def sign_in(app: Flask, email: str) -> tuple[FlaskClient, Any]:
    """Give the password in a new browser; return it and what it is told."""
    client = app.test_client()
    return client, client.post("/auth/sign-in", json={"email": email, "password": PASSWORD}).json


def second_step(client: FlaskClient, ticket: str, code: str) -> TestResponse:
    return client.post("/auth/second-factor", json={"ticket": ticket, "code": code})


def events_about(app: Flask, client: FlaskClient) -> list[str]:
    """The kinds of the audit log's events about who is signed in, newest first."""
    database = database_of(app)
    with database.read() as connection:
        found = [each.kind for each in audit.page(connection, limit=50, person_id=id_of(client))]
    database.close()
    return found


def test_code_is_asked_for_once_the_app_has_shown_that_it_has_the_secret(app: Flask) -> None:
    """Not before: a secret that was not scanned would lock its owner out."""
    client = join(app, "ada@example.com")
    begun = client.post("/account/totp").json
    phone = App(begun["secret"])

    assert len(begun["secret"]) == 32
    assert begun["uri"].startswith("otpauth://totp/Harbour%20chat:ada%40example.com?secret=")
    assert begun["qr_svg"].startswith("data:image/svg+xml") and "style" not in begun["qr_svg"]
    for code in (phone.code(later=5), "\ud800", ""):
        wrong = client.post("/account/totp/confirm", json={"code": code})
        assert (wrong.status_code, wrong.json["code"]) == (422, "wrong_code")
    assert sign_in(app, "ada@example.com")[1]["state"] == "signed_in"

    codes = client.post("/account/totp/confirm", json={"code": phone.code()}).json["recovery_codes"]

    assert len(set(codes)) == 10
    account = client.get("/account").json
    assert (account["has_totp"], account["recovery_codes_left"]) == (True, 10)
    browser, told = sign_in(app, "ada@example.com")
    assert (told["state"], told["account"], told["methods"]) == ("second_factor", None, ["totp", "recovery_code"])
    assert browser.get("/account").status_code == 401
    assert second_step(browser, told["ticket"], phone.code(later=5)).json["code"] == "wrong_code"
    done = second_step(browser, told["ticket"], phone.code(later=1))
    assert (done.status_code, done.json["state"]) == (200, "signed_in")
    assert browser.get("/account").json["email"] == "ada@example.com"
    assert {"totp.enabled", "totp.used", "second_factor.failed"} <= set(events_about(app, client))


def test_code_and_ticket_are_good_for_one_time(app: Flask) -> None:
    """Who looks over a shoulder must not sign in with what they saw."""
    phone, _ = turn_on(join(app, "bo@example.com"))
    first, told = sign_in(app, "bo@example.com")
    code = phone.code(later=1)
    assert second_step(first, told["ticket"], code).status_code == 200

    second, again = sign_in(app, "bo@example.com")

    assert second_step(second, told["ticket"], phone.code(later=1)).json["code"] == "link_not_valid"
    assert second_step(second, again["ticket"], code).json["code"] == "wrong_code"
    assert second.get("/account").status_code == 401


def test_recovery_code_is_good_for_one_time_however_it_is_written(app: Flask) -> None:
    """People copy them from paper."""
    client = join(app, "cy@example.com")
    _, codes = turn_on(client)
    browser, told = sign_in(app, "cy@example.com")

    written = f" {codes[0].upper().replace('-', ' ').replace('0', 'O').replace('1', 'l')}\n"
    assert second_step(browser, told["ticket"], written).status_code == 200

    assert client.get("/account").json["recovery_codes_left"] == 9
    browser, told = sign_in(app, "cy@example.com")
    assert second_step(browser, told["ticket"], codes[0]).json["code"] == "wrong_code"
    renewed = client.post("/account/recovery-codes").json["recovery_codes"]
    assert second_step(browser, told["ticket"], codes[1]).json["code"] == "wrong_code"
    assert second_step(browser, told["ticket"], renewed[1]).status_code == 200
    assert {"recovery_code.used", "recovery_code.renewed"} <= set(events_about(app, client))


def test_wrong_codes_are_few(app: Flask) -> None:
    """A million codes are soon tried; five in five minutes are not, whatever the ticket."""
    phone, codes = turn_on(join(app, "dee@example.com"))
    browser, told = sign_in(app, "dee@example.com")
    tries = ("", "123", "１２３４５６", "' OR 1=1 --", "\ud800" * 5000, codes[0])
    answers = [second_step(browser, told["ticket"], wrong) for wrong in tries]

    assert [each.status_code for each in answers] == [401] * 5 + [429]
    assert int(answers[-1].headers["Retry-After"]) > 200
    browser, told = sign_in(app, "dee@example.com")
    assert second_step(browser, told["ticket"], phone.code(later=1)).json["code"] == "too_many_attempts"
    assert browser.get("/account").status_code == 401


def test_wrong_codes_are_few_in_the_long_run(app: Flask) -> None:
    """Five in five minutes, kept up for months, would find one in the end."""
    client = join(app, "flo@example.com")
    phone, _ = turn_on(client)
    database = database_of(app)
    throttle = Throttle(database)
    for _ in range(WRONG_CODES_A_DAY):
        throttle.check("second_factor.day", str(id_of(client)), limit=WRONG_CODES_A_DAY, within_s=60)
    database.close()
    browser, told = sign_in(app, "flo@example.com")

    assert second_step(browser, told["ticket"], phone.code(later=1)).json["code"] == "too_many_attempts"


def test_turning_off_needs_a_fresh_proof(app: Flask) -> None:
    """A browser left open must not be enough to take an account over; a code is such a proof too."""
    client = join(app, "ed@example.com")
    phone, _ = turn_on(client)
    long_ago = datetime.now(UTC) - timedelta(hours=1)
    with_account(
        app,
        "ed@example.com",
        lambda connection, user_id: connection.execute(
            update(sessions).where(sessions.c.user_id == user_id).values(confirmed_at=long_ago)
        ),
    )
    for method, path in (
        ("POST", "/account/totp"),
        ("POST", "/account/totp/confirm"),
        ("POST", "/account/recovery-codes"),
        ("DELETE", "/account/totp"),
    ):
        assert client.open(path, method=method).json["code"] == "confirmation_needed"

    assert client.post("/auth/confirm", json={"code": phone.code(later=1)}).status_code == 204
    assert client.post("/account/totp").json["code"] == "totp_enabled"
    assert client.delete("/account/totp").status_code == 204

    assert client.delete("/account/totp").status_code == 404
    assert client.post("/account/recovery-codes").json["code"] == "totp_off"
    assert client.post("/account/totp/confirm", json={"code": "123456"}).json["code"] == "totp_not_begun"
    assert client.post("/auth/confirm", json={"code": phone.code(later=2)}).json["code"] == "wrong_code"
    account = client.get("/account").json
    assert (account["has_totp"], account["recovery_codes_left"]) == (False, 0)
    assert sign_in(app, "ed@example.com")[1]["state"] == "signed_in"
    assert "totp.disabled" in events_about(app, client)


def test_secret_that_cannot_be_read_lets_nobody_in_and_is_kept(tmp_path: Path) -> None:
    """With a wrong encryption key the server says so; a recovery code still works, and the right key mends it."""
    app = make_app(data_dir=tmp_path, encryption_keys=KEYS)
    client = join(app, "fay@example.com")
    phone, codes = turn_on(client)
    strange = make_app(data_dir=tmp_path, encryption_keys=OTHER_KEYS)
    browser, told = sign_in(strange, "fay@example.com")

    unreadable = second_step(browser, told["ticket"], phone.code(later=1))

    assert (unreadable.status_code, unreadable.json["code"]) == (503, "second_factor_unreadable")
    assert browser.get("/account").status_code == 401
    assert second_step(browser, told["ticket"], codes[0]).status_code == 200
    assert browser.get("/account").json["has_totp"] is True
    mended, told = sign_in(app, "fay@example.com")
    assert second_step(mended, told["ticket"], phone.code(later=1)).status_code == 200


def test_only_one_of_many_uses_of_a_code_wins(database: Database) -> None:
    """Two workers that look at the same moment must not both say yes."""
    sessions_of, throttle = Sessions(database), Throttle(database)
    signing_in = SigningIn(database, sessions_of, throttle, needs_confirmation=False)
    service = SecondFactor(database, Cipher({"a": secrets.token_bytes(32)}), throttle, signing_in, site_name="chat")
    principal = Principal(owner_id=uuid4(), kind="user")
    with database.write() as connection:
        user = users.add(
            connection,
            user_id=principal.owner_id,
            email="gus@example.com",
            name="Gus",
            role="user",
            password_hash=None,
            confirmed_at=None,
        )
    assert user is not None
    phone = App(service.begin(principal).secret)
    codes = service.confirm(principal, phone.code(), Origin())

    assert uses_that_won(service, user, phone.code(later=1)) == 1
    throttle.forget("second_factor", str(user.id))
    assert uses_that_won(service, user, codes[0]) == 1


def uses_that_won(service: SecondFactor, user: User, code: str) -> int:
    """How many of four uses of a code at once were taken."""
    barrier = threading.Barrier(4)
    won: list[str] = []

    def use() -> None:
        barrier.wait()
        with suppress(Unauthorized):
            won.append(service.verify(user, code, Origin()))

    threads = [threading.Thread(target=use) for _ in range(barrier.parties)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return len(won)
