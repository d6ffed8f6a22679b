"""Passkeys: made in the settings, used instead of a password, and everything a lying device could send."""

import json
from copy import copy
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import insert, select, update
from werkzeug.test import TestResponse

from chatapp.services.accounts.passkeys import MOST_PASSKEYS
from chatapp.store import audit
from chatapp.store.account_tables import identities, passkeys, sessions, tickets, users
from tests.applications import make_app
from tests.people import database_of, id_of, join, with_account
from tests.web.authenticator import PRESENT, Authenticator, from_base64, to_base64

ORIGIN = "http://localhost"
LONG_AGO = datetime.now(UTC) - timedelta(hours=1)


@pytest.fixture(scope="module")
def app() -> Flask:
    return make_app()


@pytest.fixture(scope="module")
def ada(app: Flask) -> FlaskClient:
    """Somebody with an account, signed in."""
    return join(app, "ada@example.com")


@pytest.fixture(scope="module")
def key(ada: FlaskClient) -> Authenticator:
    """Her passkey."""
    device = Authenticator(ORIGIN)
    assert add(ada, device).status_code == 201
    return device


def add(client: FlaskClient, device: Authenticator, name: str = "Phone") -> TestResponse:
    """Make a passkey and have the account keep it."""
    offered = client.post("/account/passkeys/options").json
    return client.post(
        "/account/passkeys",
        json={"ticket": offered["ticket"], "credential": device.create(offered["options"]), "name": name},
    )


def used(client: FlaskClient, device: Authenticator) -> dict[str, Any]:
    """Have the device sign a fresh challenge; what the page then sends."""
    asked = client.post("/auth/passkey/options", json={}).json
    return {"ticket": asked["ticket"], "credential": device.use(asked["options"])}


def events(app: Flask, kind: str) -> list[dict[str, Any]]:
    """The facts of the audit log's events of a kind, newest first."""
    database = database_of(app)
    with database.read() as connection:
        found = [each.facts for each in audit.page(connection, limit=50, kind=kind)]
    database.close()
    return found


def change(app: Flask, table: Any, **values: Any) -> None:
    """Change all rows of a table."""
    database = database_of(app)
    with database.write() as connection:
        connection.execute(update(table).values(**values))
    database.close()


def test_passkey_is_made_and_signs_in_by_itself(app: Flask, ada: FlaskClient) -> None:
    """Without a name, a password or, since it proves two things at once, a code."""
    device = Authenticator(ORIGIN)
    offered = ada.post("/account/passkeys/options").json["options"]
    assert (offered["rp"], offered["user"]["name"]) == ({"id": "localhost", "name": "chatapp"}, "ada@example.com")
    assert offered["authenticatorSelection"]["userVerification"] == "required"
    assert offered["authenticatorSelection"]["residentKey"] == "required"
    made = add(ada, device, "  My\tphone ").json
    assert (made["name"], made["last_used_at"]) == ("My phone", None)
    again = ada.post("/account/passkeys/options").json["options"]["excludeCredentials"]
    assert to_base64(device.credential_id) in [each["id"] for each in again]
    with_account(app, "ada@example.com", lambda connection, _: connection.execute(totp_on()))

    browser = app.test_client()
    signed_in = browser.post("/auth/passkey", json=used(browser, device))

    with_account(app, "ada@example.com", lambda connection, _: connection.execute(totp_on(at=None)))
    assert (signed_in.status_code, signed_in.json["state"]) == (200, "signed_in")
    assert browser.get("/account").json["email"] == "ada@example.com"
    listed = {each["id"]: each for each in ada.get("/account/passkeys").json["passkeys"]}
    assert listed[made["id"]]["last_used_at"] is not None
    assert events(app, "passkey.added")[0] == {"passkey_id": made["id"]}
    assert events(app, "sign_in.succeeded")[0] == {"method": "passkey"}


def totp_on(*, at: datetime | None = LONG_AGO) -> Any:
    return update(users).values(totp_secret=b"sealed", totp_confirmed_at=at)


def test_options_tell_nothing_of_anybody(ada: FlaskClient, app: Flask) -> None:
    """Who asks for a passkey does not learn whether somebody has one."""
    hers, strangers = ada.post("/auth/passkey/options", json={}).json, app.test_client().post("/auth/passkey/options")

    assert {**hers["options"], "challenge": ""} == {**strangers.json["options"], "challenge": ""}
    assert len(from_base64(hers["options"]["challenge"])) == 32
    assert hers["options"] == {
        "challenge": hers["options"]["challenge"],
        "timeout": 300_000,
        "rpId": "localhost",
        "allowCredentials": [],
        "userVerification": "required",
    }


