"""One's own keys for the site's provider: saved, shown as four characters, used for nobody else and nowhere else."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import delete, select, update

from chatapp.key_ring import FILE
from chatapp.services.provider_keys import MOST_KEYS
from chatapp.store.account_tables import audit_events, provider_keys
from tests.applications import make_app
from tests.people import database_of, id_of, join
from tests.wire.keyed_upstream import REFUSED_KEY, KeyedUpstream, pieces_of
from tests.wire.upstream import CANARY, GOOD_TEXT

SITE_KEY = "sk-site-0123456789"
KEY = "sk-own-Zq81vKpX37mTwLd5"
BEARER = f"Bearer {KEY}"


@pytest.fixture(scope="module")
def upstream() -> Iterator[KeyedUpstream]:
    server = KeyedUpstream()
    yield server
    server.close()


@pytest.fixture(scope="module")
def app(upstream: KeyedUpstream) -> Flask:
    return site_at(upstream)


@pytest.fixture(scope="module")
def admin(app: Flask) -> FlaskClient:
    return join(app, "admin@example.com")


@pytest.fixture(scope="module")
def account(app: Flask, admin: FlaskClient) -> FlaskClient:
    return join(app, "ada@example.com")


@pytest.fixture
def ada(account: FlaskClient, upstream: KeyedUpstream) -> FlaskClient:
    """Somebody who is signed in and has no key; the upstream has heard nothing."""
    for key in keys_of(account):
        assert account.delete(f"/account/keys/{key['id']}").status_code == 204
    upstream.calls.clear()
    upstream.listing = "models"
    return account


def site_at(upstream: KeyedUpstream, **settings: Any) -> Flask:
    given = {"openai_base_url": f"{upstream.base_url}/v1", "openai_api_key": SITE_KEY, "default_model": "good"}
    return make_app(**given, **settings)


def again(app: Flask, **changed: Any) -> Flask:
    """The same site after a restart with other settings."""
    config = app.extensions["config"]
    kept = {name: getattr(config, name) for name in ("openai_base_url", "openai_api_key", "default_model", "data_dir")}
    return make_app(**{**kept, **changed})


def moved(browser: FlaskClient, app: Flask) -> FlaskClient:
    """The same browser at the same site after its restart."""
    client = app.test_client()
    session = browser.get_cookie("chatapp_session")
    assert session is not None
    client.set_cookie("chatapp_session", session.value)
    return client


def save(browser: FlaskClient, name: str = "mine", key: str = KEY, **more: Any) -> Any:
    return browser.post("/account/keys", json={"name": name, "key": key, **more})


def keys_of(browser: FlaskClient) -> Any:
    return browser.get("/account/keys").json["keys"]


def ask(browser: FlaskClient, **more: Any) -> Any:
    headers = more.pop("headers", None)
    return browser.post("/chat", json={"message": "Hello", **more}, headers=headers)


def bytes_on_disk(app: Flask) -> bytes:
    folder: Path = app.extensions["config"].data_dir
    return b"".join(path.read_bytes() for path in folder.iterdir() if path.is_file())


def test_a_saved_key_is_tried_encrypted_and_never_shown(
    app: Flask, ada: FlaskClient, admin: FlaskClient, upstream: KeyedUpstream, caplog: pytest.LogCaptureFixture
) -> None:
    """Neither a copy of the database, nor the log, nor any answer gives it away."""
    caplog.set_level("DEBUG")

    saved = save(ada)
    answered = ask(ada)
    listed = ada.get("/account/keys")

    assert (saved.status_code, answered.json["text"]) == (201, GOOD_TEXT)
    assert [call.headers["authorization"] for call in upstream.calls] == [BEARER, BEARER]
    entry = listed.json["keys"][0]
    assert entry | {"id": "", "created_at": "", "last_used_at": ""} == {
        "id": "",
        "name": "mine",
        "host": f"127.0.0.1:{upstream.port}",
        "base_url": f"{upstream.base_url}/v1",
        "last_four": KEY[-4:],
        "models": ["good", "u05-401", "u16-redirect-307", "u16-loop"],
        "use": "provider",
        "readable": True,
        "created_at": "",
        "last_used_at": "",
    }
    assert entry["last_used_at"] is not None
    assert listed.json["own_base_urls"] is False
    texts = [saved.text, answered.text, listed.text, ada.get("/account/data").text, caplog.text, str(caplog.records)]
    found = "\n".join(texts) + bytes_on_disk(app).decode("latin-1")
    assert [piece for piece in pieces_of(KEY) if piece in found] == []
    assert keys_of(admin) == []
    assert admin.delete(f"/account/keys/{entry['id']}").status_code == 404
    assert len(keys_of(ada)) == 1


def test_a_key_is_used_for_its_owner_only_by_every_door(
    app: Flask, ada: FlaskClient, admin: FlaskClient, upstream: KeyedUpstream
) -> None:
    """Whoever pays is whoever asks."""
    assert save(ada).status_code == 201
    upstream.calls.clear()
    made = ada.post("/account/tokens", json={"name": "program", "scopes": ["chat"]}).json["token"]
    program, guest = app.test_client(), app.test_client()

    assert ask(ada).status_code == 200
    assert ask(ada, conversation_id="new").status_code == 200
    assert "event: done" in ada.post("/chat/stream", json={"message": "Hello"}).text
    assert ada.post("/chat", data={"message": "Hello", "conversation_id": "new"}).status_code == 303
    assert ask(program, headers={"Authorization": f"Bearer {made}"}).status_code == 200
    assert upstream.keys == [BEARER] * 5
    upstream.calls.clear()
    assert ask(admin).status_code == ask(guest).status_code == ask(guest, conversation_id="new").status_code == 200
    assert ask(ada, headers={"X-Provider-Key": "sk-for-this-tab"}).status_code == 200
    ada.delete(f"/account/keys/{keys_of(ada)[0]['id']}")
    assert ask(ada).status_code == 200
    site = f"Bearer {SITE_KEY}"
    assert upstream.keys == [site, site, site, "Bearer sk-for-this-tab", site]


def test_who_comes_and_goes_with_a_key_is_in_the_audit_log(app: Flask, ada: FlaskClient) -> None:
    """A key that somebody else saved, or removed, must leave a trace."""
    key_id = save(ada, "traced").json["id"]
    ada.delete(f"/account/keys/{key_id}")

    database = database_of(app)
    with database.read() as connection:
        found = connection.execute(
            select(audit_events.c.kind, audit_events.c.facts)
            .where(audit_events.c.subject_id == id_of(ada), audit_events.c.kind.like("provider_key.%"))
            .order_by(audit_events.c.id.desc())
            .limit(2)
        ).all()
    database.close()

    assert [row.kind for row in found] == ["provider_key.removed", "provider_key.saved"]
    assert {row.facts["key_id"] for row in found} == {key_id}
    assert KEY[-6:] not in str(found)


@pytest.mark.parametrize(
    ("listing", "key", "code"),
    [
        ("models", REFUSED_KEY, "key_refused"),
        ("page", KEY, "server_not_usable"),
        ("deep", KEY, "server_not_usable"),
        ("redirect", KEY, "server_not_usable"),
        ("endless", KEY, "server_not_usable"),
    ],
)
def test_a_key_that_does_not_work_is_not_saved(
    ada: FlaskClient, upstream: KeyedUpstream, listing: str, key: str, code: str
) -> None:
    """Better now than in the middle of a question; and the server's own words stay where they are."""
    upstream.listing = listing

    refused = save(ada, key=key)

    assert (refused.status_code, refused.json["code"]) == (422, code)
    assert [piece for piece in (CANARY, *pieces_of(key)) if piece in refused.text] == []
    assert [call.path for call in upstream.calls] == ["/v1/models"]
    assert keys_of(ada) == []


