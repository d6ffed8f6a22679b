"""Memory: the facts of an owner, and whether models are told of them."""

from datetime import UTC, datetime
from uuid import UUID

import msgspec
from sqlalchemy import Connection, Row, bindparam, delete, func, insert, select, update
from uuid_utils.compat import uuid7

from chatapp.store.prepared import Prepared
from chatapp.store.tables import facts, owners


class Fact(msgspec.Struct, frozen=True, kw_only=True):
    """Something that an owner wants every model to know."""

    id: UUID
    owner_id: UUID
    text: str
    created_at: datetime


def is_enabled(connection: Connection, owner_id: UUID) -> bool:
    """Say whether models are told: they are, unless the owner said otherwise."""
    return connection.execute(select(owners.c.has_memory).where(owners.c.id == owner_id)).scalar() is not False


def enable(connection: Connection, owner_id: UUID, *, is_on: bool) -> None:
    connection.execute(update(owners).where(owners.c.id == owner_id).values(has_memory=is_on))


def lock(connection: Connection, owner_id: UUID) -> None:
    """Let nobody else change this owner's facts until the transaction ends."""
    connection.execute(select(owners.c.id).where(owners.c.id == owner_id).with_for_update())


def facts_of(connection: Connection, owner_id: UUID) -> list[Fact]:
    """Return all facts of an owner, oldest first."""
    rows = connection.execute(select(facts).where(facts.c.owner_id == owner_id).order_by(facts.c.seq))
    return [_fact(row) for row in rows]


_TOLD = Prepared(
    select(facts.c.text)
    .join(owners)
    .where(facts.c.owner_id == bindparam("owner"), owners.c.has_memory)
    .order_by(facts.c.seq)
)


def told(connection: Connection, owner_id: UUID) -> list[str]:
    """Return what models are told, oldest first: nothing when the owner has switched that off."""
    return [text for (text,) in _TOLD.all(connection, {"owner": owner_id})]


def get(connection: Connection, fact_id: UUID) -> Fact | None:
    row = connection.execute(select(facts).where(facts.c.id == fact_id)).first()
    return None if row is None else _fact(row)


def add(connection: Connection, owner_id: UUID, text: str) -> Fact:
    """Add a fact; the owner must be locked."""
    fact = Fact(id=uuid7(), owner_id=owner_id, text=text, created_at=datetime.now(UTC))
    last = connection.execute(select(func.max(facts.c.seq)).where(facts.c.owner_id == owner_id)).scalar() or 0
    connection.execute(
        insert(facts).values(id=fact.id, owner_id=owner_id, seq=last + 1, text=text, created_at=fact.created_at)
    )
    return fact


def change(connection: Connection, fact_id: UUID, text: str) -> None:
    connection.execute(update(facts).where(facts.c.id == fact_id).values(text=text))


def remove(connection: Connection, fact_id: UUID) -> None:
    connection.execute(delete(facts).where(facts.c.id == fact_id))


def _fact(row: Row[tuple[object, ...]]) -> Fact:
    return Fact(id=row.id, owner_id=row.owner_id, text=row.text, created_at=row.created_at)
