"""Identities: who people are at another provider, by its address and its name for them."""

from datetime import UTC, datetime
from uuid import UUID

import msgspec
from sqlalchemy import Connection, delete, insert, select

from chatapp.store.account_tables import identities
from chatapp.store.db import IntegrityError


class Identity(msgspec.Struct, frozen=True, kw_only=True):
    """Who an account's owner is for one issuer."""

    issuer: str
    subject: str
    user_id: UUID
    created_at: datetime


def add(connection: Connection, issuer: str, subject: str, user_id: UUID) -> bool:
    """Link an identity to an account; False when it is linked already, to this one or another."""
    made = insert(identities).values(issuer=issuer, subject=subject, user_id=user_id, created_at=datetime.now(UTC))
    try:
        with connection.begin_nested():
            connection.execute(made)
    except IntegrityError:
        return False
    return True


def find_user(connection: Connection, issuer: str, subject: str) -> UUID | None:
    """Return the account that an identity is linked to."""
    found: UUID | None = connection.execute(
        select(identities.c.user_id).where(identities.c.issuer == issuer, identities.c.subject == subject)
    ).scalar()
    return found


def of_user(connection: Connection, user_id: UUID) -> list[Identity]:
    """Return the identities of an account, oldest first."""
    found = select(identities).where(identities.c.user_id == user_id)
    rows = connection.execute(found.order_by(identities.c.created_at, identities.c.issuer))
    return [Identity(**row._mapping) for row in rows]


def remove(connection: Connection, identity: Identity) -> None:
    connection.execute(
        delete(identities).where(identities.c.issuer == identity.issuer, identities.c.subject == identity.subject)
    )


def remove_all(connection: Connection, user_id: UUID) -> None:
    connection.execute(delete(identities).where(identities.c.user_id == user_id))
