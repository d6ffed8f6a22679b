"""The audit log as administrators read it."""

from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from chatapp.core.accounts import User
from chatapp.core.administration import AuditEvent
from chatapp.store import audit, members
from chatapp.store.db import Database

KEPT = timedelta(days=365)


class AuditPage(msgspec.Struct, frozen=True):
    """Some events, newest first, the people in them who still have an account, and where the next page goes on."""

    events: list[AuditEvent]
    people: dict[UUID, User]
    next: int | None


class AuditLog:
    """All methods raise `StorageUnavailable` (503)."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def page(
        self, *, limit: int, before: int | None = None, kind: str | None = None, person_id: UUID | None = None
    ) -> AuditPage:
        """Return events: `kind` is that of an event or the beginning of it up to a dot, `person_id` whoever did it or
        to whom it was done."""
        with self._database.read() as connection:
            found = audit.page(connection, limit=limit + 1, before=before, kind=kind, person_id=person_id)
            shown = found[:limit]
            ids = {each for event in shown for each in (event.actor_id, event.subject_id) if each is not None}
            people = members.named(connection, ids)
        return AuditPage(shown, people, shown[-1].id if len(found) > limit else None)

    def forget_old(self, now: datetime) -> None:
        """Remove what is older than a year."""
        with self._database.write() as connection:
            audit.remove_before(connection, now - KEPT)
