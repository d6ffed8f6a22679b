"""`/auth/token`: tokens for programs that sign in with a password."""

from typing import Annotated, Any, Literal

import msgspec
from flask import Blueprint, Response, jsonify, request

from chatapp.core.principals import Scope
from chatapp.services.accounts.access_tokens import LIFETIME_S
from chatapp.services.accounts.program_tokens import Pair
from chatapp.web.access import needs
from chatapp.web.context import config, services
from chatapp.web.openapi import documented
from chatapp.web.principals import origin
from chatapp.web.reading import checked_text, read_json

bp = Blueprint("program_tokens", __name__)

LongText = Annotated[str, msgspec.Meta(max_length=1000)]


class PasswordGrantIn(msgspec.Struct, tag_field="grant_type", tag="password", forbid_unknown_fields=True, kw_only=True):
    """Sign in: `code` when the account has a second factor; without `scopes` chat, read and write."""

    email: LongText
    password: LongText
    code: Annotated[str, msgspec.Meta(max_length=100)] | None = None
    scopes: Annotated[list[Scope], msgspec.Meta(min_length=1, max_length=20)] | None = None


class RefreshGrantIn(
    msgspec.Struct, tag_field="grant_type", tag="refresh_token", forbid_unknown_fields=True, kw_only=True
):
    """Get the next pair: the refresh token is used up."""

    refresh_token: LongText


GRANT: Any = PasswordGrantIn | RefreshGrantIn


class RevokeIn(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """The refresh token whose session is to end."""

    refresh_token: LongText


class TokenPairOut(msgspec.Struct):
    """An access token, good for `expires_in` seconds, and the refresh token for the next pair."""

    access_token: str
    token_type: Literal["Bearer"]
    expires_in: int
    refresh_token: str
    scope: str


@bp.post("/auth/token")
@documented(
    tag="Tokens",
    summary="Sign in with a program, or go on",
    body=GRANT,
    result=TokenPairOut,
    errors=(400, 401, 403, 408, 413, 415, 422, 429, 503),
)
@needs("public")
def give_tokens() -> Response:
    """Give an access token and a refresh token, for a password or for the refresh token before.

    Raises: `Unauthorized` (401), `Forbidden` (403), `InvalidBody` (422), `TooManyAttempts` (429).
    """
    body: PasswordGrantIn | RefreshGrantIn = read_json(request, GRANT)
    tokens = services().accounts.program_tokens
    if isinstance(body, RefreshGrantIn):
        return _answer(tokens.refresh(body.refresh_token, origin()))
    for field, given in (("email", body.email), ("password", body.password), ("code", body.code or "")):
        checked_text(given, field, config())
    return _answer(tokens.by_password(body.email, body.password, code=body.code, scopes=body.scopes, origin=origin()))


@bp.post("/auth/token/revoke")
@documented(
    tag="Tokens",
    summary="Sign a program out",
    body=RevokeIn,
    status=204,
    errors=(400, 403, 408, 413, 415, 422, 503),
)
@needs("public")
def revoke_tokens() -> tuple[str, int]:
    """End a program's session with all its tokens, at once; what is no refresh token is answered the same."""
    body = read_json(request, RevokeIn)
    services().accounts.program_tokens.end(body.refresh_token, origin())
    return "", 204


def _answer(pair: Pair) -> Response:
    return jsonify(
        access_token=pair.access_token,
        token_type="Bearer",  # noqa: S106  # the name of a scheme
        expires_in=LIFETIME_S,
        refresh_token=pair.refresh_token,
        scope=" ".join(pair.scopes),
    )
