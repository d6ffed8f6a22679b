"""`/auth/token`: what programs get for a password, how they go on, and what is no such token."""

import base64
import json
import time
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pyotp
import pytest
from flask import Flask
from flask.testing import FlaskClient
from joserfc import jwt
from joserfc.jwk import OctKey
from sqlalchemy import select, update
from werkzeug.test import TestResponse

from chatapp.services.accounts.access_tokens import HEADER
from chatapp.services.accounts.program_tokens import ProgramTokens
from chatapp.signing import derived_key
from chatapp.store.account_tables import audit_events, sessions
from tests.applications import make_app
from tests.people import PASSWORD, database_of, id_of, join

MASTER = "6d3a-not-the-key-of-anybody-9f24-c1e8"


@pytest.fixture(scope="module")
def app() -> Flask:
    return make_app(demo_pace_ms=0, secret_key=MASTER)


@pytest.fixture(scope="module")
def admin(app: Flask) -> FlaskClient:
    """The first account, signed in."""
    return join(app, "admin@example.com")


@pytest.fixture(scope="module")
def ada(app: Flask, admin: FlaskClient) -> FlaskClient:
    """Somebody with an account, signed in."""
    return join(app, "ada@example.com")


def post(app: Flask, body: dict[str, Any], path: str = "/auth/token") -> TestResponse:
    """Ask as a program does: without any cookie."""
    return app.test_client().post(path, json=body)


def sign_in(app: Flask, email: str = "ada@example.com", **more: Any) -> Any:
    answered = post(app, {"grant_type": "password", "email": email, "password": PASSWORD, **more})
    assert answered.status_code == 200, answered.text
    return answered.json


def refresh(app: Flask, pair: Any) -> TestResponse:
    return post(app, {"grant_type": "refresh_token", "refresh_token": pair["refresh_token"]})


def seen_by(app: Flask, token: str, path: str = "/account") -> TestResponse:
    return app.test_client().get(path, headers={"Authorization": f"Bearer {token}"})


def told(answered: TestResponse) -> tuple[int, str]:
    return answered.status_code, answered.json["code"]


def decoded(part: str) -> Any:
    return json.loads(base64.urlsafe_b64decode(part + "=="))


def session_of(pair: Any) -> UUID:
    return UUID(decoded(pair["access_token"].split(".")[1])["sid"])


def turn_back(app: Flask, pair: Any, **times: timedelta) -> None:
    """Have a session's times lie in the past."""
    database = database_of(app)
    with database.write() as connection:
        values = {name: datetime.now(UTC) - ago for name, ago in times.items()}
        connection.execute(update(sessions).where(sessions.c.id == session_of(pair)).values(values))
    database.close()


def audited(app: Flask, pair: Any) -> list[str]:
    """What the audit log tells of a session."""
    database = database_of(app)
    with database.read() as connection:
        rows = connection.execute(select(audit_events).order_by(audit_events.c.id)).all()
    database.close()
    return [row.kind for row in rows if row.facts.get("session_id") == str(session_of(pair))]


def test_a_program_signs_in_with_a_password(app: Flask, ada: FlaskClient, caplog: pytest.LogCaptureFixture) -> None:
    """What it gets is good by either header, for a quarter of an hour, and is written down nowhere."""
    pair = sign_in(app)
    by_key = app.test_client().get("/account", headers={"X-API-Key": pair["access_token"]})
    header, claims = (decoded(part) for part in pair["access_token"].split(".")[:2])

    assert (pair["token_type"], pair["expires_in"], pair["scope"]) == ("Bearer", 900, "chat read write")
    assert seen_by(app, pair["access_token"]).json == by_key.json == ada.get("/account").json
    assert header == {"alg": "HS256", "typ": "at+jwt"}
    assert set(claims) == {"iss", "aud", "sub", "sid", "jti", "iat", "nbf", "exp", "scope"}
    assert (claims["sub"], claims["exp"] - claims["iat"]) == (str(id_of(ada)), 900)
    listed = ada.get("/account/sessions").json["sessions"]
    assert [each["kind"] for each in listed if each["id"] == claims["sid"]] == ["program"]
    folder = app.extensions["config"].data_dir
    files = [path.read_bytes() for path in folder.glob("*.sqlite3*")]
    logged = "".join(str(vars(record)) for record in caplog.records)
    assert "sign_in.succeeded" in logged
    for secret in (pair["refresh_token"][4:], pair["access_token"].split(".")[2]):
        assert not any(secret.encode() in content for content in files)
        assert secret not in logged


