"""Personal tokens: made in the settings, shown once, and the same by whichever header they come."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text, update
from werkzeug.test import TestResponse

from chatapp.services.accounts.personal_tokens import MOST_TOKENS
from chatapp.store import users
from chatapp.store.account_tables import personal_tokens
from tests.applications import make_app
from tests.people import PASSWORD, database_of, id_of, join, with_account

ALL = ["chat", "read", "write"]
# What would mean something to a database, a template, a shell, a log or a terminal.
ODD_TOKENS = [
    "cpt_' OR '1'='1",
    "cpt_" + "'" * 43,
    "cpt_" + "%" * 43,
    "cpt_" + "a" * 42 + "\u00e9",
    'x"; DROP TABLE personal_tokens; --',
    "{{7*7}}${7*7}<%= 7*7 %>",
    "${jndi:ldap://127.0.0.1/a}",
    "%0d%0aSet-Cookie: a=b",
    "\x1b[31mred",
    "a.b.c",
    "..",
    "cpt_",
    "cpt_" + "A" * 5_000,
]


@pytest.fixture(scope="module")
def app() -> Flask:
    return make_app(demo_pace_ms=0)


@pytest.fixture(scope="module")
def admin(app: Flask) -> FlaskClient:
    """The first account, signed in."""
    return join(app, "admin@example.com")


@pytest.fixture(scope="module")
def ada(app: Flask, admin: FlaskClient) -> FlaskClient:
    """Somebody with an account, signed in."""
    return join(app, "ada@example.com")


def make(client: FlaskClient, *scopes: str, **more: Any) -> Any:
    made = client.post("/account/tokens", json={"name": "A program", "scopes": list(scopes or ALL), **more})
    assert made.status_code == 201, made.text
    return made.json


def ask(app: Flask, token: str, method: str = "GET", path: str = "/account", **more: Any) -> TestResponse:
    """Ask as a program does: with nothing but the token."""
    return app.test_client().open(path, method=method, headers={"Authorization": f"Bearer {token}"}, **more)


def outcome(answered: TestResponse) -> tuple[int, Any]:
    """What is decided and told; the request's own id apart."""
    body = answered.json
    return answered.status_code, {k: v for k, v in body.items() if k != "request_id"} if body else None


def change_token(app: Flask, made: Any, **values: Any) -> None:
    database = database_of(app)
    with database.write() as connection:
        connection.execute(update(personal_tokens).values(values).where(personal_tokens.c.id == UUID(made["id"])))
    database.close()


def test_a_token_is_shown_once_and_kept_as_a_hash(
    app: Flask, ada: FlaskClient, caplog: pytest.LogCaptureFixture
) -> None:
    """Neither the list nor the database nor the log could give it to anybody."""
    made = make(ada, "write", "chat", "chat", expires_in_days=30)
    listed = ada.get("/account/tokens").json["tokens"]
    ask(app, made["token"])
    logged = "".join(str(vars(record)) for record in caplog.records)

    assert made["id"] in logged
    assert re.fullmatch(r"cpt_[A-Za-z0-9_-]{43}", made["token"])
    assert made["token"].endswith(made["last_four"])
    assert made["scopes"] == ["chat", "write"]
    lifetime = datetime.fromisoformat(made["expires_at"]) - datetime.fromisoformat(made["created_at"])
    assert lifetime == timedelta(days=30)
    assert listed[0] == {key: value for key, value in made.items() if key != "token"}
    folder = app.extensions["config"].data_dir
    assert not [path for path in folder.glob("*.sqlite3*") if made["token"][4:].encode() in path.read_bytes()]
    assert made["token"][4:-4] not in logged


