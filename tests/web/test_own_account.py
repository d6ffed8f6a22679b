"""What a person sees and changes of their account, takes along and takes away."""

import io
import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

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


def test_the_profile_is_changed_field_by_field(ann: FlaskClient) -> None:
    """What is not named stays; what cannot be is refused by name."""
    changed = ann.patch("/account", json={"name": "  Ann   Lee ", "language": "pt-BR", "theme": "dark"})
    again = ann.patch("/account", json={"theme": "auto"})

    assert (changed.json["name"], changed.json["initials"]) == ("Ann Lee", "AL")
    assert {**changed.json, "theme": "auto"} == again.json
    for body in ({"theme": "pink"}, {"language": "x_y"}, {"name": ""}, {"role": "admin"}, {"email": "x@example.com"}):
        assert code_of(ann.patch("/account", json=body)) == (422, "invalid_body")


def test_what_could_take_the_account_away_asks_who_is_there(app: Flask) -> None:
    """A session that has been open for long is not enough; the password makes it so again."""
    client = app.test_client()
    registered(client, "old@example.com")
    signed_in(client, "old@example.com")
    make_sessions_old(app)

    refused = client.post("/account/password", json={"password": "another-lamp-77", "current": PASSWORD})
    wrong = client.post("/auth/confirm", json={"password": "wrong"})
    confirmed = client.post("/auth/confirm", json={"password": PASSWORD})
    changed = client.post("/account/password", json={"password": "another-lamp-77", "current": PASSWORD})

    assert code_of(refused) == (403, "confirmation_needed")
    assert code_of(wrong) == (401, "wrong_credentials")
    assert (confirmed.status_code, changed.status_code) == (204, 204)


def make_sessions_old(app: Flask) -> None:
    """Let the proofs of all sessions be from long ago."""
    database = app.extensions["services"].accounts.sessions._database
    with database.write() as connection:
        connection.exec_driver_sql("UPDATE sessions SET confirmed_at = '2026-01-01 00:00:00'")


def test_a_new_password_signs_out_everywhere_else(app: Flask) -> None:
    """Whoever had the old one is out."""
    here, thief = app.test_client(), app.test_client()
    registered(here, "new@example.com")
    signed_in(here, "new@example.com")
    signed_in(thief, "new@example.com")

    missing = here.post("/account/password", json={"password": "another-lamp-77"})
    wrong = here.post("/account/password", json={"password": "another-lamp-77", "current": "not-this-lamp"})
    changed = here.post("/account/password", json={"password": "another-lamp-77", "current": PASSWORD})

    assert [code_of(missing), code_of(wrong)] == [(422, "invalid_body"), (401, "wrong_credentials")]
    assert changed.status_code == 204
    assert here.get("/account").status_code == 200
    assert code_of(thief.get("/account")) == (401, "signed_out")
    assert thief.post("/auth/sign-in", json={"email": "new@example.com", "password": PASSWORD}).status_code == 401
    signed_in(thief, "new@example.com", "another-lamp-77")


def test_all_of_ones_data_in_one_file(app: Flask) -> None:
    """With every branch of every conversation; without a secret or a hash, or where an administrator was."""
    client = app.test_client()
    registered(client, "data@example.com", name="Dee")
    signed_in(client, "data@example.com")
    wanted = {asked(client, f"What is 6 times {number}?") for number in range(3)}
    client.post("/memory", json={"text": "I like figures."})
    admin = app.test_client()
    signed_in(admin, "admin@example.com")
    user_id = client.get("/account").json["id"]
    admin.post(f"/admin/users/{user_id}/suspend", environ_base={"REMOTE_ADDR": "192.0.2.9"})
    admin.post(f"/admin/users/{user_id}/restore", environ_base={"REMOTE_ADDR": "192.0.2.9"})

    response = client.get("/account/data")

    data = json.loads(response.data)
    assert response.headers["Content-Disposition"].startswith("attachment")
    assert data["account"]["profile"]["name"] == "Dee"
    assert [fact["text"] for fact in data["account"]["memory"]] == ["I like figures."]
    assert data["account"]["passkeys"] == []
    assert {each["id"] for each in data["conversations"]} == wanted
    assert [message["role"] for message in data["conversations"][0]["messages"]] == ["user", "assistant"]
    assert {"sign_in.succeeded", "account.suspended"} <= {event["kind"] for event in data["account"]["events"]}
    assert "192.0.2.9" not in response.text
    assert not re.search(r"argon2|secret_hash|password_hash", response.text)


def test_a_deleted_account_leaves_nothing_behind(app: Flask) -> None:
    """Neither a way in nor a row; the address is free again. What was done stays in the audit log."""
    client = app.test_client()
    registered(client, "gone@example.com")
    user_id = signed_in(client, "gone@example.com").json["account"]["id"]
    conversation = asked(client, "A canary called periwinkle")
    mistaken = client.delete("/account", json={"email": EMAIL})

    deleted = client.delete("/account", json={"email": "Gone@example.com"})

    assert code_of(mistaken) == (422, "invalid_body")
    assert deleted.status_code == 204
    assert client.get_cookie("chatapp_session") is None
    rows = rows_naming(app, user_id)
    assert set(rows) == {"audit_events", "revocations"}
    assert rows_naming(app, conversation) == {}
    assert client.post("/auth/sign-in", json={"email": "gone@example.com", "password": PASSWORD}).status_code == 401
    registered(client, "gone@example.com")
    assert signed_in(client, "gone@example.com").json["account"]["id"] != user_id


class Arriving(io.BytesIO):
    """A body before whose arrival something else happens."""

    def __init__(self, body: object, before: Callable[[], object]) -> None:
        super().__init__(json.dumps(body).encode())
        self._before = before

    def readinto(self, buffer: Any) -> int:
        if not self.tell():
            self._before()
        return super().readinto(buffer)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/chat", {"conversation_id": "new", "message": "Remember that I sail."}),
        ("/conversations", {"title": "Late"}),
        ("/memory", {"text": "I sail."}),
    ],
)
def test_what_arrives_after_the_account_is_gone_is_not_kept(app: Flask, path: str, body: object) -> None:
    """A request that was on its way while its account was deleted leaves nothing that is nobody's."""
    email = f"late-{path[1:]}@example.com"
    client, other = app.test_client(), app.test_client()
    registered(client, email)
    user_id = signed_in(client, email).json["account"]["id"]
    signed_in(other, email)
    late = Arriving(body, lambda: other.delete("/account", json={"email": email}))

    response = client.post(path, input_stream=late, content_length=len(late.getvalue()), mimetype="application/json")

    assert code_of(response) == (401, "signed_out")
    assert set(rows_naming(app, user_id)) == {"audit_events", "revocations"}


def rows_naming(app: Flask, owner_id: str) -> dict[str, int]:
    """The tables that hold an id anywhere, and in how many rows."""
    database = app.extensions["services"].accounts.sessions._database
    plain = owner_id.replace("-", "")
    with database.read() as connection:
        tables = [
            row[0]
            for row in connection.exec_driver_sql(
                "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'search_terms%'"
            )
        ]
        found = {
            table: sum(
                plain in str(value).replace("-", "")
                for row in connection.exec_driver_sql(f"SELECT * FROM {table}")
                for value in row
            )
            for table in tables
        }
    return {table: count for table, count in found.items() if count}


def test_the_last_administrator_stays(app: Flask) -> None:
    """A site without one could not be run."""
    admin = app.test_client()
    signed_in(admin, "admin@example.com")

    assert code_of(admin.delete("/account", json={"email": "admin@example.com"})) == (409, "last_admin")