@pytest.mark.parametrize(
    ("lie", "reason"),
    [
        pytest.param({"origin": "https://evil.example"}, "origin", id="another site"),
        pytest.param({"origin": "http://localhost:81"}, "origin", id="another port"),
        pytest.param({"rp_id": "evil.example"}, "RP ID", id="a key for another site"),
        pytest.param({"flags": PRESENT}, "verification", id="nobody verified"),
        pytest.param({"credential_id": b"unknown"}, "not known", id="an unknown key"),
        pytest.param({"user_handle": uuid4().bytes}, "another account", id="somebody else's name"),
        pytest.param({"count": 1}, "count went back", id="a copy that counts by itself"),
        pytest.param({"count": 0}, "count went back", id="a copy that does not count"),
    ],
)
def test_lie_is_refused_and_told(app: Flask, key: Authenticator, lie: dict[str, Any], reason: str) -> None:
    """All in the same words; what was wrong stands in the audit log."""
    assert app.test_client().post("/auth/passkey", json=used(app.test_client(), key)).status_code == 200
    browser, liar = app.test_client(), copy(key)
    for name, value in lie.items():
        setattr(liar, name, value)

    refused = browser.post("/auth/passkey", json=used(browser, liar))

    assert (refused.status_code, refused.json["code"]) == (401, "passkey_refused")
    assert refused.json["detail"] == "This passkey was not accepted. Try again, or sign in another way."
    assert browser.get("/account").status_code == 401
    assert reason in events(app, "passkey.refused")[0]["reason"]


def test_challenge_is_good_for_one_time_one_purpose_and_a_while(app: Flask, ada: FlaskClient) -> None:
    """A recorded answer is worth nothing."""
    device, browser = Authenticator(ORIGIN), app.test_client()
    offered = ada.post("/account/passkeys/options").json
    made = {"ticket": offered["ticket"], "credential": device.create(offered["options"]), "name": "Key"}
    other = join(app, "bo@example.com")
    assert other.post("/account/passkeys", json=made).status_code == 422
    assert ada.post("/account/passkeys", json=made).json["code"] == "link_not_valid"
    assert add(ada, device).status_code == 201
    sent = used(browser, device)

    assert browser.post("/auth/passkey", json=sent).status_code == 200

    assert browser.post("/auth/passkey", json=sent).json["code"] == "link_not_valid"
    fresh = used(browser, device)["ticket"]
    assert browser.post("/auth/passkey", json={**sent, "ticket": fresh}).json["code"] == "passkey_refused"
    assert browser.post("/auth/passkey", json={**sent, "ticket": fresh}).json["code"] == "link_not_valid"
    offered = ada.post("/account/passkeys/options").json
    assert browser.post("/auth/passkey", json={**sent, "ticket": offered["ticket"]}).json["code"] == "link_not_valid"
    late = used(browser, device)
    change(app, tickets, expires_at=LONG_AGO)
    assert browser.post("/auth/passkey", json=late).json["code"] == "link_not_valid"


def test_device_that_does_not_count_is_taken_at_its_word(app: Flask, ada: FlaskClient) -> None:
    """Keys that are kept on several devices at once say 0 each time."""
    device, browser = Authenticator(ORIGIN, count=0), app.test_client()
    assert add(ada, device).status_code == 201

    assert [browser.post("/auth/passkey", json=used(browser, device)).status_code for _ in range(2)] == [200, 200]


def test_odd_credentials_are_refused(app: Flask, ada: FlaskClient, key: Authenticator) -> None:
    """Each piece, broken in each way: an answer, never a crash, and nobody is signed in."""
    browser = app.test_client()
    good = used(browser, key)["credential"]
    pieces = {name: from_base64(value) for name, value in good["response"].items()}
    odd = [None, 5, [], {}, "", "\ud800", "%%%%", "A" * 20_001]
    odd += [to_base64(each) for each in (b"\0", b"\xff" * 100, b"[" * 5000, b"\xa1\x00" * 2000)]
    broken = [{**good, "response": {**good["response"], name: value}} for name in pieces for value in odd]
    broken += [{**good, name: value} for name in ("id", "rawId", "type", "response") for value in odd]
    client_data = json.loads(pieces["clientDataJSON"])
    for name in client_data:
        changed = to_base64(json.dumps({**client_data, name: [name]}).encode())
        broken.append({**good, "response": {**good["response"], "clientDataJSON": changed}})
    ticket = browser.post("/auth/passkey/options", json={}).json["ticket"]

    statuses = set()
    for credential in broken:
        answered = browser.post("/auth/passkey", json={"ticket": ticket, "credential": credential})
        statuses.add(answered.status_code)
        if answered.json["code"] == "passkey_refused":
            ticket = browser.post("/auth/passkey/options", json={}).json["ticket"]

    assert statuses == {401, 422}
    assert browser.get("/account").status_code == 401
    for attestation in (b"", b"\xff" * 300, b"\xa1\x00" * 2000):
        offered = ada.post("/account/passkeys/options").json
        credential = Authenticator(ORIGIN).create(offered["options"])
        credential["response"]["attestationObject"] = to_base64(attestation)
        body = {"ticket": offered["ticket"], "credential": credential, "name": "Key"}
        assert ada.post("/account/passkeys", json=body).json["code"] == "invalid_body"