def test_a_program_gets_the_scopes_that_it_asks_for(app: Flask, admin: FlaskClient, ada: FlaskClient) -> None:
    """And keeps them when it goes on; none can do what takes a browser."""
    pair = sign_in(app, scopes=["read", "read"])
    again = refresh(app, pair).json
    all_of_it = sign_in(app, "admin@example.com", scopes=["read", "admin"])
    body = {"grant_type": "password", "email": "ada@example.com", "password": PASSWORD, "scopes": ["admin"]}

    for each in (pair, again):
        headers = {"Authorization": f"Bearer {each['access_token']}"}
        refused = app.test_client().post("/memory", json={"text": "I sail."}, headers=headers)
        assert (*told(refused), refused.json["scope"]) == (403, "scope_missing", "write")
        assert each["scope"] == "read"
        assert seen_by(app, each["access_token"], "/account/sessions").status_code == 403
    assert told(post(app, body)) == (403, "forbidden")
    assert seen_by(app, all_of_it["access_token"], "/admin/users").status_code == 200
    assert seen_by(app, sign_in(app, "admin@example.com")["access_token"], "/admin/users").status_code == 403


def test_who_has_no_account_is_told_what_a_wrong_password_is_told(app: Flask, ada: FlaskClient) -> None:
    """Else anybody could find out who has one."""
    bodies = [
        {"grant_type": "password", "email": email, "password": password}
        for email, password in (
            ("ada@example.com", "wrong password"),
            ("nobody@example.com", PASSWORD),
            ("' OR 1=1 --", "{{7*7}}"),
            ("%s\r\n\x1b[31m", "${7*7}\r\n\x1b[31m"),
        )
    ]

    answers = [post(app, body) for body in bodies]

    assert {told(each) for each in answers} == {(401, "wrong_credentials")}
    assert len({each.json["detail"] for each in answers}) == 1


def test_passwords_cannot_be_tried_one_after_the_other(app: Flask, ada: FlaskClient) -> None:
    """Whether by this door or by the browser's; the right one does not help any more either."""
    body = {"email": "guessed@example.com", "password": "wrong password"}

    for attempt in range(10):
        door, more = ("/auth/token", {"grant_type": "password"}) if attempt % 2 else ("/auth/sign-in", {})
        assert post(app, body | more, door).status_code == 401
    refused = post(app, body | {"grant_type": "password"})

    assert told(refused) == (429, "too_many_attempts")
    assert 0 < int(refused.headers["Retry-After"]) <= 600
    sign_in(app)


def test_an_account_with_a_second_factor_wants_its_code(app: Flask, ada: FlaskClient) -> None:
    """A program is no way around it, and a code is good once."""
    two = join(app, "two@example.com")
    totp = pyotp.TOTP(two.post("/account/totp").json["secret"])
    codes = two.post("/account/totp/confirm", json={"code": totp.at(time.time() - 30)}).json["recovery_codes"]
    body = {"grant_type": "password", "email": "two@example.com", "password": PASSWORD}
    code = totp.now()

    assert told(post(app, body)) == (401, "second_factor_required")
    assert told(post(app, body | {"password": "wrong password", "code": code})) == (401, "wrong_credentials")
    assert told(post(app, body | {"code": "abcdef"})) == (401, "wrong_code")
    assert sign_in(app, "two@example.com", code=code)["expires_in"] == 900
    assert told(post(app, body | {"code": code})) == (401, "wrong_code")
    assert sign_in(app, "two@example.com", code=codes[0])["expires_in"] == 900


