"""`/admin/users`: everybody who has an account, as administrators see and change it."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec
from flask import Blueprint, Response, jsonify, request
from msgspec import UNSET, UnsetType

from chatapp.core.accounts import LONGEST_EMAIL
from chatapp.core.principals import Role
from chatapp.errors import NotFound
from chatapp.services.accounts.administration import Member, Place
from chatapp.web.access import needs
from chatapp.web.context import services
from chatapp.web.openapi import documented
from chatapp.web.paging import MAX_PAGE, as_cursor, read_limit, read_place, read_search
from chatapp.web.principals import account, origin
from chatapp.web.reading import ID_FORM, read_id, read_json

bp = Blueprint("admin_users", __name__, url_prefix="/admin/users")

PAGE = 50
PAGE_QUERY = {"limit": f"How many, at most {MAX_PAGE}.", "after": "`next` of the page before."}
ONE_ERRORS = (400, 401, 403, 404, 503)


class GroupRef(msgspec.Struct):
    """A group by its name."""

    id: str
    name: str


class AdminUserOut(msgspec.Struct):
    """One account; `last_seen_at` is true to the minute, `confirmed_at` is when its address was proven."""

    id: str
    email: str
    name: str
    role: Role
    created_at: datetime
    confirmed_at: datetime | None
    last_seen_at: datetime | None
    suspended_at: datetime | None
    has_password: bool
    has_totp: bool
    groups: list[GroupRef]


class AdminUsersOut(msgspec.Struct):
    """Some accounts and the cursor of the next page."""

    users: list[AdminUserOut]
    next: str | None


class AdminUserChanges(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """What is to be different; `groups` are the ids of all groups that the account is to be in."""

    role: Role | UnsetType = UNSET
    groups: Annotated[list[str], msgspec.Meta(max_length=100)] | UnsetType = UNSET


class ResetLinkOut(msgspec.Struct):
    """A link for a new password, good for an hour and once; it is shown only here."""

    url: str


@bp.get("")
@documented(
    tag="Administration",
    summary="Everybody who has an account",
    result=AdminUsersOut,
    errors=(400, 401, 403, 503),
    query={**PAGE_QUERY, "q": "How the e-mail address or the name begins; the list is then in alphabetical order."},
)
@needs("admin")
def list_users() -> Response:
    """List accounts, newest first; with `q` those whose address begins so, then those whose name does."""
    found = services().accounts.administration.page(
        read_search("q", longest=LONGEST_EMAIL),
        limit=read_limit(PAGE),
        after=read_place(Place),
    )
    return jsonify(users=[as_member(each) for each in found.members], next=as_cursor(found.next))


@bp.patch("/<user_id>")
@documented(
    tag="Administration",
    summary="Change somebody's role or groups",
    body=AdminUserChanges,
    result=AdminUserOut,
    errors=(*ONE_ERRORS, 408, 409, 413, 415, 422),
)
@needs("admin")
def change_user(user_id: str) -> Response:
    """Change a role, which counts from their next request on, or the groups; what is not named stays.

    Raises: `NotFound` (404), `Conflict` (409 `last_admin`), `InvalidBody` (422).
    """
    body = read_json(request, AdminUserChanges)
    changed = services().accounts.administration.change(
        account(),
        user_id_of(user_id),
        role=body.role,
        group_ids=UNSET if body.groups is UNSET else [read_id(each, "groups") for each in body.groups],
        origin=origin(),
    )
    return jsonify(as_member(changed))


@bp.post("/<user_id>/suspend")
@documented(tag="Administration", summary="Suspend an account", result=AdminUserOut, errors=(*ONE_ERRORS, 409))
@needs("admin")
def suspend_user(user_id: str) -> Response:
    """Shut somebody out at once: no request of theirs is answered any more, and their answers in the making end.

    Raises: `NotFound` (404), `Conflict` (409 `last_admin`).
    """
    return jsonify(as_member(services().accounts.administration.suspend(account(), user_id_of(user_id), origin())))


@bp.post("/<user_id>/restore")
@documented(tag="Administration", summary="Restore a suspended account", result=AdminUserOut, errors=ONE_ERRORS)
@needs("admin")
def restore_user(user_id: str) -> Response:
    """Let somebody in again.

    Raises: `NotFound` (404).
    """
    return jsonify(as_member(services().accounts.administration.restore(account(), user_id_of(user_id), origin())))


@bp.delete("/<user_id>")
@documented(tag="Administration", summary="Delete an account with all its data", status=204, errors=(*ONE_ERRORS, 409))
@needs("admin")
def delete_user(user_id: str) -> tuple[str, int]:
    """Delete an account and everything that is its owner's; it cannot be brought back.

    Raises: `NotFound` (404), `Conflict` (409 `last_admin`).
    """
    found = services().accounts.administration.get(user_id_of(user_id))
    services().accounts.deleting.delete(found.user.id, actor_id=account().owner_id, origin=origin())
    return "", 204


@bp.delete("/<user_id>/sessions")
@documented(tag="Administration", summary="Sign somebody out everywhere", status=204, errors=ONE_ERRORS)
@needs("admin")
def end_user_sessions(user_id: str) -> tuple[str, int]:
    """End all sessions of somebody; what they are having answered is made to its end.

    Raises: `NotFound` (404).
    """
    services().accounts.administration.sign_out(account(), user_id_of(user_id), origin())
    return "", 204


@bp.post("/<user_id>/reset")
@documented(tag="Administration", summary="Make a link for a new password", result=ResetLinkOut, errors=ONE_ERRORS)
@needs("admin")
def make_reset_link(user_id: str) -> Response:
    """Make a link by which somebody sets a new password, to be handed to them; earlier links stop working.

    Raises: `NotFound` (404).
    """
    found = services().accounts.administration.get(user_id_of(user_id))
    link = services().accounts.recovery.link_for(found.user.id, origin(), actor_id=account().owner_id)
    return jsonify(url=link if "://" in link else f"{request.host_url.rstrip('/')}{link}")


def user_id_of(raw: str) -> UUID:
    """Raises: `NotFound` for what is no id at all."""
    if not ID_FORM.match(raw):
        raise NotFound("There is no such user.")
    return UUID(raw)


def as_member(member: Member) -> dict[str, Any]:
    user = member.user
    return {
        "id": str(user.id),
        "email": user.email,
        "name": user.name,
        "role": user.role,
        "created_at": user.created_at.isoformat(),
        "confirmed_at": user.confirmed_at and user.confirmed_at.isoformat(),
        "last_seen_at": user.last_seen_at and user.last_seen_at.isoformat(),
        "suspended_at": user.suspended_at and user.suspended_at.isoformat(),
        "has_password": user.has_password,
        "has_totp": user.has_totp,
        "groups": [{"id": str(group.id), "name": group.name} for group in member.groups],
    }
