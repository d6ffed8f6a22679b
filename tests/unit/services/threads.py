"""Threads of any length in a real database, for what is told of them."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from uuid_utils.compat import uuid7

from chatapp.core.conversations import Conversation
from chatapp.store import conversations, messages, owners
from chatapp.store.db import Database

ROLES = {"u": "user", "a": "assistant"}


def new_thread(database: Database) -> Conversation:
    """Make an owner and an empty conversation."""
    owner_id = uuid7()
    with database.write() as connection:
        owners.ensure(connection, owner_id)
        return conversations.create(connection, owner_id=owner_id, title="")


def say(database: Database, thread: Conversation, turns: Sequence[str], *, after: UUID | None = None) -> list[UUID]:
    """Add messages below `after` and return their ids.

    Shape: "u:text" is a question, "a:text" an answer.
    """
    rows: list[dict[str, Any]] = []
    for turn in turns:
        row = {"id": uuid7(), "role": ROLES[turn[0]], "text": turn[2:], "state": "complete", "model": None}
        rows.append({**row, "parent_id": rows[-1]["id"] if rows else after})
    with database.write() as connection:
        last_seq = messages.next_seq(
            connection, thread.id, owner_id=thread.owner_id, count=len(rows), head_id=rows[-1]["id"]
        )
        messages.add(connection, thread.id, rows, last_seq=last_seq)
    return [row["id"] for row in rows]


def pin(database: Database, *message_ids: UUID) -> None:
    with database.write() as connection:
        for message_id in message_ids:
            messages.change(connection, message_id, is_pinned=True)
