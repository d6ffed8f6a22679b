"""Invitations: who may have an account, by the hash of a secret."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection, delete, insert, or_, select, tuple_, update

from chatapp.core.administration import Invitation
from chatapp.store.account_tables import invitations, users
from chatapp.store.members import place_of

# Whoever is no administrator any more must not come back as one, or bring others, by links that they have kept.
_IS_BY_ADMIN = invitations.c.created_by.in_(
    select(users.c.id).where(users.c.role == "admin", users.c.suspended_at.is_(None))
)
_COLUMNS = tuple(invitations.c[name] for name in Invitation.__struct_fields__)


def add(connection: Connection, invitation: Invitation, secret_hash: str) -> None:
    values = {name: getattr(invitation, name) for name in Invitation.__struct_fields__}
    connection.execute(insert(invitations).values(secret_hash=secret_hash, **values))


def take(
    connection: Connection, secret_hash: str, *, email_key: str, user_id: UUID, now: datetime
) -> Invitation | None:
    """Use an invitation up, which one alone can do; None when it is not there for this address any more."""
    used = (
        update(invitations)
        .where(
            invitations.c.secret_hash == secret_hash,
            invitations.c.used_at.is_(None),
            invitations.c.expires_at > now,
            _IS_BY_ADMIN,
            or_(invitations.c.email_key.is_(None), invitations.c.email_key == email_key),
        )
        .values(used_by=user_id, used_at=now)
        .returning(*_COLUMNS)
    )
    row = connection.execute(used).first()
    return None if row is None else Invitation(**row._asdict())


def find(connection: Connection, secret_hash: str, now: datetime) -> Invitation | None:
    """Return an invitation that can still be used."""
    asked = select(*_COLUMNS).where(
        invitations.c.secret_hash == secret_hash,
        invitations.c.used_at.is_(None),
        invitations.c.expires_at > now,
        _IS_BY_ADMIN,
    )
    row = connection.execute(asked).first()
    return None if row is None else Invitation(**row._asdict())


def page(connection: Connection, *, limit: int, after: tuple[datetime, UUID] | None) -> list[Invitation]:
    """Return invitations, newest first."""
    asked = select(*_COLUMNS).order_by(invitations.c.created_at.desc(), invitations.c.id.desc()).limit(limit)
    if after is not None:
        asked = asked.where(tuple_(invitations.c.created_at, invitations.c.id) < place_of(*after))
    return [Invitation(**row._asdict()) for row in connection.execute(asked)]


def remove(connection: Connection, invitation_id: UUID) -> bool:
    return connection.execute(delete(invitations).where(invitations.c.id == invitation_id)).rowcount == 1


def remove_before(connection: Connection, at: datetime) -> None:
    """Remove those made before then."""
    connection.execute(delete(invitations).where(invitations.c.created_at < at))
