"""Tickets: secrets that let their bearer finish, once and soon, what was begun."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, NoReturn
from uuid import UUID

from chatapp.errors import BadInput
from chatapp.services.accounts.secrets import hash_of, new_secret
from chatapp.store import tickets
from chatapp.store.db import Connection
from chatapp.store.tickets import Ticket


def make(
    connection: Connection,
    kind: str,
    *,
    user_id: UUID | None,
    lifetime: timedelta,
    data: Mapping[str, Any] | None = None,
) -> str:
    """Return the secret of a new ticket."""
    secret = new_secret()
    until = datetime.now(UTC) + lifetime
    tickets.add(connection, kind, hash_of(secret), user_id=user_id, data=dict(data or {}), until=until)
    return secret


def take(connection: Connection, kind: str, secret: str) -> Ticket:
    """Use a ticket up and return what it stands for.

    Raises: `BadInput` (400 `link_not_valid`).
    """
    ticket = peek(connection, kind, secret)
    if not tickets.remove(connection, ticket.id):
        _refuse()
    return ticket


def peek(connection: Connection, kind: str, secret: str) -> Ticket:
    """Return what a ticket stands for, and leave it usable.

    Raises: see `take`.
    """
    ticket = tickets.get(connection, kind, hash_of(secret), datetime.now(UTC)) if secret else None
    if ticket is None:
        _refuse()
    return ticket


def _refuse() -> NoReturn:
    raise BadInput(
        "This link or code is not valid: it was used, or its time is over. Begin again.", code="link_not_valid"
    )
