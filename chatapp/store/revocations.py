"""Rights that ended: a note for all workers, and the look at who still has theirs."""

from collections.abc import Collection
from datetime import UTC, datetime
from uuid import UUID

import msgspec
from sqlalchemy import Connection, delete, func, insert, select

from chatapp.store.account_tables import personal_tokens, revocations, sessions, users

# More than ever come in one look; what is over waits for the next.
MOST_AT_ONCE = 5_000


class Revocation(msgspec.Struct, frozen=True):
    """One note; `credential_id` None for everything that the owner has."""

    id: int
    owner_id: UUID
    credential_id: UUID | None


class Standing(msgspec.Struct, frozen=True):
    """Who of those asked for has an account that is not suspended, whose is, and which credentials exist."""

    active: frozenset[UUID]
    suspended: frozenset[UUID]
    credentials: frozenset[UUID]


def add(connection: Connection, owner_id: UUID, credential_id: UUID | None) -> None:
    values = {"owner_id": owner_id, "credential_id": credential_id, "at": datetime.now(UTC)}
    connection.execute(insert(revocations).values(values))


def newest_id(connection: Connection) -> int:
    """Return the number of the newest note, 0 when there is none."""
    found: int | None = connection.execute(select(func.max(revocations.c.id))).scalar()
    return found or 0


def after(connection: Connection, revocation_id: int) -> list[Revocation]:
    """Return the notes with a higher number, oldest first."""
    asked = (
        select(revocations.c.id, revocations.c.owner_id, revocations.c.credential_id)
        .where(revocations.c.id > revocation_id)
        .order_by(revocations.c.id)
        .limit(MOST_AT_ONCE)
    )
    return [Revocation(*row) for row in connection.execute(asked)]


def standing_of(connection: Connection, owner_ids: Collection[UUID], credential_ids: Collection[UUID]) -> Standing:
    """Return what is left of these rights."""
    asked = select(users.c.id, users.c.suspended_at).where(users.c.id.in_(owner_ids))
    accounts = connection.execute(asked).all()
    found: set[UUID] = set()
    for table in (sessions, personal_tokens):
        found.update(connection.execute(select(table.c.id).where(table.c.id.in_(credential_ids))).scalars())
    return Standing(
        active=frozenset(user_id for user_id, suspended_at in accounts if suspended_at is None),
        suspended=frozenset(user_id for user_id, suspended_at in accounts if suspended_at is not None),
        credentials=frozenset(found),
    )


def forget(connection: Connection, before: datetime) -> None:
    connection.execute(delete(revocations).where(revocations.c.at < before))
