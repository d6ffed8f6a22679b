"""The audit log: what happened that matters to security."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, Select, and_, delete, false, func, insert, or_, select, true

from chatapp.core.administration import AuditEvent
from chatapp.core.principals import Origin
from chatapp.store.account_tables import audit_events


def add(
    connection: Connection,
    kind: str,
    origin: Origin,
    *,
    actor_id: UUID | None,
    subject_id: UUID | None,
    facts: dict[str, Any],
) -> None:
    connection.execute(
        insert(audit_events).values(
            at=datetime.now(UTC),
            kind=kind,
            actor_id=actor_id,
            subject_id=subject_id,
            address=origin.address,
            request_id=origin.request_id,
            facts=facts,
        )
    )


def page(
    connection: Connection,
    *,
    limit: int,
    before: int | None = None,
    kind: str | None = None,
    person_id: UUID | None = None,
) -> list[AuditEvent]:
    """Return events, newest first: of one kind and those below it, done by or to one person.

    Cost: for each kind or each of the two, as many rows of an index as the page has; for both, all of the person's.
    """
    ways: list[ColumnElement[bool]] = [true()]
    if kind is not None:
        found = [each for each in _kinds(connection) if each == kind or each.startswith(f"{kind}.")]
        ways = [audit_events.c.kind == each for each in found]
    if person_id is not None:
        of_kind = true() if kind is None else or_(false(), *ways)
        ways = [
            and_(audit_events.c.subject_id == person_id, of_kind),
            and_(audit_events.c.actor_id == person_id, of_kind),
        ]
    rows = {row.id: row for way in ways for row in connection.execute(_newest(way, limit, before))}
    return [AuditEvent(**rows[row_id]._asdict()) for row_id in sorted(rows, reverse=True)[:limit]]


def _newest(condition: ColumnElement[bool], limit: int, before: int | None) -> Select[Any]:
    asked = select(audit_events).where(condition).order_by(audit_events.c.id.desc()).limit(limit)
    return asked if before is None else asked.where(audit_events.c.id < before)


def _kinds(connection: Connection) -> list[str]:
    """Return all kinds that there are, by one step of the index for each."""
    first = select(func.min(audit_events.c.kind).label("kind")).cte("kinds", recursive=True)
    following = select(func.min(audit_events.c.kind)).where(audit_events.c.kind > first.c.kind).scalar_subquery()
    kinds = first.union_all(select(following).where(first.c.kind.is_not(None)))
    return [kind for kind in connection.execute(select(kinds.c.kind)).scalars() if kind is not None]


def remove_before(connection: Connection, at: datetime) -> None:
    connection.execute(delete(audit_events).where(audit_events.c.at < at))