def test_what_is_no_key_is_refused_before_anybody_is_asked(ada: FlaskClient, upstream: KeyedUpstream) -> None:
    """U28, and the limits; nothing of the key comes back."""
    for key in ("", "short", "sk-with a space", "sk-with\nline", "sk-wïth-umlaut", "k" * 513, "sk-nul\x00nul"):
        refused = save(ada, key=key)
        assert (refused.status_code, refused.json["code"]) == (422, "invalid_body")
        assert len(key) < 8 or key[:8] not in refused.text
    for name in ("", "  ", "n" * 101, "a\u202eb", "a\x00b"):
        assert save(ada, name).status_code == 422
    for body in ({}, {"name": "a"}, {"name": "a", "key": 5}, {"name": "a", "key": KEY, "api_base": "http://a.test"}):
        assert ada.post("/account/keys", json=body).status_code == 422
    assert save(ada, base_url="https://models.example.com/v1").json["code"] == "own_servers_off"
    assert ada.delete("/account/keys/not-an-id").status_code == 404
    assert upstream.calls == []


def test_a_person_has_twenty_keys_each_with_its_name(upstream: KeyedUpstream) -> None:
    """The newest is the one that is used."""
    bob = join(site_at(upstream), "bob@example.com")
    upstream.calls.clear()

    assert {save(bob, f"key {number}").status_code for number in range(MOST_KEYS - 1)} == {201}
    assert save(bob, "key 3").json["code"] == "key_name_taken"
    assert save(bob, "the last", key=f"{KEY}-20").status_code == 201
    assert save(bob, "one more").json["code"] == "too_many_keys"
    assert len(upstream.calls) == MOST_KEYS
    ask(bob)
    assert upstream.keys == [f"Bearer {KEY}-20"]


