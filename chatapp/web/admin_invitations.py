"""`/admin/invitations`: links by which people come to have an account."""

from datetime import datetime, timedelta
from typing import Annotated, Any
from uuid import UUID

import msgspec
from flask import Blueprint, Response, jsonify, request

from chatapp.core.accounts import checked_email
from chatapp.core.administration import Invitation
from chatapp.core.principals import Role
from chatapp.errors import NotFound
from chatapp.services.accounts.invitations import After
from chatapp.web.access import needs
from chatapp.web.admin_users import PAGE, PAGE_QUERY, GroupRef
from chatapp.web.context import config, services
from chatapp.web.openapi import documented
from chatapp.web.paging import as_cursor, read_limit, read_place
from chatapp.web.principals import account, origin
from chatapp.web.reading import ID_FORM, read_id, read_json

bp = Blueprint("admin_invitations", __name__, url_prefix="/admin/invitations")


class InvitationIn(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """An invitation to make: without `email` it is for whoever has the link."""

    email: str | None = None
    role: Role = "user"
    group_id: str | None = None
    expires_in_days: Annotated[int, msgspec.Meta(ge=1, le=90)] = 7


class InvitationOut(msgspec.Struct, kw_only=True):
    """An invitation without its link; `created_by` and `used_by` are ids of accounts."""

    id: str
    email: str | None
    role: Role
    group: GroupRef | None
    created_by: str
    created_at: datetime
    expires_at: datetime
    used_by: str | None
    used_at: datetime | None


class NewInvitationOut(InvitationOut, kw_only=True):
    """An invitation that was just made, with its link, which is shown only here."""

    url: str


class InvitationsOut(msgspec.Struct):
    """Some invitations and the cursor of the next page."""

    invitations: list[InvitationOut]
    next: str | None


@bp.get("")
@documented(
    tag="Administration",
    summary="All invitations",
    result=InvitationsOut,
    errors=(400, 401, 403, 503),
    query=PAGE_QUERY,
)
@needs("admin")
def list_invitations() -> Response:
    """List invitations, newest first, also those that are used or over."""
    found = services().accounts.invitations.page(limit=read_limit(PAGE), after=read_place(After))
    listed = [_as_invitation(each, found.group_names) for each in found.invitations]
    return jsonify(invitations=listed, next=as_cursor(found.next))


@bp.post("")
@documented(
    tag="Administration",
    summary="Invite somebody",
    body=InvitationIn,
    result=NewInvitationOut,
    status=201,
    errors=(400, 401, 403, 404, 408, 413, 415, 422, 503),
)
@needs("admin")
def invite() -> tuple[Response, int]:
    """Make a link that is good for one account; hand it to the person yourself.

    Raises: `InvalidBody` (422), `NotFound` (404) for the group.
    """
    body = read_json(request, InvitationIn)
    invited = services().accounts.invitations.make(
        account(),
        email=None if body.email is None else checked_email(body.email),
        role=body.role,
        group_id=None if body.group_id is None else read_id(body.group_id, "group_id"),
        lifetime=timedelta(days=body.expires_in_days),
        origin=origin(),
    )
    # Behind a `#`, so that the secret is in no log of any server.
    site = config().base_url or request.host_url.rstrip("/")
    shown = _as_invitation(invited.invitation, invited.group_names)
    return jsonify({**shown, "url": f"{site}/signup#{invited.secret}"}), 201


@bp.delete("/<invitation_id>")
@documented(tag="Administration", summary="Withdraw an invitation", status=204, errors=(400, 401, 403, 404, 503))
@needs("admin")
def withdraw_invitation(invitation_id: str) -> tuple[str, int]:
    """Make an invitation's link useless; who has used it already keeps the account.

    Raises: `NotFound` (404).
    """
    if not ID_FORM.match(invitation_id):
        raise NotFound("There is no such invitation.")
    services().accounts.invitations.withdraw(account(), UUID(invitation_id), origin())
    return "", 204


def _as_invitation(invitation: Invitation, group_names: dict[UUID, str]) -> dict[str, Any]:
    group_id = invitation.group_id
    return {
        "id": str(invitation.id),
        "email": invitation.email_key,
        "role": invitation.role,
        "group": None if group_id is None else {"id": str(group_id), "name": group_names.get(group_id, "")},
        "created_by": str(invitation.created_by),
        "created_at": invitation.created_at.isoformat(),
        "expires_at": invitation.expires_at.isoformat(),
        "used_by": invitation.used_by and str(invitation.used_by),
        "used_at": invitation.used_at and invitation.used_at.isoformat(),
    }
