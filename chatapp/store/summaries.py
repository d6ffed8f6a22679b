"""Summaries: what stands for the older part of a path, each kept by the last message that it covers."""

from datetime import UTC, datetime
from uuid import UUID

from sqlalchemy import Connection, delete, insert, literal, select
from sqlalchemy.exc import IntegrityError

from chatapp.core.prompt import Summary
from chatapp.store.tables import messages, summaries


def put(connection: Connection, conversation_id: UUID, summary: Summary) -> bool:
    """Keep a summary in the place of one that covers the same.

    False when its last message is gone, or when somebody else keeps one at the same moment.
    """
    try:
        with connection.begin_nested():
            connection.execute(delete(summaries).where(summaries.c.until_id == summary.until_id))
            connection.execute(
                insert(summaries).values(
                    until_id=summary.until_id,
                    conversation_id=conversation_id,
                    text=summary.text,
                    model=summary.model,
                    covers=summary.covers,
                    created_at=datetime.now(UTC),
                )
            )
    except IntegrityError:
        return False
    return True


def nearest(connection: Connection, conversation_id: UUID, message_id: UUID) -> Summary | None:
    """Return the summary that a path up from a message meets first.

    Cost: one look when the conversation has no summary; else a step per message up to it.
    """
    kept = list(
        connection.execute(select(summaries.c.until_id).where(summaries.c.conversation_id == conversation_id)).scalars()
    )
    if not kept:
        return None
    path = (
        select(messages.c.id, messages.c.parent_id, literal(1).label("steps"))
        .where(messages.c.id == message_id)
        .cte("path", recursive=True)
    )
    above = messages.alias("above")
    path = path.union_all(
        select(above.c.id, above.c.parent_id, path.c.steps + 1)
        .join(path, above.c.id == path.c.parent_id)
        .where(path.c.id.not_in(kept))
    )
    row = connection.execute(
        select(summaries)
        .join(path, summaries.c.until_id == path.c.id)
        .where(summaries.c.conversation_id == conversation_id)
        .order_by(path.c.steps)
        .limit(1)
    ).first()
    return None if row is None else Summary(until_id=row.until_id, text=row.text, model=row.model, covers=row.covers)
