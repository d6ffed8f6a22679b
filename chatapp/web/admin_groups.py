"""`/admin/groups`: groups of accounts."""

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from flask import Blueprint, Response, jsonify, request

from chatapp.core.administration import Group
from chatapp.errors import NotFound
from chatapp.web.access import needs
from chatapp.web.admin_users import PAGE, PAGE_QUERY
from chatapp.web.context import services
from chatapp.web.openapi import documented
from chatapp.web.paging import as_cursor, read_limit, read_place
from chatapp.web.principals import account, origin
from chatapp.web.reading import ID_FORM, read_json

bp = Blueprint("admin_groups", __name__, url_prefix="/admin/groups")

WRITE_ERRORS = (400, 401, 403, 408, 409, 413, 415, 422, 503)


class GroupIn(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """A group's name, which no other has."""

    name: str


class GroupOut(msgspec.Struct):
    """One group and how many are in it."""

    id: str
    name: str
    created_at: datetime
    members: int


class GroupsOut(msgspec.Struct):
    """Some groups and the cursor of the next page."""

    groups: list[GroupOut]
    next: str | None


@bp.get("")
@documented(tag="Administration", summary="All groups", result=GroupsOut, errors=(400, 401, 403, 503), query=PAGE_QUERY)
@needs("admin")
def list_groups() -> Response:
    """List groups, newest first."""
    found = services().accounts.groups.page(limit=read_limit(PAGE), after=read_place(UUID))
    return jsonify(groups=[_as_group(each) for each in found.groups], next=as_cursor(found.next))


@bp.post("")
@documented(
    tag="Administration", summary="Make a group", body=GroupIn, result=GroupOut, status=201, errors=WRITE_ERRORS
)
@needs("admin")
def create_group() -> tuple[Response, int]:
    """Make an empty group.

    Raises: `InvalidBody` (422), `Conflict` (409 `group_exists`).
    """
    body = read_json(request, GroupIn)
    return jsonify(_as_group(services().accounts.groups.create(account(), body.name, origin()))), 201


@bp.patch("/<group_id>")
@documented(tag="Administration", summary="Rename a group", body=GroupIn, result=GroupOut, errors=(*WRITE_ERRORS, 404))
@needs("admin")
def rename_group(group_id: str) -> Response:
    """Give a group another name.

    Raises: `NotFound` (404), `InvalidBody` (422), `Conflict` (409 `group_exists`).
    """
    body = read_json(request, GroupIn)
    return jsonify(_as_group(services().accounts.groups.rename(account(), _id_of(group_id), body.name, origin())))


@bp.delete("/<group_id>")
@documented(tag="Administration", summary="Delete a group", status=204, errors=(400, 401, 403, 404, 503))
@needs("admin")
def delete_group(group_id: str) -> tuple[str, int]:
    """Delete a group and the invitations into it; who is in it keeps their account.

    Raises: `NotFound` (404).
    """
    services().accounts.groups.delete(account(), _id_of(group_id), origin())
    return "", 204


def _id_of(raw: str) -> UUID:
    if not ID_FORM.match(raw):
        raise NotFound("There is no such group.")
    return UUID(raw)


def _as_group(group: Group) -> dict[str, Any]:
    return {
        "id": str(group.id),
        "name": group.name,
        "created_at": group.created_at.isoformat(),
        "members": group.members,
    }
