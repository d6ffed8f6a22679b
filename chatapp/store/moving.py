"""Giving everything that one owner has to another."""

from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, Text, cast, func, select, update
from sqlalchemy.dialects.postgresql import TSVECTOR

from chatapp.store.search import owner_term
from chatapp.store.tables import conversation_tags, conversations, facts, idempotency_keys, search_entries


def has_anything(connection: Connection, owner_id: UUID) -> bool:
    """Say whether there is something to give: a conversation, deleted or not, or a fact."""
    for table in (conversations, facts):
        if connection.execute(select(table.c.id).where(table.c.owner_id == owner_id).limit(1)).first() is not None:
            return True
    return False


def move(connection: Connection, source: UUID, target: UUID) -> int:
    """Give all conversations and facts of `source` to `target`, and return how many conversations those were.

    They come first in the target's list, in their order.
    """
    _move_search(connection, source, target)
    of = conversations.c
    newest = connection.execute(select(func.max(of.activity)).where(of.owner_id == target)).scalar() or 0
    moved = connection.execute(
        update(conversations).where(of.owner_id == source).values(owner_id=target, activity=of.activity + newest)
    )
    connection.execute(update(conversation_tags).where(conversation_tags.c.owner_id == source).values(owner_id=target))
    last = connection.execute(select(func.max(facts.c.seq)).where(facts.c.owner_id == target)).scalar() or 0
    connection.execute(update(facts).where(facts.c.owner_id == source).values(owner_id=target, seq=facts.c.seq + last))
    taken = select(idempotency_keys.c.key).where(idempotency_keys.c.owner_id == target)
    connection.execute(
        update(idempotency_keys)
        .where(idempotency_keys.c.owner_id == source, idempotency_keys.c.key.not_in(taken))
        .values(owner_id=target)
    )
    return int(moved.rowcount)


def _move_search(connection: Connection, source: UUID, target: UUID) -> None:
    """Let the texts be found by their new owner, whose name is one of their words."""
    theirs = select(conversations.c.id).where(conversations.c.owner_id == source)
    renamed = func.replace(cast(search_entries.c.terms, Text), owner_term(source), owner_term(target), type_=Text)
    terms: ColumnElement[Any] = cast(renamed, TSVECTOR) if connection.dialect.name == "postgresql" else renamed
    connection.execute(update(search_entries).where(search_entries.c.conversation_id.in_(theirs)).values(terms=terms))
