"""People's own keys for model servers, encrypted."""

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import Connection, Row, bindparam, delete, insert, select, update

from chatapp.store.account_tables import provider_keys
from chatapp.store.prepared import Prepared


class ProviderKey(msgspec.Struct, frozen=True, kw_only=True):
    """A key as it is kept: for whom, for which server, and sealed."""

    id: UUID
    user_id: UUID
    name: str
    base_url: str
    sealed: bytes
    last_four: str
    models: tuple[str, ...] = ()
    created_at: datetime
    last_used_at: datetime | None = None


_ALL = (
    select(provider_keys)
    .where(provider_keys.c.user_id == bindparam("user"))
    .order_by(provider_keys.c.created_at.desc(), provider_keys.c.id.desc())
)
# Every question of somebody who is signed in asks this; most people have none.
_ANY = Prepared(select(provider_keys.c.id).where(provider_keys.c.user_id == bindparam("user")).limit(1))
# Without the lists of models, which can be long.
_FOR_USE = _ALL.with_only_columns(*(column for column in provider_keys.c if column.name != "models"))


def of_user(connection: Connection, user_id: UUID) -> list[ProviderKey]:
    """Return all keys of an account, the newest first."""
    return [_as_key(row, tuple(row.models)) for row in connection.execute(_ALL, {"user": user_id})]


def for_use(connection: Connection, user_id: UUID) -> list[ProviderKey]:
    """Return the same without the models that their servers have."""
    if _ANY.first(connection, {"user": user_id}) is None:
        return []
    return [_as_key(row, ()) for row in connection.execute(_FOR_USE, {"user": user_id})]


def get(connection: Connection, key_id: UUID) -> ProviderKey | None:
    row = connection.execute(select(provider_keys).where(provider_keys.c.id == key_id)).first()
    return None if row is None else _as_key(row, tuple(row.models))


def add(connection: Connection, key: ProviderKey) -> None:
    connection.execute(insert(provider_keys).values(msgspec.structs.asdict(key) | {"models": list(key.models)}))


def remove(connection: Connection, key_id: UUID) -> None:
    connection.execute(delete(provider_keys).where(provider_keys.c.id == key_id))


def note_use(connection: Connection, key_id: UUID, at: datetime) -> None:
    connection.execute(update(provider_keys).where(provider_keys.c.id == key_id).values(last_used_at=at))


def _as_key(row: Row[Any], models: tuple[str, ...]) -> ProviderKey:
    return ProviderKey(
        id=row.id,
        user_id=row.user_id,
        name=row.name,
        base_url=row.base_url,
        sealed=row.sealed,
        last_four=row.last_four,
        models=models,
        created_at=row.created_at,
        last_used_at=row.last_used_at,
    )
