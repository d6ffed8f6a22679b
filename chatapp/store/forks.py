"""Copying the path to a message into a conversation of its own."""

from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Table, insert, literal, select, update
from uuid_utils.compat import uuid7

from chatapp.core.conversations import Conversation
from chatapp.store import search
from chatapp.store.tables import conversations, messages, summaries

BATCH = 500


def copy_path(connection: Connection, source: Conversation, target: Conversation, until_id: UUID) -> None:
    """Fill an empty conversation with copies of a message and all before it, and let them be found.

    Titles, ratings and summaries come along; what was said keeps its time.
    """
    path = [dict(row) for row in _path(connection, source.id, until_id)]
    new_ids = {row["id"]: uuid7() for row in path}
    for place, row in enumerate(path, start=1):
        row.update(
            id=new_ids[row["id"]],
            parent_id=new_ids.get(row["parent_id"]),
            conversation_id=target.id,
            seq=place,
        )
    _insert(connection, messages, path)
    _insert(connection, summaries, _summaries(connection, target, new_ids))
    connection.execute(
        update(conversations)
        .where(conversations.c.id == target.id)
        .values(head_id=new_ids[until_id], last_seq=len(path))
    )
    search.index_all(
        connection,
        target.owner_id,
        [search.Text(conversation_id=target.id, message_id=row["id"], text=row["text"]) for row in path],
    )


def _path(connection: Connection, conversation_id: UUID, until_id: UUID) -> list[Any]:
    path = (
        select(messages.c.id, messages.c.parent_id, literal(1).label("steps"))
        .where(messages.c.id == until_id)
        .cte("path", recursive=True)
    )
    above = messages.alias("above")
    path = path.union_all(
        select(above.c.id, above.c.parent_id, path.c.steps + 1).join(path, above.c.id == path.c.parent_id)
    )
    found = select(*messages.c, path.c.steps).join(path, messages.c.id == path.c.id)
    found = found.where(messages.c.conversation_id == conversation_id)
    rows = sorted(connection.execute(found).mappings(), key=lambda row: -row["steps"])
    return [{name: value for name, value in row.items() if name != "steps"} for row in rows]


def _summaries(connection: Connection, target: Conversation, new_ids: dict[UUID, UUID]) -> list[dict[str, Any]]:
    old_ids = list(new_ids)
    copies = []
    for start in range(0, len(old_ids), BATCH):
        found = select(summaries).where(summaries.c.until_id.in_(old_ids[start : start + BATCH]))
        copies += [
            {**row, "until_id": new_ids[row["until_id"]], "conversation_id": target.id}
            for row in connection.execute(found).mappings()
        ]
    return copies


def _insert(connection: Connection, table: Table, rows: list[dict[str, Any]]) -> None:
    for start in range(0, len(rows), BATCH):
        connection.execute(insert(table), rows[start : start + BATCH])
