"""Owners: whoever has conversations."""

from contextlib import suppress
from datetime import UTC, datetime
from uuid import UUID

from sqlalchemy import Connection, bindparam, insert, select
from sqlalchemy.exc import IntegrityError

from chatapp.store.prepared import Prepared
from chatapp.store.tables import owners

_FIND = Prepared(select(owners.c.kind).where(owners.c.id == bindparam("owner")))


def ensure(connection: Connection, owner_id: UUID) -> None:
    """See to it that a guest is known; the credential is made before there is anything to keep."""
    if _FIND.first(connection, {"owner": owner_id}) is not None:
        return
    # Another request of the same guest may do so at this moment.
    with suppress(IntegrityError), connection.begin_nested():
        connection.execute(insert(owners).values(id=owner_id, kind="guest", created_at=datetime.now(UTC)))