def test_passkeys_are_named_counted_and_ones_own(app: Flask) -> None:
    """At most twenty, each known to one account."""
    cy, dee = join(app, "cy@example.com"), join(app, "dee@example.com")
    device = Authenticator(ORIGIN)
    first = add(cy, device).json["id"]
    assert add(dee, device).json["code"] == "passkey_known"
    for body in ({"name": ""}, {"name": "x" * 101}, {"name": "a\u202eb"}, {"name": 5}):
        assert cy.patch(f"/account/passkeys/{first}", json=body).status_code == 422
    assert cy.patch(f"/account/passkeys/{first}", json={"name": "<b>Key</b>"}).json["name"] == "<b>Key</b>"
    for path in (f"/account/passkeys/{first}", f"/account/passkeys/{uuid4()}", "/account/passkeys/1"):
        assert dee.patch(path, json={"name": "Mine"}).status_code == 404
        assert dee.delete(path).status_code == 404

    in_time = cy.post("/account/passkeys/options").json
    made = {"ticket": in_time["ticket"], "credential": Authenticator(ORIGIN).create(in_time["options"]), "name": "K"}
    copies = [{"id": uuid4(), "credential_id": uuid4().bytes} for _ in range(MOST_PASSKEYS - 1)]
    database = database_of(app)
    with database.write() as connection:
        row = connection.execute(select(passkeys).where(passkeys.c.name == "<b>Key</b>")).one()._asdict()
        connection.execute(insert(passkeys), [{**row, **copy} for copy in copies])
    database.close()

    assert cy.post("/account/passkeys/options").json["code"] == "too_many_passkeys"
    assert cy.post("/account/passkeys", json=made).json["code"] == "too_many_passkeys"
    assert cy.get("/account").json["passkeys"] == MOST_PASSKEYS
    assert cy.delete(f"/account/passkeys/{first}").status_code == 204
    assert first not in [each["id"] for each in cy.get("/account/passkeys").json["passkeys"]]


def test_account_is_never_left_without_a_way_in(app: Flask) -> None:
    """The last passkey stays where there is neither a password nor another provider."""
    ed, address = join(app, "ed@example.com"), "ed@example.com"
    made = add(ed, Authenticator(ORIGIN)).json["id"]
    with_account(
        app,
        address,
        lambda connection, user_id: connection.execute(
            update(users).where(users.c.id == user_id).values(password_hash=None)
        ),
    )

    assert ed.delete(f"/account/passkeys/{made}").json["code"] == "last_credential"

    with_account(
        app,
        address,
        lambda connection, user_id: connection.execute(
            insert(identities).values(
                issuer="https://id.example.com", subject="1", user_id=user_id, created_at=LONG_AGO
            )
        ),
    )
    assert ed.delete(f"/account/passkeys/{made}").status_code == 204


def test_passkey_is_a_fresh_proof(app: Flask, ada: FlaskClient, key: Authenticator) -> None:
    """For what could take the account away; only the person's own will do."""
    fay = join(app, "fay@example.com")
    change(app, sessions, confirmed_at=LONG_AGO)
    me = id_of(ada)
    for method, path in (
        ("POST", "/account/passkeys/options"),
        ("POST", "/account/passkeys"),
        ("PATCH", f"/account/passkeys/{me}"),
        ("DELETE", f"/account/passkeys/{me}"),
    ):
        assert ada.open(path, method=method).json["code"] == "confirmation_needed"

    assert fay.post("/auth/confirm/passkey", json=used(fay, key)).json["code"] == "passkey_refused"
    assert fay.post("/account/passkeys/options").json["code"] == "confirmation_needed"
    assert ada.post("/auth/confirm/passkey", json=used(ada, key)).status_code == 204
    assert ada.post("/account/passkeys/options").status_code == 200


def test_site_is_named_by_its_base_url(app: Flask) -> None:
    """Behind a proxy the request's own host may be anything; without a name there are no passkeys."""
    elsewhere = make_app(base_url="https://Chat.example.com:443/sub", allowed_hosts=("localhost",))
    client = join(elsewhere, "ada@example.com")
    offered = client.post("/account/passkeys/options").json["options"]
    assert offered["rp"]["id"] == "chat.example.com"

    codes = []
    for origin in ("http://localhost", "http://chat.example.com", "https://chat.example.com"):
        codes.append(add(client, Authenticator(origin)).status_code)

    assert codes == [422, 422, 201]
    for host in ("127.0.0.1", "[::1]"):
        refused = app.test_client().post("/auth/passkey/options", headers={"Host": host})
        assert (refused.status_code, refused.json["code"]) == (400, "passkeys_need_a_name")