def test_the_same_token_means_the_same_by_every_way(app: Flask, ada: FlaskClient) -> None:
    """What is refused to one header must not be open to the other (CVE-2026-45339)."""
    token = make(ada, "read", "chat")["token"]
    ways: list[tuple[FlaskClient, dict[str, str]]] = [
        (app.test_client(), {"Authorization": f"Bearer {token}"}),
        (app.test_client(), {"X-API-Key": token}),
        (app.test_client(), {"authorization": f"bearer  {token} ", "x-api-key": token}),
        (ada, {"Authorization": f"Bearer {token}"}),
        (ada, {"X-API-Key": token}),
    ]
    for method, path, body, status in (
        ("GET", "/account", None, 200),
        ("GET", "/memory", None, 200),
        ("POST", "/memory", {"text": "I sail."}, 403),
        ("PATCH", "/account", {"name": "Other"}, 403),
        ("GET", "/account/tokens", None, 403),
        ("POST", "/account/tokens", {"name": "More", "scopes": ["read"]}, 403),
        ("GET", "/admin/users", None, 403),
    ):
        found = [outcome(client.open(path, method=method, json=body, headers=headers)) for client, headers in ways]
        assert found == [found[0]] * len(ways), path
        assert found[0][0] == status, path


def test_two_credentials_at_once_are_refused(app: Flask, admin: FlaskClient, ada: FlaskClient) -> None:
    """Which of them would decide is nothing to guess."""
    mine, other, theirs = make(ada)["token"], make(ada)["token"], make(admin)["token"]

    for client, headers in (
        (app.test_client(), {"Authorization": f"Bearer {mine}", "X-API-Key": other}),
        (app.test_client(), {"Authorization": f"Bearer {mine}", "X-API-Key": "cpt_nonsense"}),
        (ada, {"X-API-Key": theirs}),
    ):
        assert outcome(client.get("/account", headers=headers))[0] == 400


@pytest.mark.parametrize("name", ["token", "access_token", "api_key", "key", "TOKEN"])
def test_a_credential_in_the_address_is_refused(app: Flask, ada: FlaskClient, name: str) -> None:
    """Addresses are logged, kept and passed on; also where the route needs no credential."""
    token = make(ada)["token"] if name == "token" else "cpt_" + "x" * 43

    for path in ("/account", "/models", "/health"):
        refused = app.test_client().get(path, query_string={name: token})
        assert (refused.status_code, token in refused.text) == (400, False), path


def test_a_token_reaches_as_far_as_its_scopes(app: Flask, ada: FlaskClient) -> None:
    """And says which one is missing."""
    by_scope = {scope: make(ada, scope)["token"] for scope in ALL}
    doors = {
        "chat": ("POST", "/chat", {"message": "What is 6 times 7?"}),
        "read": ("GET", "/conversations", None),
        "write": ("PATCH", "/memory", {"enabled": True}),
    }

    for scope, token in by_scope.items():
        for needed, (method, path, body) in doors.items():
            answered = ask(app, token, method, path, json=body)
            if needed == scope:
                assert answered.status_code == 200, answered.text
            else:
                assert (answered.status_code, answered.json["code"]) == (403, "scope_missing")
                assert answered.json["scope"] == needed
                assert needed in answered.json["detail"]


@pytest.mark.parametrize(("scopes", "lacking"), [(("chat",), "read"), (("chat", "read"), "write")])
def test_asking_in_a_kept_conversation_is_reading_and_writing_it(
    app: Flask, ada: FlaskClient, scopes: tuple[str, ...], lacking: str
) -> None:
    """Not even that the conversation went on elsewhere, and how, is told to who may only ask models."""
    kept = ada.post("/chat", json={"conversation_id": "new", "message": "A canary called periwinkle"}).json
    token = make(ada, *scopes)["token"]

    for conversation_id in ("new", kept["conversation_id"]):
        body = {"conversation_id": conversation_id, "parent_id": None, "message": "What is 6 times 7?"}
        for answered in (
            ask(app, token, "POST", "/chat", json=body),
            ask(app, token, "POST", "/chat/stream", json=body),
            ask(app, token, "POST", "/chat", data={**body, "parent_id": ""}),
            ask(app, token, "POST", "/chat", data={"conversation_id": conversation_id, "message": ""}),
        ):
            assert answered.status_code == 403
            assert "periwinkle" not in answered.text
    assert ask(app, token, "POST", "/chat", json=body).json["scope"] == lacking


