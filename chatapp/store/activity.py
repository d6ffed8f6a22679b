"""The order in which an owner's conversations were last used, by number and not by clock."""

from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, func, select

from chatapp.store.tables import conversations


def next_activity(owner_id: UUID | ColumnElement[Any]) -> ColumnElement[int]:
    """Return the SQL for the number of the owner's next doing."""
    # The newest by the index: `max()` would be as good, but NULL without a conversation.
    newest = (
        select(conversations.c.activity)
        .where(conversations.c.owner_id == owner_id)
        .order_by(conversations.c.activity.desc())
        .limit(1)
    )
    return func.coalesce(newest.scalar_subquery(), 0) + 1
