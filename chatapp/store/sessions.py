"""Sessions: who is signed in, by the hash of a secret."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, Row, bindparam, delete, insert, select, update

from chatapp.core.accounts import Session, SessionKind, User
from chatapp.store.account_tables import sessions, users
from chatapp.store.prepared import Prepared
from chatapp.store.users import as_user

# Every request of somebody who is signed in asks this.
_FIND = select(
    *(column.label(f"s_{column.name}") for column in sessions.c),
    *(column for column in users.c),
).join(users, users.c.id == sessions.c.user_id)
_BY_SECRET = _FIND.where(
    sessions.c.secret_hash == bindparam("secret"),
    sessions.c.kind == bindparam("kind"),
    sessions.c.expires_at > bindparam("now"),
)
_BY_ID = _FIND.where(sessions.c.id == bindparam("session"), sessions.c.expires_at > bindparam("now"))
_BY_SECRET_BEFORE = _FIND.where(
    sessions.c.previous_hash == bindparam("secret"),
    sessions.c.kind == "browser",
    sessions.c.confirmed_at > bindparam("since"),
    sessions.c.expires_at > bindparam("now"),
)
_TOUCH = Prepared(
    update(sessions)
    .where(sessions.c.id == bindparam("session"))
    .values(last_seen_at=bindparam("seen"), expires_at=bindparam("until"))
)


def add(connection: Connection, session: Session, secret_hash: str) -> None:
    connection.execute(
        insert(sessions).values(
            id=session.id,
            user_id=session.user_id,
            kind=session.kind,
            secret_hash=secret_hash,
            scopes=None if session.scopes is None else " ".join(sorted(session.scopes)),
            agent=session.agent,
            address=session.address,
            created_at=session.created_at,
            last_seen_at=session.last_seen_at,
            expires_at=session.expires_at,
            confirmed_at=session.confirmed_at,
        )
    )


def by_secret(
    connection: Connection, secret_hash: str, kind: SessionKind, now: datetime
) -> tuple[Session, User] | None:
    """Return the living session with this secret, and whose it is."""
    row = connection.execute(_BY_SECRET, {"secret": secret_hash, "kind": kind, "now": now}).first()
    return None if row is None else (_as_session(row), as_user(row))


def by_secret_before(
    connection: Connection, secret_hash: str, now: datetime, since: datetime
) -> tuple[Session, User] | None:
    """Return the living browser's session that had this secret until its person was asked who they are."""
    row = connection.execute(_BY_SECRET_BEFORE, {"secret": secret_hash, "now": now, "since": since}).first()
    return None if row is None else (_as_session(row), as_user(row))


def by_id(connection: Connection, session_id: UUID, now: datetime) -> tuple[Session, User] | None:
    row = connection.execute(_BY_ID, {"session": session_id, "now": now}).first()
    return None if row is None else (_as_session(row), as_user(row))


def of_user(connection: Connection, user_id: UUID, now: datetime) -> list[Session]:
    """Return the living sessions of an account, the last used first."""
    found = _FIND.where(sessions.c.user_id == user_id, sessions.c.expires_at > now)
    rows = connection.execute(found.order_by(sessions.c.last_seen_at.desc(), sessions.c.id))
    return [_as_session(row) for row in rows]


def touch(connection: Connection, session_id: UUID, *, seen: datetime, until: datetime) -> None:
    _TOUCH.run(connection, {"session": session_id, "seen": seen, "until": until})


def confirm(connection: Connection, session_id: UUID, at: datetime) -> None:
    """Note that the person behind it proved who they are."""
    connection.execute(update(sessions).where(sessions.c.id == session_id).values(confirmed_at=at))


def renew(connection: Connection, session_id: UUID, secret_hash: str) -> None:
    """Put a new secret in the place of the one before."""
    turn = update(sessions).where(sessions.c.id == session_id)
    connection.execute(turn.values(secret_hash=secret_hash, previous_hash=sessions.c.secret_hash))


def remove(connection: Connection, user_id: UUID, session_id: UUID) -> bool:
    """End one session of an account; False when there is none."""
    return _remove(connection, sessions.c.user_id == user_id, sessions.c.id == session_id) == 1


def remove_all(connection: Connection, user_id: UUID, *, but: UUID | None = None) -> list[UUID]:
    """End all sessions of an account but one, and return which."""
    ended = select(sessions.c.id).where(sessions.c.user_id == user_id)
    found = [each for each in connection.execute(ended).scalars() if each != but]
    if found:
        _remove(connection, sessions.c.id.in_(found))
    return found


def remove_expired(connection: Connection, now: datetime) -> None:
    _remove(connection, sessions.c.expires_at <= now)


def _remove(connection: Connection, *conditions: ColumnElement[bool]) -> int:
    return connection.execute(delete(sessions).where(*conditions)).rowcount


def _as_session(row: Row[Any]) -> Session:
    return Session(
        id=row.s_id,
        user_id=row.s_user_id,
        kind=row.s_kind,
        scopes=None if row.s_scopes is None else frozenset(row.s_scopes.split()),
        agent=row.s_agent,
        address=row.s_address,
        created_at=row.s_created_at,
        last_seen_at=row.s_last_seen_at,
        expires_at=row.s_expires_at,
        confirmed_at=row.s_confirmed_at,
    )