def test_only_an_administrator_can_give_the_scope_admin(app: Flask, admin: FlaskClient, ada: FlaskClient) -> None:
    """And it is worth nothing any more when they are none: the role counts, not the token."""
    refused = ada.post("/account/tokens", json={"name": "Mine", "scopes": ["admin"]})
    token, without = make(admin, "admin", "read")["token"], make(admin)["token"]

    assert (refused.status_code, refused.json["code"]) == (403, "forbidden")
    assert ask(app, token, path="/admin/users").status_code == 200
    assert ask(app, without, path="/admin/users").json["code"] == "scope_missing"
    with_account(app, "admin@example.com", lambda connection, user_id: users.set_role(connection, user_id, "user"))
    assert ask(app, token, path="/admin/users").status_code == 403
    with_account(app, "admin@example.com", lambda connection, user_id: users.set_role(connection, user_id, "admin"))


def test_a_token_ends_with_its_time(app: Flask, ada: FlaskClient) -> None:
    """It stays in the list, where one sees why a program fails."""
    made = make(ada, expires_in_days=1)
    assert ask(app, made["token"]).status_code == 200

    change_token(app, made, expires_at=datetime.now(UTC) - timedelta(seconds=1))

    assert outcome(ask(app, made["token"]))[1]["code"] == "invalid_credential"
    assert made["id"] in [each["id"] for each in ada.get("/account/tokens").json["tokens"]]


def test_a_revoked_token_ends_at_once(app: Flask, admin: FlaskClient, ada: FlaskClient) -> None:
    """By its owner alone: to anybody else it does not exist."""
    made = make(ada)

    for token_id in (made["id"], str(uuid4()), "nonsense"):
        assert outcome(admin.delete(f"/account/tokens/{token_id}"))[1]["code"] == "not_found"
    assert ask(app, made["token"]).status_code == 200
    assert ada.delete(f"/account/tokens/{made['id']}").status_code == 204

    assert (ask(app, made["token"]).status_code, ask(app, made["token"]).json["code"]) == (401, "invalid_credential")
    assert ada.delete(f"/account/tokens/{made['id']}").status_code == 404
    events = admin.get("/admin/audit", query_string={"kind": "token"}).json["events"]
    assert [event["kind"] for event in events if event["facts"].get("token_id") == made["id"]] == [
        "token.revoked",
        "token.created",
    ]


def test_a_token_rests_while_its_account_is_suspended(app: Flask, admin: FlaskClient) -> None:
    """And is the same again afterwards; a new password ends browsers, not programs."""
    eve = join(app, "eve@example.com")
    token = make(eve)["token"]
    eve_id = id_of(eve)

    assert admin.post(f"/admin/users/{eve_id}/suspend").status_code < 300
    for headers in ({"Authorization": f"Bearer {token}"}, {"X-API-Key": token}):
        refused = app.test_client().get("/account", headers=headers)
        assert (refused.status_code, refused.json["code"]) == (403, "account_suspended")
    assert admin.post(f"/admin/users/{eve_id}/restore").status_code < 300
    assert ask(app, token).status_code == 200

    assert eve.post("/account/password", json={"password": PASSWORD + " again", "current": PASSWORD}).status_code == 204
    assert ask(app, token).status_code == 200


def test_the_last_use_is_noted_once_a_minute(app: Flask, ada: FlaskClient) -> None:
    """Often enough to see which token is not needed, seldom enough to cost nothing."""
    made = make(ada)

    def last_used() -> Any:
        [found] = [each for each in ada.get("/account/tokens").json["tokens"] if each["id"] == made["id"]]
        return found["last_used_at"]

    assert last_used() is None
    ask(app, made["token"])
    first = last_used()
    ask(app, made["token"])
    assert last_used() == first
    change_token(app, made, last_used_at=datetime.now(UTC) - timedelta(seconds=61))
    ask(app, made["token"])
    assert last_used() > first


