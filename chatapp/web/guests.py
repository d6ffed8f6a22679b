"""`POST /guests`: a credential for who has no account, a cookie for a browser or a token where cookies do not reach."""

from typing import Literal

import msgspec
from flask import Blueprint, Response, jsonify, request
from uuid_utils.compat import uuid7

from chatapp.web.access import needs
from chatapp.web.openapi import documented
from chatapp.web.principals import principal_or_new, sign_guest
from chatapp.web.reading import read_json

bp = Blueprint("guests", __name__)


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
@needs("chat")
def become_guest() -> Response:
    """Give a credential under which conversations are kept; nothing is stored until the first message."""
    wanted = read_json(request, GuestIn).credential
    if wanted == "token":
        return jsonify(credential=wanted, token=sign_guest(uuid7()))
    principal_or_new()
    return jsonify(credential=wanted, token=None)
