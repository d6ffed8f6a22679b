"""Accounts."""

from datetime import UTC, datetime
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import Connection, Row, Select, bindparam, delete, insert, select, update

from chatapp.core.accounts import Theme, User, email_key, name_key
from chatapp.core.principals import Role
from chatapp.store.account_tables import (
    claims,
    identities,
    passkeys,
    personal_tokens,
    provider_keys,
    recovery_codes,
    tickets,
    users,
)
from chatapp.store.db import IntegrityError
from chatapp.store.prepared import Prepared
from chatapp.store.tables import owners

# Stands in place of the address of an account that is being deleted; no address begins so.
CLOSED = "deleted:"
_LOCK = select(users.c.id).where(users.c.id == bindparam("user")).with_for_update()
# Every answer that begins a conversation asks this.
_STANDING = Prepared(
    select(users.c.email_key, users.c.suspended_at)
    .where(users.c.id == bindparam("user"))
    .with_for_update(read=True, key_share=True)
)


def get(connection: Connection, user_id: UUID) -> User | None:
    return _one(connection, select(users).where(users.c.id == user_id))


def by_email(connection: Connection, email: str) -> User | None:
    if not email.isprintable():
        # No address that has an account, and perhaps nothing that a database takes.
        return None
    return _one(connection, select(users).where(users.c.email_key == email_key(email)))


def all_of_them(connection: Connection) -> list[User]:
    """Return all accounts, oldest first."""
    return [as_user(row) for row in connection.execute(select(users).order_by(users.c.created_at, users.c.id))]


def standing(connection: Connection, user_id: UUID) -> Literal["active", "suspended", "gone"]:
    """Say what has become of an account, which stays so until the transaction ends."""
    row = _STANDING.first(connection, {"user": user_id})
    if row is None or row[0].startswith(CLOSED):
        return "gone"
    return "active" if row[1] is None else "suspended"


def lock(connection: Connection, user_id: UUID) -> None:
    """Let nobody else change this account until the transaction ends."""
    connection.execute(_LOCK, {"user": user_id})


def add(
    connection: Connection,
    *,
    user_id: UUID,
    email: str,
    name: str,
    role: Role,
    password_hash: str | None,
    confirmed_at: datetime | None,
) -> User | None:
    """Add an account and its owner; None when the address has one already."""
    now = datetime.now(UTC)
    try:
        with connection.begin_nested():
            connection.execute(insert(owners).values(id=user_id, kind="user", created_at=now))
            connection.execute(
                insert(users).values(
                    id=user_id,
                    email=email,
                    email_key=email_key(email),
                    name=name,
                    name_key=name_key(name),
                    language="en",
                    theme="auto",
                    role=role,
                    password_hash=password_hash,
                    created_at=now,
                    confirmed_at=confirmed_at,
                )
            )
    except IntegrityError:
        return None
    return get(connection, user_id)


def claim(connection: Connection, name: str, user_id: UUID) -> bool:
    """Say whether this account is the one that gets what there is one of."""
    try:
        with connection.begin_nested():
            connection.execute(insert(claims).values(name=name, user_id=user_id))
    except IntegrityError:
        return False
    return True


def is_claimed(connection: Connection, name: str) -> bool:
    return connection.execute(select(claims.c.name).where(claims.c.name == name)).first() is not None


def password_hash(connection: Connection, user_id: UUID) -> str | None:
    found: str | None = connection.execute(select(users.c.password_hash).where(users.c.id == user_id)).scalar()
    return found


def set_password(connection: Connection, user_id: UUID, hashed: str) -> None:
    _set(connection, user_id, password_hash=hashed)


def change_profile(
    connection: Connection,
    user_id: UUID,
    *,
    name: str | None = None,
    language: str | None = None,
    theme: Theme | None = None,
) -> None:
    """Change what is given."""
    folded = None if name is None else name_key(name)
    given = {"name": name, "name_key": folded, "language": language, "theme": theme}
    if values := {key: value for key, value in given.items() if value is not None}:
        _set(connection, user_id, **values)


def set_role(connection: Connection, user_id: UUID, role: Role) -> None:
    _set(connection, user_id, role=role)


def confirm(connection: Connection, user_id: UUID) -> None:
    """Note that the address is proven."""
    _set(connection, user_id, confirmed_at=datetime.now(UTC))


def suspend(connection: Connection, user_id: UUID, at: datetime | None) -> None:
    """Suspend an account, or restore it with None."""
    _set(connection, user_id, suspended_at=at)


def touch(connection: Connection, user_id: UUID, at: datetime) -> None:
    _set(connection, user_id, last_seen_at=at)


def close(connection: Connection, user_id: UUID, at: datetime) -> None:
    """Shut an account that is being deleted: its address is free, and nobody can sign in to it."""
    gone = f"{CLOSED}{user_id.hex}"
    _set(
        connection,
        user_id,
        email=gone,
        email_key=gone,
        name="",
        name_key="",
        password_hash=None,
        role="user",
        suspended_at=at,
        totp_secret=None,
        totp_confirmed_at=None,
    )
    for table in (passkeys, identities, personal_tokens, provider_keys, recovery_codes, tickets):
        connection.execute(delete(table).where(table.c.user_id == user_id))


def closed(connection: Connection) -> list[UUID]:
    """Return the accounts that are being deleted."""
    return list(connection.execute(select(users.c.id).where(users.c.email_key.startswith(CLOSED))).scalars())


def remove(connection: Connection, user_id: UUID) -> None:
    """Remove an owner with everything that is theirs."""
    connection.execute(delete(owners).where(owners.c.id == user_id))


def as_user(row: Row[Any]) -> User:
    """Return the account in a row of all columns of `users`."""
    return User(
        id=row.id,
        email=row.email,
        name=row.name,
        language=row.language,
        theme=row.theme,
        role=row.role,
        created_at=row.created_at,
        confirmed_at=row.confirmed_at,
        suspended_at=row.suspended_at,
        last_seen_at=row.last_seen_at,
        has_password=row.password_hash is not None,
        has_totp=row.totp_confirmed_at is not None,
    )


def _one(connection: Connection, found: Select[Any]) -> User | None:
    row = connection.execute(found).first()
    return None if row is None else as_user(row)


def _set(connection: Connection, user_id: UUID, **values: Any) -> None:
    connection.execute(update(users).where(users.c.id == user_id).values(**values))