def test_a_use_that_cannot_be_noted_fails_no_request(app: Flask, ada: FlaskClient) -> None:
    """On a full disk people can still read what they have."""
    token = make(ada)["token"]
    database = database_of(app)
    with database.write() as connection:
        connection.execute(
            text("CREATE TRIGGER broken BEFORE UPDATE ON personal_tokens BEGIN SELECT * FROM missing; END")
        )

    answered = ask(app, token)

    with database.write() as connection:
        connection.execute(text("DROP TRIGGER broken"))
    database.close()
    assert answered.status_code == 200


@pytest.mark.parametrize(
    ("change", "field"),
    [
        pytest.param({"name": " \n "}, "name", id="blank-name"),
        pytest.param({"name": "x" * 101}, "name", id="long-name"),
        pytest.param({"name": "a\x00b"}, "name", id="nul"),
        pytest.param({"name": "gnp\u202etxt"}, "name", id="turned-name"),
        pytest.param({"scopes": []}, "scopes", id="no-scope"),
        pytest.param({"scopes": ["read", "root"]}, "scopes", id="unknown-scope"),
        pytest.param({"scopes": "read"}, "scopes", id="scopes-as-text"),
        pytest.param({"expires_in_days": 0}, "expires_in_days", id="no-day"),
        pytest.param({"expires_in_days": 3651}, "expires_in_days", id="too-long"),
        pytest.param({"expires_in_days": True}, "expires_in_days", id="truth"),
        pytest.param({"expires_in_days": 10**30}, "expires_in_days", id="huge"),
        pytest.param({"user_id": str(uuid4())}, "user_id", id="somebody-else"),
        pytest.param({"token": "cpt_mine"}, "token", id="chosen-secret"),
    ],
)
def test_what_is_no_token_is_refused_by_name(ada: FlaskClient, change: dict[str, object], field: str) -> None:
    """And nothing is made."""
    before = len(ada.get("/account/tokens").json["tokens"])

    refused = ada.post("/account/tokens", json={"name": "A program", "scopes": ["read"], **change})

    assert (refused.status_code, refused.json["code"]) == (422, "invalid_body")
    assert field in refused.json["detail"]
    assert len(ada.get("/account/tokens").json["tokens"]) == before


def test_a_name_may_hold_what_means_something_elsewhere(app: Flask, admin: FlaskClient) -> None:
    """It comes back as it was."""
    bo = join(app, "bo@example.com")
    names = ["'; DROP TABLE users; --", "{{7*7}} ${7*7}", "<img src=x onerror=alert(1)>", "%s %(a)s \\n"]

    for name in names:
        make(bo, name=name)

    assert [each["name"] for each in bo.get("/account/tokens").json["tokens"]] == names[::-1]


def test_nobody_has_more_tokens_than_they_can_look_through(app: Flask, admin: FlaskClient) -> None:
    """One that is revoked makes room."""
    cy = join(app, "cy@example.com")
    made = [make(cy) for _ in range(MOST_TOKENS)]

    refused = cy.post("/account/tokens", json={"name": "One more", "scopes": ["read"]})

    assert (refused.status_code, refused.json["code"]) == (409, "too_many_tokens")
    assert cy.delete(f"/account/tokens/{made[0]['id']}").status_code == 204
    make(cy)


def test_odd_tokens_are_refused_like_any_other(app: Flask) -> None:
    """Whatever would mean something to a database, a template or a log (CVE-2026-42208); none is repeated."""
    for token in ODD_TOKENS:
        for headers in ({"Authorization": f"Bearer {token}"}, {"X-API-Key": token}):
            refused = app.test_client().get("/conversations", headers=headers)
            assert (refused.status_code, refused.json["code"]) == (401, "invalid_credential"), token
            assert len(token) < 5 or token not in refused.text
