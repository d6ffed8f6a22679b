"""A guest's belongings move into an account; the same on both databases."""

from uuid import UUID

from sqlalchemy import select

from chatapp.core.principals import Origin, Principal
from chatapp.core.search_terms import query_of
from chatapp.services.accounts.moving import bring_along
from chatapp.services.conversations import Conversations
from chatapp.services.memory import Memory
from chatapp.store import runs, search, tables
from chatapp.store.db import Database
from tests.store.conftest import add_messages, new_owner


def brought(database: Database, guest: Principal, target: Principal) -> int:
    with database.write() as connection:
        return bring_along(connection, guest, target, Origin())


def found(database: Database, owner_id: UUID, words: str) -> list[UUID]:
    with database.write() as connection:
        search.index_pending(connection, most=100)
    with database.read() as connection:
        return [hit.conversation_id for hit in search.find(connection, owner_id, query_of(words), limit=10)]


def test_everything_has_its_new_owner(database: Database) -> None:
    """Lists, labels, search (indexed or not yet), facts and the keys of requests; nobody else's is touched."""
    service = Conversations(database, stop_runs=lambda _: None)
    memory = Memory(database, len)
    guest, account, other = (Principal(owner_id=new_owner(database)) for _ in range(3))
    old = service.create(account, title="Old harbour").conversation
    memory.add(account, "I row.")
    foreign = service.create(other, title="Foreign harbour").conversation
    first = service.create(guest, title="First harbour", folder="Sea", tags=["boats"]).conversation
    assert found(database, guest.owner_id, "harbour") == [first.id]
    second = service.create(guest, title="Second harbour").conversation
    asked = add_messages(database, guest.owner_id, ["Where is the harbour?"], title="Asked")
    memory.add(guest, "I sail.")
    with database.write() as connection:
        message_id = connection.execute(
            select(tables.messages.c.id).where(tables.messages.c.conversation_id == asked)
        ).scalar_one()
        for owner, key in ((account, "same"), (guest, "same"), (guest, "own")):
            runs.remember_request(connection, owner.owner_id, key, "hash", message_id)

    moved = brought(database, guest, account)

    listed = service.page(account, limit=10).conversations
    assert moved == 3
    assert [each.conversation.id for each in listed] == [asked, second.id, first.id, old.id]
    assert listed[2].tags == ["boats"]
    assert set(found(database, account.owner_id, "harbour")) == {asked, first.id, second.id, old.id}
    assert found(database, guest.owner_id, "harbour") == []
    assert found(database, other.owner_id, "harbour") == [foreign.id]
    assert [kept.fact.text for kept in memory.state(account).facts] == ["I row.", "I sail."]
    assert brought(database, guest, account) == 0
    with database.read() as connection:
        keys = select(tables.idempotency_keys.c.key).where(tables.idempotency_keys.c.owner_id == account.owner_id)
        assert set(connection.execute(keys).scalars()) == {"same", "own"}
        left = select(tables.conversation_tags.c.tag).where(tables.conversation_tags.c.owner_id == guest.owner_id)
        assert connection.execute(left).first() is None


def test_an_account_is_not_moved_into_another(database: Database) -> None:
    """Only what was written without an account comes along."""
    service = Conversations(database, stop_runs=lambda _: None)
    one, two = (Principal(owner_id=new_owner(database), kind="user") for _ in range(2))
    add_messages(database, one.owner_id, [], title="Mine")

    assert brought(database, one, two) == 0
    assert service.page(two, limit=5).conversations == []