@pytest.mark.parametrize(
    "body",
    [
        pytest.param({}, id="no-grant"),
        pytest.param({"grant_type": "client_credentials"}, id="another-grant"),
        pytest.param({"grant_type": ["password"]}, id="list"),
        pytest.param({"grant_type": "password", "email": "ada@example.com"}, id="no-password"),
        pytest.param({"grant_type": "password", "email": "a@b.c", "password": None}, id="null-password"),
        pytest.param({"grant_type": "password", "email": "a@b.c", "password": "x" * 1001}, id="long-password"),
        pytest.param({"grant_type": "password", "email": "a@b.c", "password": "x", "scopes": []}, id="no-scope"),
        pytest.param({"grant_type": "password", "email": "a@b.c", "password": "x", "scopes": ["all"]}, id="odd-scope"),
        pytest.param({"grant_type": "password", "email": "a@b.c", "password": "x", "code": 123456}, id="number"),
        pytest.param({"grant_type": "password", "email": "a\x00@b.c", "password": "x"}, id="nul"),
        pytest.param({"grant_type": "password", "email": "a@b.c", "password": "\ud800"}, id="half-a-pair"),
        pytest.param({"grant_type": "refresh_token"}, id="no-token"),
        pytest.param({"grant_type": "refresh_token", "refresh_token": None}, id="null-token"),
        pytest.param({"grant_type": "refresh_token", "refresh_token": "x", "email": "a@b.c"}, id="both"),
    ],
)
def test_what_is_no_request_for_a_token_is_refused(app: Flask, body: dict[str, Any]) -> None:
    """Before any work is done for it."""
    assert told(post(app, body)) == (422, "invalid_body")


def test_a_refresh_token_is_good_once(app: Flask, ada: FlaskClient) -> None:
    """Sent again at once it is only refused: programs do that when an answer was lost, or two threads refresh."""
    first = sign_in(app)
    second = refresh(app, first).json

    assert told(refresh(app, first)) == (401, "invalid_credential")
    for pair in (first, second):
        assert seen_by(app, pair["access_token"]).status_code == 200
    third = refresh(app, second)
    assert (third.status_code, "token.reused" in audited(app, first)) == (200, False)
    assert len({pair["refresh_token"] for pair in (first, second, third.json)}) == 3


@pytest.mark.parametrize("turns", [1, 2], ids=["the-one-before", "an-older-one"])
def test_a_used_refresh_token_ends_the_session(app: Flask, ada: FlaskClient, turns: int) -> None:
    """Somebody has a copy, and nobody can say who of the two is the thief."""
    first = newest = sign_in(app)
    for _ in range(turns):
        newest = refresh(app, newest).json
    turn_back(app, first, last_seen_at=timedelta(seconds=11))

    assert told(refresh(app, first)) == (401, "invalid_credential")

    assert told(refresh(app, newest)) == (401, "invalid_credential")
    assert told(seen_by(app, newest["access_token"])) == (401, "invalid_credential")
    assert audited(app, first) == ["token.reused"]


def test_a_session_ends_with_its_time(app: Flask, ada: FlaskClient) -> None:
    """A program that comes back lives on for thirty days each time, and for half a year in all."""
    pair = sign_in(app)
    turn_back(app, pair, created_at=timedelta(days=170))
    pair = refresh(app, pair).json
    [found] = [each for each in sessions_of(app) if each.id == session_of(pair)]
    assert timedelta(days=9) < found.expires_at - datetime.now(UTC) < timedelta(days=10)

    turn_back(app, pair, expires_at=timedelta(seconds=1))

    assert told(refresh(app, pair)) == (401, "invalid_credential")
    assert told(seen_by(app, pair["access_token"])) == (401, "invalid_credential")


def sessions_of(app: Flask) -> Any:
    database = database_of(app)
    with database.read() as connection:
        rows = connection.execute(select(sessions)).all()
    database.close()
    return rows


