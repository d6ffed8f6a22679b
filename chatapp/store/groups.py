"""Groups of accounts."""

from datetime import UTC, datetime
from uuid import UUID

from sqlalchemy import Connection, delete, insert, update

from chatapp.store.account_tables import groups


def add(connection: Connection, group_id: UUID, name: str) -> None:
    """Raises: `IntegrityError` when another has the name."""
    connection.execute(insert(groups).values(id=group_id, name=name, created_at=datetime.now(UTC)))


def rename(connection: Connection, group_id: UUID, name: str) -> bool:
    """Say whether there is such a group.

    Raises: see `add`.
    """
    return connection.execute(update(groups).where(groups.c.id == group_id).values(name=name)).rowcount == 1


def remove(connection: Connection, group_id: UUID) -> bool:
    """Remove a group and the invitations into it; its members stay."""
    return connection.execute(delete(groups).where(groups.c.id == group_id)).rowcount == 1
