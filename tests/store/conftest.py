"""What tests of the store share: an owner, and quick ways to fill a conversation."""

from collections.abc import Sequence
from uuid import UUID

import pytest
from uuid_utils.compat import uuid7

from chatapp.core.principals import Principal
from chatapp.store import conversations, messages, owners, search
from chatapp.store.db import Database


@pytest.fixture
def owner_id(database: Database) -> UUID:
    """Somebody who has no conversation yet."""
    return new_owner(database)


@pytest.fixture
def principal(owner_id: UUID) -> Principal:
    return Principal(owner_id=owner_id)


def new_owner(database: Database) -> UUID:
    owner_id = uuid7()
    with database.write() as connection:
        owners.ensure(connection, owner_id)
    return owner_id


def add_messages(database: Database, owner_id: UUID, texts: Sequence[str], *, title: str = "A title") -> UUID:
    """Make a conversation of these messages, questions and answers in turns, each after the one before."""
    ids = [uuid7() for _ in texts]
    with database.write() as connection:
        made = conversations.create(connection, owner_id=owner_id, title=title)
        if not texts:
            return made.id
        last_seq = messages.next_seq(connection, made.id, owner_id=owner_id, count=len(texts), head_id=ids[-1])
        rows = [
            {
                "id": message_id,
                "parent_id": ids[place - 1] if place else None,
                "role": "assistant" if place % 2 else "user",
                "text": text,
                "state": "complete",
            }
            for place, (message_id, text) in enumerate(zip(ids, texts, strict=True))
        ]
        messages.add(connection, made.id, rows, last_seq=last_seq)
        search.index_all(
            connection,
            owner_id,
            [
                search.Text(conversation_id=made.id, message_id=message_id, text=text)
                for message_id, text in zip(ids, texts, strict=True)
            ],
        )
    return made.id