def test_a_program_can_sign_out(app: Flask, ada: FlaskClient) -> None:
    """With any of its refresh tokens; what is none is answered the same."""
    first = sign_in(app)
    second = refresh(app, first).json

    for token in (first["refresh_token"], first["refresh_token"], "nonsense", "cpr_" + "A" * 86, ""):
        assert post(app, {"refresh_token": token}, "/auth/token/revoke").status_code == 204

    assert told(refresh(app, second)) == (401, "invalid_credential")
    assert told(seen_by(app, second["access_token"])) == (401, "invalid_credential")
    assert audited(app, first) == ["sign_out"]


def test_tokens_end_with_what_they_rest_on(app: Flask, admin: FlaskClient) -> None:
    """The session in the list, the account's good standing, the password."""
    eve = join(app, "eve@example.com")
    one, other = sign_in(app, "eve@example.com"), sign_in(app, "eve@example.com")

    assert eve.delete(f"/account/sessions/{session_of(one)}").status_code == 204
    assert told(seen_by(app, one["access_token"])) == (401, "invalid_credential")
    assert told(refresh(app, one)) == (401, "invalid_credential")

    eve_id = id_of(eve)
    assert admin.post(f"/admin/users/{eve_id}/suspend").status_code < 300
    body = {"grant_type": "password", "email": "eve@example.com"}
    assert told(post(app, body | {"password": PASSWORD})) == (403, "account_suspended")
    assert told(post(app, body | {"password": "wrong password"})) == (401, "wrong_credentials")
    for refused in (seen_by(app, other["access_token"]), refresh(app, other)):
        assert told(refused) == (403, "account_suspended")
    assert admin.post(f"/admin/users/{eve_id}/restore").status_code < 300
    other = refresh(app, other).json
    assert seen_by(app, other["access_token"]).status_code == 200

    assert eve.post("/account/password", json={"password": PASSWORD + " again", "current": PASSWORD}).status_code == 204
    assert told(seen_by(app, other["access_token"])) == (401, "invalid_credential")
    assert told(refresh(app, other)) == (401, "invalid_credential")


def test_each_credential_is_good_for_its_own_use_only(app: Flask, ada: FlaskClient) -> None:
    """A refresh token is shown to one route, an access token to all others."""
    pair = sign_in(app)
    [cookie] = [each for each in ada._cookies.values() if each.key.endswith("chatapp_session")]

    assert told(seen_by(app, pair["refresh_token"])) == (401, "invalid_credential")
    assert told(seen_by(app, cookie.value)) == (401, "invalid_credential")
    for other in (pair["access_token"], cookie.value):
        assert told(refresh(app, {"refresh_token": other})) == (401, "invalid_credential")
    for other in (pair["access_token"], pair["refresh_token"]):
        stranger = app.test_client()
        stranger.set_cookie(cookie.key, other)
        assert stranger.get("/account").status_code == 401


# Forged access tokens.


def key_of(label: str, master: str = MASTER) -> bytes:
    return derived_key(master.encode(), label)


def signed(claims: dict[str, Any], header: dict[str, Any] | None = None, key: bytes | None = None) -> str:
    alg = (header or HEADER).get("alg", "HS256")
    secret = OctKey.import_key(key_of("access tokens") if key is None else key)
    return jwt.encode(header or HEADER, claims, secret, [alg], default_type=None)


def unsigned(header: dict[str, Any], claims: dict[str, Any], signature: str = "") -> str:
    parts = (base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in (header, claims))
    return ".".join((*parts, signature))


@pytest.fixture(scope="module")
def pair(app: Flask, ada: FlaskClient) -> Any:
    return sign_in(app)


@pytest.fixture
def claims(pair: Any) -> dict[str, Any]:
    """The claims of a token that is good."""
    found: dict[str, Any] = decoded(pair["access_token"].split(".")[1])
    return found


def test_what_the_tests_sign_is_what_the_server_signs(app: Flask, claims: dict[str, Any]) -> None:
    """Else the tests below would pass for any reason."""
    assert seen_by(app, signed(claims)).status_code == 200


