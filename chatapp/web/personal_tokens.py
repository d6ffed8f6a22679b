"""`/account/tokens`: the personal tokens of who is signed in, for their programs."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec
from flask import Blueprint, Response, jsonify, request

from chatapp.core.personal_tokens import PersonalToken
from chatapp.core.principals import SCOPES, Scope
from chatapp.errors import NotFound
from chatapp.web.access import needs
from chatapp.web.context import services
from chatapp.web.openapi import documented
from chatapp.web.principals import account, origin
from chatapp.web.reading import ID_FORM, read_json

bp = Blueprint("personal_tokens", __name__)


class PersonalTokenIn(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """A token to make; without `expires_in_days` it is good until you revoke it."""

    name: str
    scopes: Annotated[list[Scope], msgspec.Meta(min_length=1, max_length=20)]
    expires_in_days: Annotated[int, msgspec.Meta(ge=1, le=3650)] | None = None


class PersonalTokenOut(msgspec.Struct, kw_only=True):
    """A token without its secret; `last_used_at` is true to the minute."""

    id: str
    name: str
    last_four: str
    scopes: list[Scope]
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None


class NewPersonalTokenOut(PersonalTokenOut, kw_only=True):
    """A token that was just made, with its secret, which is shown only here."""

    token: str


class PersonalTokensOut(msgspec.Struct):
    """All your tokens, the newest first, also those that have expired."""

    tokens: list[PersonalTokenOut]


@bp.get("/account/tokens")
@documented(tag="Tokens", summary="Your personal tokens", result=PersonalTokensOut, errors=(400, 401, 403, 503))
@needs("session")
def list_personal_tokens() -> Response:
    """Return your personal tokens, of which only the last four characters are known."""
    return jsonify(tokens=[_as_token(each) for each in services().accounts.personal_tokens.list(account())])


@bp.post("/account/tokens")
@documented(
    tag="Tokens",
    summary="Make a personal token",
    body=PersonalTokenIn,
    result=NewPersonalTokenOut,
    status=201,
    errors=(400, 401, 403, 408, 409, 413, 415, 422, 503),
)
@needs("recent")
def make_personal_token() -> tuple[Response, int]:
    """Make a token for one of your programs; its secret is in this answer and nowhere else.

    Raises: `InvalidBody` (422), `Forbidden` (403), `Conflict` (409 `too_many_tokens`).
    """
    body = read_json(request, PersonalTokenIn)
    made = services().accounts.personal_tokens.make(
        account(), name=body.name, scopes=body.scopes, expires_in_days=body.expires_in_days, origin=origin()
    )
    return jsonify(_as_token(made.token) | {"token": made.secret}), 201


@bp.delete("/account/tokens/<token_id>")
@documented(tag="Tokens", summary="Revoke a personal token", status=204, errors=(400, 401, 403, 404, 503))
@needs("session")
def revoke_personal_token(token_id: str) -> tuple[str, int]:
    """End a token at once.

    Raises: `NotFound` (404).
    """
    if not ID_FORM.match(token_id):
        raise NotFound("There is no such token.")
    services().accounts.personal_tokens.revoke(account(), UUID(token_id), origin=origin())
    return "", 204


def _as_token(token: PersonalToken) -> dict[str, Any]:
    return {
        "id": str(token.id),
        "name": token.name,
        "last_four": token.last_four,
        "scopes": [scope for scope in SCOPES if scope in token.scopes],
        "created_at": token.created_at.isoformat(),
        "expires_at": token.expires_at and token.expires_at.isoformat(),
        "last_used_at": token.last_used_at and token.last_used_at.isoformat(),
    }
