"""Saved keys on both databases: whose they are, and sealing them anew."""

from datetime import UTC, datetime
from secrets import token_hex
from traceback import format_exception
from uuid import UUID

import pytest
from sqlalchemy import text
from uuid_utils.compat import uuid7

from chatapp.errors import StorageUnavailable
from chatapp.services.encryption import Cipher
from chatapp.services.provider_keys import place_of_key
from chatapp.services.resealing import reseal_everything
from chatapp.store import provider_keys, users
from chatapp.store.db import Database
from chatapp.store.provider_keys import ProviderKey

OLD = {"old": bytes(range(32))}
BOTH = {"new": bytes(range(100, 132)), **OLD}
URL = "https://models.example.com/v1"


def new_user(database: Database) -> UUID:
    user_id = uuid7()
    with database.write() as connection:
        users.add(
            connection,
            user_id=user_id,
            email=f"{user_id.hex}@example.com",
            name="Ada",
            role="user",
            password_hash=None,
            confirmed_at=None,
        )
    return user_id


def add_key(database: Database, user_id: UUID, name: str, cipher: Cipher) -> ProviderKey:
    key_id = uuid7()
    key = ProviderKey(
        id=key_id,
        user_id=user_id,
        name=name,
        base_url=URL,
        sealed=cipher.seal(name.encode(), bound_to=place_of_key(user_id, key_id, URL)),
        last_four="1234",
        models=("a", "b"),
        created_at=datetime.now(UTC),
    )
    with database.write() as connection:
        provider_keys.add(connection, key)
    return key


def test_each_person_has_their_own_keys_the_newest_first(database: Database) -> None:
    """What is read for use does without the long lists."""
    ada, bob, carol = new_user(database), new_user(database), new_user(database)
    cipher = Cipher(OLD)
    first, second, other = (
        add_key(database, user, name, cipher) for user, name in ((ada, "one"), (ada, "two"), (bob, "one"))
    )
    at = datetime.now(UTC)

    with database.write() as connection:
        provider_keys.note_use(connection, first.id, at)
    with database.read() as connection:
        found = provider_keys.of_user(connection, ada)
        used = provider_keys.for_use(connection, ada)
        nothing = provider_keys.for_use(connection, carol)
        by_id = provider_keys.get(connection, other.id)

    assert [key.id for key in found] == [key.id for key in used] == [second.id, first.id]
    assert [key.models for key in found] == [("a", "b")] * 2
    assert [key.models for key in used] == [()] * 2
    assert found[1].last_used_at == at
    assert nothing == []
    assert by_id == other


def test_a_statement_that_fails_tells_nothing_of_what_it_held(database: Database) -> None:
    """What goes wrong in a database is logged with the statement, and who reads logs must not read this."""
    word = token_hex()
    with pytest.raises(StorageUnavailable) as failed, database.write() as connection:
        connection.execute(text("INSERT INTO not_there VALUES (:sealed)"), {"sealed": word})

    told = "".join(format_exception(failed.value))
    assert "not_there" in told
    assert word not in told


def test_everything_is_sealed_anew_but_what_cannot_be_read(database: Database) -> None:
    """It stays as it is: its key may come back. Doing it a second time changes nothing."""
    ada = new_user(database)
    lost = add_key(database, ada, "lost", Cipher({"gone": bytes(32)}))
    kept = add_key(database, ada, "kept", Cipher(OLD))
    cipher = Cipher(BOTH)

    done = reseal_everything(database, cipher)
    again = reseal_everything(database, cipher)

    assert (done.total, done.renewed, done.unreadable) == (2, 1, 1)
    assert (again.renewed, again.unreadable) == (0, 1)
    assert done.key_ids == {"new", "gone"}
    with database.read() as connection:
        sealed = {key.name: key.sealed for key in provider_keys.of_user(connection, ada)}
    assert sealed["lost"] == lost.sealed
    assert Cipher(BOTH).open(sealed["kept"], bound_to=place_of_key(ada, kept.id, URL)) == b"kept"
