"""Passkeys: the public keys by which people sign in without a password."""

from datetime import datetime
from uuid import UUID

import msgspec
from sqlalchemy import Connection, Row, delete, exists, func, insert, select, update

from chatapp.core.passkeys import Passkey
from chatapp.store.account_tables import identities, passkeys, users
from chatapp.store.db import IntegrityError


def add(connection: Connection, passkey: Passkey) -> bool:
    """Keep a passkey; False when its credential is known already, to this account or another."""
    try:
        with connection.begin_nested():
            connection.execute(
                insert(passkeys).values(
                    msgspec.structs.asdict(passkey) | {"transports": list(passkey.transports)},
                )
            )
    except IntegrityError:
        return False
    return True


def of_user(connection: Connection, user_id: UUID) -> list[Passkey]:
    """Return the passkeys of an account, oldest first."""
    found = select(passkeys).where(passkeys.c.user_id == user_id).order_by(passkeys.c.created_at, passkeys.c.id)
    return [_passkey(row) for row in connection.execute(found)]


def by_credential(connection: Connection, credential_id: bytes) -> Passkey | None:
    row = connection.execute(select(passkeys).where(passkeys.c.credential_id == credential_id)).first()
    return None if row is None else _passkey(row)


def count(connection: Connection, user_id: UUID) -> int:
    found = select(func.count()).select_from(passkeys).where(passkeys.c.user_id == user_id)
    return connection.execute(found).scalar_one()


def note_use(connection: Connection, passkey_id: UUID, *, sign_count: int, at: datetime) -> bool:
    """Note that a passkey was used; False when its count did not go up, or it is no longer there.

    A holder that does not count says 0 each time.
    """
    goes_up = passkeys.c.sign_count < sign_count if sign_count else passkeys.c.sign_count == 0
    used = update(passkeys).where(passkeys.c.id == passkey_id, goes_up).values(sign_count=sign_count, last_used_at=at)
    return connection.execute(used).rowcount == 1


def rename(connection: Connection, user_id: UUID, passkey_id: UUID, name: str) -> bool:
    """Give a passkey of an account another name; False when there is none."""
    renamed = update(passkeys).where(passkeys.c.id == passkey_id, passkeys.c.user_id == user_id).values(name=name)
    return connection.execute(renamed).rowcount == 1


def remove(connection: Connection, user_id: UUID, passkey_id: UUID) -> bool:
    """Forget a passkey of an account; False when there is none."""
    removed = delete(passkeys).where(passkeys.c.id == passkey_id, passkeys.c.user_id == user_id)
    return connection.execute(removed).rowcount == 1


def ways_in(connection: Connection, user_id: UUID) -> int:
    """Count how an account can be signed in to: by password, by each passkey, by each other provider.

    Who takes one away locks the account first (`users.lock`), counts, and leaves at least one.
    """
    by_password = select(exists().where(users.c.id == user_id, users.c.password_hash.is_not(None)))
    by_identity = select(func.count()).select_from(identities).where(identities.c.user_id == user_id)
    return (
        int(bool(connection.execute(by_password).scalar()))
        + connection.execute(by_identity).scalar_one()
        + count(connection, user_id)
    )


def _passkey(row: Row[tuple[object, ...]]) -> Passkey:
    return Passkey(**{**row._asdict(), "transports": tuple(row.transports)})
