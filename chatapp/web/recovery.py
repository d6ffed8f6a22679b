"""`/auth/forgotten`, `/auth/reset`, `/auth/verify`: links for who lost the password, and to prove an address."""

import msgspec
from flask import Blueprint, Response, jsonify, request

from chatapp.services.accounts.recovery import ForgottenNext
from chatapp.web.access import needs
from chatapp.web.context import services
from chatapp.web.openapi import documented
from chatapp.web.principals import origin
from chatapp.web.reading import read_json

bp = Blueprint("recovery", __name__, url_prefix="/auth")


class ForgottenIn(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """The address of the account."""

    email: str


class ForgottenOut(msgspec.Struct):
    """What comes next; the same whether or not there is such an account."""

    next: ForgottenNext


class ResetIn(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """What stands behind the `#` of the link, and the new password."""

    ticket: str
    password: str


class VerifyIn(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """What stands behind the `#` of the link."""

    ticket: str


@bp.post("/forgotten")
@documented(
    tag="Signing in",
    summary="Ask for a new password",
    body=ForgottenIn,
    result=ForgottenOut,
    status=202,
    errors=(400, 403, 408, 413, 415, 422, 429, 503),
)
@needs("public")
def ask_for_link() -> tuple[Response, int]:
    """Have a link for a new password sent, if there is such an account; the answer does not say.

    Raises: `InvalidBody` (422), `TooManyAttempts` (429).
    """
    email = read_json(request, ForgottenIn).email
    return jsonify(next=services().accounts.recovery.forgotten(email, origin())), 202


@bp.post("/reset")
@documented(
    tag="Signing in",
    summary="Set a new password by a link",
    body=ResetIn,
    status=204,
    errors=(400, 403, 408, 413, 415, 422, 503),
)
@needs("public")
def reset_password() -> tuple[str, int]:
    """Set a new password; whoever is signed in to the account is signed out, programs too.

    Raises: `BadInput` (400 `link_not_valid`), `InvalidBody` (422 `weak_password`).
    """
    body = read_json(request, ResetIn)
    services().accounts.recovery.reset(body.ticket, body.password, origin())
    return "", 204


@bp.post("/verify")
@documented(
    tag="Signing in",
    summary="Confirm an address",
    body=VerifyIn,
    status=204,
    errors=(400, 403, 408, 413, 415, 422, 503),
)
@needs("public")
def verify_address() -> tuple[str, int]:
    """Confirm that the address of a new account is yours.

    Raises: `BadInput` (400 `link_not_valid`).
    """
    services().accounts.recovery.verify(read_json(request, VerifyIn).ticket, origin())
    return "", 204
