"""Who a request comes from: a guest by a signed cookie, or by a signed token where cookies do not reach."""

from typing import Literal
from uuid import UUID

import msgspec
from flask import Blueprint, Response, current_app, g, jsonify, request
from itsdangerous import BadSignature, Signer
from uuid_utils.compat import uuid7

from chatapp.core.principals import Principal
from chatapp.errors import BadInput, Unauthorized
from chatapp.web.guards import check_same_site
from chatapp.web.openapi import documented
from chatapp.web.reading import read_json

bp = Blueprint("guests", __name__)

COOKIE = "chatapp_guest"
# Browsers keep no cookie longer than this.
COOKIE_AGE_S = 400 * 24 * 3600
SCHEME = "Bearer "


class GuestIn(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """The body of `POST /guests`: a cookie for a browser, a token for a program or a page of another site."""

    credential: Literal["cookie", "token"] = "cookie"


class GuestOut(msgspec.Struct):
    """What was given; the token is shown only here."""

    credential: Literal["cookie", "token"]
    token: str | None


@bp.post("/guests")
@documented(
    tag="Guests", summary="Become a guest", body=GuestIn, result=GuestOut, errors=(400, 401, 403, 408, 413, 415, 422)
)
def become_guest() -> Response:
    """Give a credential under which conversations are kept; nothing is stored until the first message."""
    wanted = read_json(request, GuestIn).credential
    if wanted == "token":
        return jsonify(credential=wanted, token=_signer().sign(uuid7().hex).decode())
    principal_or_new()
    return jsonify(credential=wanted, token=None)


def principal() -> Principal | None:
    """Return who sends this request, None without a credential.

    A cookie that does not fit is no credential; a token that does not fit is an error, since a program should know.
    Raises: `Unauthorized` (401), `BadInput` (400) for two credentials that differ, `Forbidden` (403) when another site
    makes a browser change something.
    """
    by_cookie = _owner(request.cookies.get(COOKIE, ""))
    header = request.headers.get("Authorization", "")
    if header.startswith(SCHEME):
        by_token = _owner(header.removeprefix(SCHEME).strip())
        if by_token is None:
            raise Unauthorized("This token is not valid here; ask for another with POST /guests.")
        if by_cookie is not None and by_cookie != by_token:
            raise BadInput("The request carries two credentials that differ.")
        return Principal(by_token)
    if by_cookie is None:
        return None
    if request.method not in ("GET", "HEAD"):
        check_same_site()
    return Principal(by_cookie)


def principal_or_new() -> Principal:
    """Return who sends this request; somebody new gets a cookie with the response, and a cookie lives on.

    Raises: see `principal`.
    """
    found = principal()
    if found is None:
        check_same_site()
        found = Principal(uuid7())
    if not request.headers.get("Authorization", "").startswith(SCHEME):
        g.kept_guest = found
    return found


def keep_guest(response: Response) -> Response:
    """Give a guest the cookie, so that who comes back within its time is known for good."""
    guest: Principal | None = g.get("kept_guest")
    if guest is not None:
        response.set_cookie(
            COOKIE,
            _signer().sign(guest.owner_id.hex).decode(),
            max_age=COOKIE_AGE_S,
            path="/",
            secure=request.is_secure,
            httponly=True,
            samesite="Lax",
        )
    return response


def _owner(credential: str) -> UUID | None:
    try:
        return UUID(hex=_signer().unsign(credential).decode("ascii"))
    except (BadSignature, ValueError):
        return None


def _signer() -> Signer:
    signer: Signer = current_app.extensions["guest_signer"]
    return signer
