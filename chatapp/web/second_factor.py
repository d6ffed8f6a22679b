"""The second factor: the second step of signing in, and its settings."""

import msgspec
from flask import Blueprint, Response, jsonify, request

from chatapp.web.access import needs
from chatapp.web.context import services
from chatapp.web.openapi import documented
from chatapp.web.principals import account, guest_of_browser, origin
from chatapp.web.reading import read_json
from chatapp.web.signed_in import SignedInOut, signed_in

bp = Blueprint("second_factor", __name__)


class SecondStepIn(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """The ticket of the first step, and a code: six digits of the app, or a recovery code."""

    ticket: str
    code: str


class CodeIn(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """Six digits of the app."""

    code: str


class TotpOut(msgspec.Struct):
    """What an authenticator app needs: the secret to type, or `uri` as a picture to scan (a `data:` URL)."""

    secret: str
    uri: str
    qr_svg: str


class RecoveryCodesOut(msgspec.Struct):
    """Ten codes, each good for one time; they are shown only here."""

    recovery_codes: list[str]


@bp.post("/auth/second-factor")
@documented(
    tag="Signing in",
    summary="Finish signing in with a code",
    body=SecondStepIn,
    result=SignedInOut,
    errors=(400, 401, 403, 408, 413, 415, 422, 429, 503),
)
@needs("public")
def finish_sign_in() -> Response:
    """Take the second step that `POST /auth/sign-in` asked for; the ticket stays good after a wrong code.

    Raises: `BadInput` (400, `link_not_valid`), `Unauthorized` (401, `wrong_code`), `TooManyAttempts` (429),
    `SecretUnreadable` (503, `second_factor_unreadable`).
    """
    body = read_json(request, SecondStepIn)
    return signed_in(
        services().accounts.second_factor.sign_in(body.ticket, body.code, origin=origin(), guest=guest_of_browser())
    )


@bp.post("/account/totp")
@documented(
    tag="Second factor",
    summary="Begin to set up codes",
    result=TotpOut,
    errors=(400, 401, 403, 409, 503),
)
@needs("recent")
def begin_totp() -> Response:
    """Give a secret for an authenticator app; nothing changes until `POST /account/totp/confirm`.

    Raises: `Conflict` (409, `totp_enabled`).
    """
    setup = services().accounts.second_factor.begin(account())
    return jsonify(secret=setup.secret, uri=setup.uri, qr_svg=setup.qr_svg)


@bp.post("/account/totp/confirm")
@documented(
    tag="Second factor",
    summary="Turn codes on",
    body=CodeIn,
    result=RecoveryCodesOut,
    errors=(400, 401, 403, 408, 409, 413, 415, 422, 503),
)
@needs("recent")
def confirm_totp() -> Response:
    """Ask for a code whenever the password is used from now on; the first code shows that the app has the secret.

    Raises: `Conflict` (409, `totp_not_begun`), `InvalidBody` (422, `wrong_code`).
    """
    code = read_json(request, CodeIn).code
    return jsonify(recovery_codes=services().accounts.second_factor.confirm(account(), code, origin()))


@bp.delete("/account/totp")
@documented(tag="Second factor", summary="Turn codes off", status=204, errors=(400, 401, 403, 404, 503))
@needs("recent")
def turn_totp_off() -> tuple[str, int]:
    """Let the password be enough again; the recovery codes go as well.

    Raises: `NotFound` (404) when they are off.
    """
    services().accounts.second_factor.turn_off(account(), origin())
    return "", 204


@bp.post("/account/recovery-codes")
@documented(
    tag="Second factor", summary="Make new recovery codes", result=RecoveryCodesOut, errors=(400, 401, 403, 409, 503)
)
@needs("recent")
def renew_recovery_codes() -> Response:
    """Give ten new codes; the earlier ones are no longer good.

    Raises: `Conflict` (409, `totp_off`).
    """
    return jsonify(recovery_codes=services().accounts.second_factor.renew_recovery_codes(account(), origin()))
