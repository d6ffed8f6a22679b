"""Tickets: something begun that its bearer may finish once."""

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import Connection, delete, insert, select
from uuid_utils.compat import uuid7

from chatapp.store.account_tables import tickets


class Ticket(msgspec.Struct, frozen=True, kw_only=True):
    """What a ticket stands for."""

    id: UUID
    user_id: UUID | None
    data: dict[str, Any]


def add(
    connection: Connection, kind: str, secret_hash: str, *, user_id: UUID | None, data: dict[str, Any], until: datetime
) -> None:
    connection.execute(
        insert(tickets).values(
            id=uuid7(), kind=kind, secret_hash=secret_hash, user_id=user_id, data=data, expires_at=until
        )
    )


def get(connection: Connection, kind: str, secret_hash: str, now: datetime) -> Ticket | None:
    found = select(tickets.c.id, tickets.c.user_id, tickets.c.data).where(
        tickets.c.secret_hash == secret_hash, tickets.c.kind == kind, tickets.c.expires_at > now
    )
    row = connection.execute(found).first()
    return None if row is None else Ticket(id=row.id, user_id=row.user_id, data=row.data)


def remove(connection: Connection, ticket_id: UUID) -> bool:
    """Use a ticket up; False when somebody else just did."""
    return connection.execute(delete(tickets).where(tickets.c.id == ticket_id)).rowcount == 1


def remove_of_user(connection: Connection, user_id: UUID, kind: str | None = None) -> None:
    """Let all tickets of an account end, or those of one kind."""
    gone = delete(tickets).where(tickets.c.user_id == user_id)
    connection.execute(gone if kind is None else gone.where(tickets.c.kind == kind))


def remove_expired(connection: Connection, now: datetime) -> None:
    connection.execute(delete(tickets).where(tickets.c.expires_at <= now))
