"""Sessions of programs: what an access token stands for, and the turn of refresh tokens."""

from datetime import datetime
from uuid import UUID

import msgspec
from sqlalchemy import Connection, bindparam, select, update

from chatapp.core.principals import Role, Scope
from chatapp.store.account_tables import sessions, users
from chatapp.store.prepared import Prepared


class Living(msgspec.Struct, frozen=True, kw_only=True):
    """What a request needs to know of the session behind its access token."""

    scopes: frozenset[Scope]
    role: Role
    is_suspended: bool


# Every request with an access token asks this.
_LIVING = Prepared(
    select(sessions.c.scopes, users.c.role, users.c.suspended_at.is_not(None).label("is_suspended"))
    .join(users, users.c.id == sessions.c.user_id)
    .where(
        sessions.c.id == bindparam("session"),
        sessions.c.user_id == bindparam("user"),
        sessions.c.kind == "program",
        sessions.c.expires_at > bindparam("now"),
    )
)


def living(connection: Connection, session_id: UUID, user_id: UUID, now: datetime) -> Living | None:
    """Return a program's session of this account that has not ended."""
    row = _LIVING.first(connection, {"session": session_id, "user": user_id, "now": now})
    if row is None:
        return None
    scopes, role, is_suspended = row
    return Living(scopes=frozenset(scopes.split()), role=role, is_suspended=bool(is_suspended))


def give(connection: Connection, session_id: UUID, secret_hash: str) -> None:
    """Put the first refresh token in the place of the secret that every session begins with."""
    connection.execute(update(sessions).where(sessions.c.id == session_id).values(secret_hash=secret_hash))


def rotate(
    connection: Connection, session_id: UUID, *, old_hash: str, new_hash: str, now: datetime, until: datetime
) -> bool:
    """Put a new refresh token in the place of the current one; of several who try, exactly one does."""
    turn = (
        update(sessions)
        .where(sessions.c.id == session_id, sessions.c.secret_hash == old_hash, sessions.c.kind == "program")
        .values(secret_hash=new_hash, previous_hash=old_hash, last_seen_at=now, expires_at=until)
    )
    return connection.execute(turn).rowcount == 1


def is_just_replaced(connection: Connection, session_id: UUID, old_hash: str, since: datetime) -> bool:
    """Say whether this was the refresh token until a moment ago."""
    found = select(sessions.c.id).where(
        sessions.c.id == session_id, sessions.c.previous_hash == old_hash, sessions.c.last_seen_at > since
    )
    return connection.execute(found).first() is not None
