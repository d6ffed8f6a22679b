"""The second factor of accounts: the shared secret of their codes, and the codes for when that is lost."""

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

import msgspec
from sqlalchemy import Connection, delete, insert, or_, select, update

from chatapp.store.account_tables import recovery_codes, users


class Totp(msgspec.Struct, frozen=True, kw_only=True):
    """A sealed secret, in use once it is confirmed, and the last step of time whose code was taken."""

    sealed: bytes
    confirmed_at: datetime | None
    last_step: int | None


def totp_of(connection: Connection, user_id: UUID) -> Totp | None:
    found = select(users.c.totp_secret, users.c.totp_confirmed_at, users.c.totp_last_step).where(
        users.c.id == user_id, users.c.totp_secret.is_not(None)
    )
    row = connection.execute(found).first()
    return None if row is None else Totp(sealed=row[0], confirmed_at=row[1], last_step=row[2])


def begin_totp(connection: Connection, user_id: UUID, sealed: bytes) -> bool:
    """Keep a secret that is to be confirmed, in place of an earlier one; False when one is in use."""
    kept = (
        update(users)
        .where(users.c.id == user_id, users.c.totp_confirmed_at.is_(None))
        .values(totp_secret=sealed, totp_last_step=None)
    )
    return connection.execute(kept).rowcount == 1


def confirm_totp(connection: Connection, user_id: UUID, sealed: bytes, *, at: datetime, step: int) -> bool:
    """Take this secret into use; False when another was begun, or is in use, by now."""
    confirmed = (
        update(users)
        .where(users.c.id == user_id, users.c.totp_confirmed_at.is_(None), users.c.totp_secret == sealed)
        .values(totp_confirmed_at=at, totp_last_step=step)
    )
    return connection.execute(confirmed).rowcount == 1


def take_step(connection: Connection, user_id: UUID, sealed: bytes, step: int) -> bool:
    """Use up the code of a step of time; False when it, or a later one, was taken before."""
    taken = (
        update(users)
        .where(
            users.c.id == user_id,
            users.c.totp_secret == sealed,
            users.c.totp_confirmed_at.is_not(None),
            or_(users.c.totp_last_step.is_(None), users.c.totp_last_step < step),
        )
        .values(totp_last_step=step)
    )
    return connection.execute(taken).rowcount == 1


def remove_totp(connection: Connection, user_id: UUID) -> bool:
    """Forget the secret and the recovery codes; False when no secret was in use."""
    removed = (
        update(users)
        .where(users.c.id == user_id, users.c.totp_confirmed_at.is_not(None))
        .values(totp_secret=None, totp_confirmed_at=None, totp_last_step=None)
    )
    connection.execute(delete(recovery_codes).where(recovery_codes.c.user_id == user_id))
    return connection.execute(removed).rowcount == 1


def replace_recovery_codes(connection: Connection, user_id: UUID, hashes: Iterable[str]) -> None:
    """Keep these codes, by their hashes, and none of the earlier ones."""
    connection.execute(delete(recovery_codes).where(recovery_codes.c.user_id == user_id))
    connection.execute(insert(recovery_codes), [{"user_id": user_id, "code_hash": each} for each in hashes])


def take_recovery_code(connection: Connection, user_id: UUID, code_hash: str) -> bool:
    """Use a code up; False when there is no such code, or no more."""
    taken = delete(recovery_codes).where(recovery_codes.c.user_id == user_id, recovery_codes.c.code_hash == code_hash)
    return connection.execute(taken).rowcount == 1
