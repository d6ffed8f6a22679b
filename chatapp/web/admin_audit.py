"""`/admin/audit`: what happened that matters to security."""

import re
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec
from flask import Blueprint, Response, jsonify, request

from chatapp.core.accounts import User
from chatapp.core.administration import AuditEvent
from chatapp.errors import BadInput
from chatapp.web.access import needs
from chatapp.web.admin_users import PAGE, PAGE_QUERY
from chatapp.web.context import services
from chatapp.web.openapi import documented
from chatapp.web.paging import as_cursor, read_limit, read_place
from chatapp.web.reading import ID_FORM

bp = Blueprint("admin_audit", __name__, url_prefix="/admin/audit")

KIND_FORM = re.compile(r"[a-z_]{1,50}(\.[a-z_]{1,50}){0,2}\Z")
EventId = Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]


class PersonOut(msgspec.Struct):
    """Somebody in an event; name and address are null once the account is gone."""

    id: str
    name: str | None
    email: str | None


class AuditEventOut(msgspec.Struct):
    """One act: `actor` did it, to `subject`; `address` is where the request came from."""

    id: int
    at: datetime
    kind: str
    actor: PersonOut | None
    subject: PersonOut | None
    address: str
    request_id: str
    facts: dict[str, Any]


class AuditOut(msgspec.Struct):
    """Some events and the cursor of the next page."""

    events: list[AuditEventOut]
    next: str | None


@bp.get("")
@documented(
    tag="Administration",
    summary="The audit log",
    result=AuditOut,
    errors=(400, 401, 403, 503),
    query={
        **PAGE_QUERY,
        "kind": "Only events of this kind and those below it: `sign_in` finds `sign_in.failed` as well.",
        "person": "Only what this account did or what was done to it, by its id.",
    },
)
@needs("admin")
def list_audit_events() -> Response:
    """List events, newest first; they are kept for a year.

    Raises: `BadInput` (400).
    """
    found = services().accounts.audit_log.page(
        limit=read_limit(PAGE), before=read_place(EventId), kind=_read_kind(), person_id=_read_person()
    )
    return jsonify(events=[_as_event(each, found.people) for each in found.events], next=as_cursor(found.next))


def _read_kind() -> str | None:
    raw = request.args.get("kind")
    if raw and not KIND_FORM.match(raw):
        raise BadInput("`kind` must be words like sign_in or sign_in.failed.")
    return raw or None


def _read_person() -> UUID | None:
    raw = request.args.get("person")
    if not raw:
        return None
    if not ID_FORM.match(raw):
        raise BadInput("`person` is not an id.")
    return UUID(raw)


def _as_event(event: AuditEvent, people: dict[UUID, User]) -> dict[str, Any]:
    return {
        "id": event.id,
        "at": event.at.isoformat(),
        "kind": event.kind,
        "actor": _as_person(event.actor_id, people),
        "subject": _as_person(event.subject_id, people),
        "address": event.address,
        "request_id": event.request_id,
        "facts": event.facts,
    }


def _as_person(person_id: UUID | None, people: dict[UUID, User]) -> dict[str, Any] | None:
    if person_id is None:
        return None
    user = people.get(person_id)
    return {"id": str(person_id), "name": user and user.name, "email": user and user.email}
