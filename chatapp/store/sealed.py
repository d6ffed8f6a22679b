"""Everything that is kept encrypted, wherever it is: for sealing it anew under another key."""

from collections.abc import Sequence
from typing import Literal
from uuid import UUID

import msgspec
from sqlalchemy import Connection, select, update

from chatapp.store.account_tables import provider_keys, users


class Sealed(msgspec.Struct, frozen=True, kw_only=True):
    """One encrypted value: what it is, of which row and whom, and for keys the server they are for."""

    what: Literal["provider_key", "totp"]
    id: UUID
    user_id: UUID
    base_url: str = ""
    value: bytes


def everything(connection: Connection) -> Sequence[Sealed]:
    keys = select(provider_keys.c.id, provider_keys.c.user_id, provider_keys.c.base_url, provider_keys.c.sealed)
    secrets = select(users.c.id, users.c.totp_secret).where(users.c.totp_secret.is_not(None))
    return [
        *(
            Sealed(what="provider_key", id=row.id, user_id=row.user_id, base_url=row.base_url, value=row.sealed)
            for row in connection.execute(keys.order_by(provider_keys.c.id))
        ),
        *(
            Sealed(what="totp", id=row.id, user_id=row.id, value=row.totp_secret)
            for row in connection.execute(secrets.order_by(users.c.id))
        ),
    ]


def replace(connection: Connection, sealed: Sealed, value: bytes) -> None:
    """Keep another value in place of one, unless something else was put there since."""
    if sealed.what == "provider_key":
        is_same = (provider_keys.c.id == sealed.id, provider_keys.c.sealed == sealed.value)
        connection.execute(update(provider_keys).where(*is_same).values(sealed=value))
    else:
        connection.execute(
            update(users).where(users.c.id == sealed.id, users.c.totp_secret == sealed.value).values(totp_secret=value)
        )
