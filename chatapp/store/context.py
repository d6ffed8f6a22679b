"""The path of a thread as a model is told of it: texts, pinned messages and summaries, from the question upwards."""

from collections.abc import Collection
from uuid import UUID

import msgspec
from sqlalchemy import Connection, or_, select, text

from chatapp.core.prompt import Said, Summary
from chatapp.store.paths import NO_LIMIT, PATH
from chatapp.store.tables import messages, summaries


class Place(msgspec.Struct, frozen=True):
    """How many messages a path has from its beginning to a message, and which of those asked for are among them."""

    count: int
    found: frozenset[UUID]


_SAID_UP = (
    select(
        messages.c.id,
        messages.c.parent_id,
        messages.c.role,
        messages.c.text,
        messages.c.is_pinned,
        PATH.c.steps,
        summaries.c.text.label("summary"),
        summaries.c.model.label("summary_model"),
        summaries.c.covers,
    )
    .join(PATH, messages.c.id == PATH.c.id)
    .outerjoin(summaries, summaries.c.until_id == messages.c.id)
)


def said_up(connection: Connection, from_id: UUID, *, limit: int) -> list[Said]:
    """Return at most `limit` messages from `from_id` upwards, newest first."""
    rows = connection.execute(_SAID_UP, {"from_id": from_id, "most": limit})
    return [
        Said(
            id=row.id,
            parent_id=row.parent_id,
            role=row.role,
            text=row.text,
            is_pinned=row.is_pinned,
            summary=None
            if row.summary is None
            else Summary(until_id=row.id, text=row.summary, model=row.summary_model, covers=row.covers),
        )
        for row in sorted(rows, key=lambda row: row.steps)
    ]


def place_of(connection: Connection, message_id: UUID, among: Collection[UUID] = ()) -> Place:
    """Return the place of a message on its path, and which of the messages `among` lie on it too.

    Cost: the database walks to the beginning of the path, without reading texts; only what was asked for leaves it.
    """
    wanted = or_(PATH.c.parent_id.is_(None), PATH.c.id.in_(list(among)))
    whole = {"from_id": message_id, "most": NO_LIMIT}
    rows = connection.execute(select(PATH.c.id, PATH.c.parent_id, PATH.c.steps).where(wanted), whole).all()
    count = next((row.steps for row in rows if row.parent_id is None), 0)
    return Place(count, frozenset(row.id for row in rows) & frozenset(among))


def pinned_ids(connection: Connection, conversation_id: UUID) -> list[UUID]:
    """Return the pinned messages of all branches, oldest first."""
    # In the words of the index: SQLite does not know that `= 1` means the same.
    is_pinned = text("messages.is_pinned")
    found = select(messages.c.id).where(messages.c.conversation_id == conversation_id, is_pinned)
    return list(connection.execute(found.order_by(messages.c.seq)).scalars())


def said(connection: Connection, message_ids: Collection[UUID]) -> list[Said]:
    """Return these messages in the order in which they were written, without summaries."""
    columns = (messages.c.id, messages.c.parent_id, messages.c.role, messages.c.text, messages.c.is_pinned)
    found = select(*columns).where(messages.c.id.in_(list(message_ids))).order_by(messages.c.seq)
    return [
        Said(id=row.id, parent_id=row.parent_id, role=row.role, text=row.text, is_pinned=row.is_pinned)
        for row in connection.execute(found)
    ]
