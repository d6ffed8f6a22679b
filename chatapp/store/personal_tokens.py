"""Personal tokens: what a person's programs show instead of a password, by the hash of a secret."""

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import Connection, Row, bindparam, delete, func, insert, or_, select, update

from chatapp.core.personal_tokens import PersonalToken
from chatapp.core.principals import Role, Scope
from chatapp.store.account_tables import personal_tokens, users
from chatapp.store.prepared import Prepared


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """What a request needs to know of the token that it shows; `is_stale` when its last use was noted long ago."""

    id: UUID
    user_id: UUID
    scopes: frozenset[Scope]
    role: Role
    is_suspended: bool
    is_stale: bool


_IS_STALE = or_(personal_tokens.c.last_used_at.is_(None), personal_tokens.c.last_used_at < bindparam("stale"))
# Every request with a token asks this.
_SHOWN = Prepared(
    select(
        personal_tokens.c.id,
        personal_tokens.c.user_id,
        personal_tokens.c.scopes,
        users.c.role,
        users.c.suspended_at.is_not(None).label("is_suspended"),
        _IS_STALE.label("is_stale"),
    )
    .join(users, users.c.id == personal_tokens.c.user_id)
    .where(
        personal_tokens.c.secret_hash == bindparam("secret"),
        or_(personal_tokens.c.expires_at.is_(None), personal_tokens.c.expires_at > bindparam("now")),
    )
)
_USED = Prepared(
    update(personal_tokens)
    .where(personal_tokens.c.id == bindparam("token"), _IS_STALE)
    .values(last_used_at=bindparam("now"))
)


def shown(connection: Connection, secret_hash: str, *, now: datetime, stale: datetime) -> Shown | None:
    """Return the token with this secret unless it has expired; a use noted before `stale` is an old one."""
    row = _SHOWN.first(connection, {"secret": secret_hash, "now": now, "stale": stale})
    if row is None:
        return None
    token_id, user_id, scopes, role, is_suspended, is_stale = row
    return Shown(
        id=_uuid(token_id),
        user_id=_uuid(user_id),
        scopes=frozenset(scopes.split()),
        role=role,
        is_suspended=bool(is_suspended),
        is_stale=bool(is_stale),
    )


def note_use(connection: Connection, token_id: UUID, *, now: datetime, stale: datetime) -> None:
    """Note a use, unless somebody else just did."""
    _USED.run(connection, {"token": token_id, "now": now, "stale": stale})


def add(connection: Connection, token: PersonalToken, secret_hash: str) -> None:
    values = msgspec.structs.asdict(token) | {"scopes": " ".join(sorted(token.scopes)), "secret_hash": secret_hash}
    connection.execute(insert(personal_tokens).values(values))


def count(connection: Connection, user_id: UUID) -> int:
    found = select(func.count()).select_from(personal_tokens).where(personal_tokens.c.user_id == user_id)
    return connection.execute(found).scalar_one()


def of_user(connection: Connection, user_id: UUID) -> list[PersonalToken]:
    """Return all tokens of an account, the newest first, also those that have expired."""
    found = select(personal_tokens).where(personal_tokens.c.user_id == user_id)
    rows = connection.execute(found.order_by(personal_tokens.c.created_at.desc(), personal_tokens.c.id.desc()))
    return [_as_token(row) for row in rows]


def remove(connection: Connection, user_id: UUID, token_id: UUID) -> bool:
    """Remove one token of an account; False when it has none such."""
    gone = delete(personal_tokens).where(personal_tokens.c.user_id == user_id, personal_tokens.c.id == token_id)
    return connection.execute(gone).rowcount == 1


def _as_token(row: Row[Any]) -> PersonalToken:
    return PersonalToken(
        id=row.id,
        user_id=row.user_id,
        name=row.name,
        last_four=row.last_four,
        scopes=frozenset(row.scopes.split()),
        created_at=row.created_at,
        expires_at=row.expires_at,
        last_used_at=row.last_used_at,
    )


def _uuid(stored: UUID | str) -> UUID:
    """Return an id as the driver gives it: SQLite's has its digits only."""
    return stored if isinstance(stored, UUID) else UUID(hex=stored)