def test_who_may_not_save_keys_cannot(app: Flask, ada: FlaskClient) -> None:
    """Neither a stranger, nor a token, nor another site in the person's name."""
    made = ada.post("/account/tokens", json={"name": "program", "scopes": ["chat", "read", "write"]}).json["token"]
    program = {"Authorization": f"Bearer {made}"}

    assert save(app.test_client()).status_code == 401
    body = {"name": "mine", "key": KEY}
    assert app.test_client().post("/account/keys", json=body, headers=program).status_code == 403
    assert app.test_client().get("/account/keys", headers=program).status_code == 403
    foreign = {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}
    assert ada.post("/account/keys", json=body, headers=foreign).status_code == 403
    assert keys_of(ada) == []


@pytest.mark.parametrize("field", ["base_url", "api_base", "api_key", "baseURL", "provider", "key"])
def test_no_question_says_where_a_key_goes(ada: FlaskClient, upstream: KeyedUpstream, field: str) -> None:
    """In other gateways a field of the body sent the operator's key to any host."""
    thief = KeyedUpstream()
    save(ada)
    upstream.calls.clear()

    for path in ("/chat", "/chat/stream"):
        refused = ada.post(path, json={"message": "Hello", field: f"{thief.base_url}/v1"})
        assert refused.status_code == 422
    assert (upstream.calls, thief.connections) == ([], 0)
    thief.close()


def test_a_key_stays_with_the_server_it_was_saved_for(ada: FlaskClient, app: Flask, upstream: KeyedUpstream) -> None:
    """The operator who moves to another provider must not take people's keys there."""
    save(ada)
    other = KeyedUpstream()
    after = again(app, openai_base_url=f"{other.base_url}/v1")
    browser = moved(ada, after)
    upstream.calls.clear()

    answered = ask(browser)

    assert answered.status_code == 200
    assert other.keys == [f"Bearer {SITE_KEY}"]
    assert upstream.calls == []
    assert [key["use"] for key in keys_of(browser)] == ["unused"]
    other.close()