def test_tokens_signed_in_another_way_are_refused(app: Flask, pair: Any, claims: dict[str, Any]) -> None:
    """By no key, a guessable one, another algorithm, or for another use."""
    signature = pair["access_token"].split(".")[2]
    body = pair["access_token"].rpartition(".")[0]
    forged = [
        *(unsigned({"alg": alg, "typ": "at+jwt"}, claims) for alg in ("none", "None", "NONE", "", "HS256")),
        *(unsigned({"alg": alg, "typ": "at+jwt"}, claims, signature) for alg in ("none", "HS256", "RS256")),
        unsigned({"typ": "at+jwt"}, claims, signature),
        f"{body}.",
        f"{body}.{'A' * 43}",
        f"{body}.{signature}=",
        f"{body}.{signature}.{signature}",
        f" {body}.{signature}x",
        *(signed(claims, key=key) for key in (b"secret-secret-secret-secret-secret", MASTER.encode(), bytes(32))),
        *(signed(claims, key=key_of(label)) for label in ("guest", "refresh tokens", "")),
        signed(claims, key=key_of("access tokens", MASTER[::-1])),
        *(signed(claims, header={**HEADER, "alg": alg}) for alg in ("HS384", "HS512")),
        *(signed(claims, header={**HEADER, "typ": typ}) for typ in ("JWT", "AT+JWT", "application/at+jwt")),
        signed(claims, header={"alg": "HS256"}),
        signed(claims, header={**HEADER, "kid": "../../dev/null"}),
        signed(claims, header={**HEADER, "jku": "http://127.0.0.1:1/keys"}),
    ]

    for token in forged:
        assert told(seen_by(app, token)) == (401, "invalid_credential"), token


def test_tokens_with_other_claims_are_refused(app: Flask, admin: FlaskClient, claims: dict[str, Any]) -> None:
    """Also when they are signed with the right key: each claim counts."""
    now = int(time.time())
    [browser] = [each for each in admin.get("/account/sessions").json["sessions"] if each["current"]]
    changes: list[dict[str, Any]] = [
        {"iss": "https://other.example"},
        {"iss": ["chatapp"]},
        {"aud": "another-api"},
        {"aud": []},
        {"exp": now - 6, "nbf": now - 906, "iat": now - 906},
        {"exp": str(now + 900)},
        {"exp": float("nan")},
        {"nbf": now + 60},
        {"iat": now + 60},
        {"sub": str(id_of(admin))},
        {"sub": str(uuid4())},
        {"sub": 5},
        {"sub": "' OR 1=1 --"},
        {"sid": str(uuid4())},
        {"sid": browser["id"]},
        {"sub": str(id_of(admin)), "sid": browser["id"]},
        {"sid": {"a": 1}},
        *({name: None} for name in claims),
    ]
    without = [{key: value for key, value in claims.items() if key != name} for name in claims]

    for changed in [*(claims | change for change in changes), *without]:
        assert told(seen_by(app, signed(changed))) == (401, "invalid_credential"), changed


def test_a_larger_scope_in_the_claims_is_worth_nothing(app: Flask, ada: FlaskClient) -> None:
    """The session says what a program may do."""
    claims = decoded(sign_in(app, scopes=["read"])["access_token"].split(".")[1])
    headers = {"Authorization": f"Bearer {signed(claims | {'scope': 'chat read write admin'})}"}

    assert app.test_client().post("/memory", json={"text": "I sail."}, headers=headers).status_code == 403


def test_a_token_with_one_bit_changed_is_refused(app: Flask, pair: Any) -> None:
    """Any bit of it, also those that mean nothing in base64."""
    tokens: ProgramTokens = app.extensions["services"].accounts.program_tokens
    token: str = pair["access_token"]
    flipped = [
        token[:place] + chr(ord(token[place]) ^ (1 << bit)) + token[place + 1 :]
        for place in range(len(token))
        for bit in (0, 1, 4)
    ]

    assert tokens.principal_of(token) is not None
    assert [each for each in flipped if tokens.principal_of(each) is not None] == []
    assert told(seen_by(app, flipped[-1])) == (401, "invalid_credential")