def test_without_its_encryption_key_a_saved_key_is_told_of_and_kept(
    ada: FlaskClient, app: Flask, upstream: KeyedUpstream
) -> None:
    """S12: reported unreadable, not crashed, not wiped; and the answer is not charged to the site in silence."""
    save(ada)
    upstream.calls.clear()
    path = app.extensions["config"].data_dir / FILE
    kept = path.read_text()

    path.unlink()
    without = moved(ada, again(app))
    assert [key["readable"] for key in keys_of(without)] == [False]
    for refused in (ask(without), ask(without, conversation_id="new")):
        assert (refused.status_code, refused.json["code"]) == (409, "provider_key_unreadable")
        assert "Delete it and save it anew" in refused.json["detail"]
    assert without.get("/models").status_code == without.get("/chat").status_code == 200
    assert ask(without, headers={"X-Provider-Key": "sk-for-this-tab"}).status_code == 200
    assert upstream.keys == ["Bearer sk-for-this-tab"]

    path.write_text(kept)
    back = moved(ada, again(app))
    assert [key["readable"] for key in keys_of(back)] == [True]
    assert ask(back).status_code == 200
    assert upstream.keys[1:] == [BEARER]


def test_a_row_that_was_moved_gives_nobody_the_key(
    ada: FlaskClient, admin: FlaskClient, app: Flask, upstream: KeyedUpstream
) -> None:
    """Who can write into the database still cannot use, or send elsewhere, what others have saved."""
    save(ada)
    upstream.calls.clear()
    database = database_of(app)
    change = update(provider_keys).where(provider_keys.c.user_id == id_of(ada))

    with database.write() as connection:
        connection.execute(change.values(user_id=id_of(admin)))
    assert [key["readable"] for key in keys_of(admin)] == [False]
    assert ask(admin).json["code"] == "provider_key_unreadable"
    assert upstream.calls == []

    with database.write() as connection:
        connection.execute(delete(provider_keys))
    database.close()


def test_the_operator_changes_the_encryption_key_while_the_site_runs(
    ada: FlaskClient, app: Flask, upstream: KeyedUpstream
) -> None:
    """Everything is encrypted anew, the running site goes on, and the key before is good for nothing."""
    save(ada)
    totp = ada.post("/account/totp", json={})
    assert totp.status_code == 200, totp.text
    path = app.extensions["config"].data_dir / FILE
    before = path.read_text()
    upstream.calls.clear()

    rotated = app.test_cli_runner().invoke(args=["keys", "rotate"])

    assert (rotated.exit_code, rotated.output) == (0, "2 of 2 secrets were encrypted anew.\n")
    assert path.read_text().split()[1:] == before.split()[:1]
    assert ask(ada).status_code == 200
    assert upstream.keys == [BEARER]
    path.write_text(path.read_text().split()[0])
    assert [key["readable"] for key in keys_of(moved(ada, again(app)))] == [True]
    path.write_text(before.split()[0])
    lost = again(app).test_cli_runner().invoke(args=["keys", "rotate"])
    assert lost.exit_code == 1
    assert "2 cannot be read" in lost.output


def test_a_changed_secret_key_ends_guests_and_tokens_cleanly(upstream: KeyedUpstream) -> None:
    """S12: nobody is somebody else, nothing crashes, and a new guest begins."""
    app = site_at(upstream, secret_key="q7" + "Zx81vKpX37mTwLd5Rb" * 2 + "!")
    guest = app.test_client()
    kept = ask(guest, conversation_id="new").json["conversation_id"]
    cookie = guest.get_cookie("chatapp_guest")
    token = app.test_client().post("/guests", json={"credential": "token"}).json["token"]
    assert cookie is not None

    after = again(app, secret_key="another one of " + "Lm49!sWcYh27@pQnDe")
    browser = after.test_client()
    browser.set_cookie("chatapp_guest", cookie.value)

    assert browser.get(f"/conversations/{kept}").status_code == 404
    assert ask(browser, conversation_id="new").status_code == 200
    refused = after.test_client().get("/conversations", headers={"Authorization": f"Bearer {token}"})
    assert (refused.status_code, refused.json["code"]) == (401, "invalid_credential")
