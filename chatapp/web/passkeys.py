"""Passkeys: signing in without a password, and the list of one's keys."""

import re
from datetime import datetime
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit
from uuid import UUID

import msgspec
from flask import Blueprint, Response, jsonify, request

from chatapp.core.passkeys import Passkey, Site
from chatapp.errors import BadInput, NotFound
from chatapp.web.access import needs
from chatapp.web.context import config, services
from chatapp.web.openapi import documented
from chatapp.web.principals import account, guest_of_browser, origin
from chatapp.web.reading import ID_FORM, read_json
from chatapp.web.signed_in import SignedInOut, confirmed, signed_in

bp = Blueprint("passkeys", __name__)

DEFAULT_PORTS = {"http": 80, "https": 443}
ADDRESS_FORM = re.compile(r"[0-9.]+\Z|.*:")
# Base64url of what is a few hundred bytes, or with an attestation a few thousand.
Encoded = Annotated[str, msgspec.Meta(min_length=1, max_length=20_000)]


class MadeResponse(msgspec.Struct, kw_only=True):
    """What a new passkey's holder says of it."""

    client_data_json: Encoded = msgspec.field(name="clientDataJSON")
    attestation_object: Encoded = msgspec.field(name="attestationObject")
    transports: Annotated[list[str], msgspec.Meta(max_length=20)] = []


class MadeCredential(msgspec.Struct, kw_only=True):
    """A new passkey as `PublicKeyCredential.toJSON` writes it; further members are not looked at."""

    id: Encoded
    raw_id: Encoded = msgspec.field(name="rawId")
    type: Literal["public-key"]
    response: MadeResponse


class UsedResponse(msgspec.Struct, kw_only=True):
    """What a passkey's holder signed."""

    client_data_json: Encoded = msgspec.field(name="clientDataJSON")
    authenticator_data: Encoded = msgspec.field(name="authenticatorData")
    signature: Encoded
    user_handle: Encoded = msgspec.field(name="userHandle")


class UsedCredential(msgspec.Struct, kw_only=True):
    """The use of a passkey as `PublicKeyCredential.toJSON` writes it; further members are not looked at."""

    id: Encoded
    raw_id: Encoded = msgspec.field(name="rawId")
    type: Literal["public-key"]
    response: UsedResponse


class NewPasskeyIn(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """The ticket of the options, what the browser made, and a name by which you know it."""

    ticket: str
    credential: MadeCredential
    name: str


class PasskeyUseIn(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """The ticket of the options, and what the browser gave."""

    ticket: str
    credential: UsedCredential


class PasskeyNameIn(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """Another name for a passkey."""

    name: str


class OptionsOut(msgspec.Struct):
    """Options for `navigator.credentials`, in their JSON form, and the ticket to send back; good for five minutes."""

    ticket: str
    options: dict[str, Any]


class PasskeyOut(msgspec.Struct):
    """One passkey; the key itself stays on the device."""

    id: str
    name: str
    created_at: datetime
    last_used_at: datetime | None


class PasskeysOut(msgspec.Struct):
    """All passkeys, oldest first."""

    passkeys: list[PasskeyOut]


@bp.post("/auth/passkey/options")
@documented(tag="Signing in", summary="Ask for a passkey", result=OptionsOut, errors=(400, 403, 429, 503))
@needs("public")
def ask_for_passkey() -> Response:
    """Give the options by which a browser uses a passkey of this site, the same for everybody.

    Raises: `BadInput` (400, `passkeys_need_a_name`), `TooManyAttempts` (429).
    """
    ticket, options = services().accounts.passkeys.ask(_site(), origin())
    return jsonify(ticket=ticket, options=options)


@bp.post("/auth/passkey")
@documented(
    tag="Signing in",
    summary="Sign in with a passkey",
    body=PasskeyUseIn,
    result=SignedInOut,
    errors=(400, 401, 403, 408, 413, 415, 422, 503),
)
@needs("public")
def sign_in_with_passkey() -> Response:
    """Sign in with no user name, password or code: the passkey knows the account and its device the person.

    Raises: `BadInput` (400, `link_not_valid`), `Unauthorized` (401, `passkey_refused`).
    """
    body = read_json(request, PasskeyUseIn)
    found = services().accounts.passkeys.sign_in(
        body.ticket, msgspec.to_builtins(body.credential), _site(), origin=origin(), guest=guest_of_browser()
    )
    return signed_in(found)


@bp.post("/auth/confirm/passkey")
@documented(
    tag="Signing in",
    summary="Confirm with a passkey",
    body=PasskeyUseIn,
    status=204,
    errors=(400, 401, 403, 408, 413, 415, 422, 503),
)
@needs("session")
def confirm_with_passkey() -> Response:
    """Prove that it is still you, with the options of `POST /auth/passkey/options`.

    Raises: `BadInput` (400, `link_not_valid`), `Unauthorized` (401, `passkey_refused`).
    """
    body = read_json(request, PasskeyUseIn)
    services().accounts.passkeys.confirm(
        account(), body.ticket, msgspec.to_builtins(body.credential), _site(), origin=origin()
    )
    return confirmed()


@bp.get("/account/passkeys")
@documented(tag="Passkeys", summary="Your passkeys", result=PasskeysOut, errors=(400, 401, 403, 503))
@needs("session")
def list_passkeys() -> Response:
    """Return the names of your passkeys and when each was used."""
    return jsonify(passkeys=[_as_json(each) for each in services().accounts.passkeys.list(account())])


@bp.post("/account/passkeys/options")
@documented(tag="Passkeys", summary="Begin to make a passkey", result=OptionsOut, errors=(400, 401, 403, 409, 503))
@needs("recent")
def offer_passkey() -> Response:
    """Give the options by which a browser makes a passkey for your account.

    Raises: `BadInput` (400, `passkeys_need_a_name`), `Conflict` (409, `too_many_passkeys`).
    """
    ticket, options = services().accounts.passkeys.offer(account(), _site())
    return jsonify(ticket=ticket, options=options)


@bp.post("/account/passkeys")
@documented(
    tag="Passkeys",
    summary="Add a passkey",
    body=NewPasskeyIn,
    result=PasskeyOut,
    status=201,
    errors=(400, 401, 403, 408, 409, 413, 415, 422, 503),
)
@needs("recent")
def add_passkey() -> tuple[Response, int]:
    """Keep the passkey that your browser made.

    Raises: `BadInput` (400, `link_not_valid`), `Conflict` (409, `passkey_known`, `too_many_passkeys`),
    `InvalidBody` (422).
    """
    body = read_json(request, NewPasskeyIn)
    added = services().accounts.passkeys.add(
        account(), body.ticket, msgspec.to_builtins(body.credential), body.name, _site(), origin=origin()
    )
    return jsonify(_as_json(added)), 201


@bp.patch("/account/passkeys/<passkey_id>")
@documented(
    tag="Passkeys",
    summary="Rename a passkey",
    body=PasskeyNameIn,
    result=PasskeyOut,
    errors=(400, 401, 403, 404, 408, 413, 415, 422, 503),
)
@needs("recent")
def rename_passkey(passkey_id: str) -> Response:
    """Call a passkey something else.

    Raises: `NotFound` (404), `InvalidBody` (422).
    """
    name = read_json(request, PasskeyNameIn).name
    return jsonify(_as_json(services().accounts.passkeys.rename(account(), _id_of(passkey_id), name)))


@bp.delete("/account/passkeys/<passkey_id>")
@documented(tag="Passkeys", summary="Delete a passkey", status=204, errors=(400, 401, 403, 404, 409, 503))
@needs("recent")
def remove_passkey(passkey_id: str) -> tuple[str, int]:
    """Forget a passkey, unless it is the only way into your account.

    Raises: `NotFound` (404), `Conflict` (409, `last_credential`).
    """
    services().accounts.passkeys.remove(account(), _id_of(passkey_id), origin())
    return "", 204


def _site() -> Site:
    """Return what passkeys are bound to: the host of `BASE_URL`, else that of the request, which `guards` accepted.

    Raises: `BadInput` (400, `passkeys_need_a_name`) where the site is opened by a bare address.
    """
    base = urlsplit(config().base_url or f"//{request.host}")
    name = base.hostname or ""
    if ADDRESS_FORM.match(name):
        raise BadInput(
            "Passkeys need a host name: open this site by its name, such as localhost, not by its address.",
            code="passkeys_need_a_name",
        )
    # Behind a proxy only the browser knows whether the connection was encrypted.
    schemes = (base.scheme,) if base.scheme else tuple(DEFAULT_PORTS)
    return Site(
        rp_id=name, origins=tuple(_origin(scheme, name, base.port) for scheme in schemes), name=config().site_name
    )


def _origin(scheme: str, name: str, port: int | None) -> str:
    """Write an origin as browsers do: without the port that goes without saying."""
    return f"{scheme}://{name}" if port in (None, DEFAULT_PORTS[scheme]) else f"{scheme}://{name}:{port}"


def _id_of(raw: str) -> UUID:
    if not ID_FORM.match(raw):
        raise NotFound("There is no such passkey.")
    return UUID(raw)


def _as_json(passkey: Passkey) -> dict[str, str | None]:
    return {
        "id": str(passkey.id),
        "name": passkey.name,
        "created_at": passkey.created_at.isoformat(),
        "last_used_at": None if passkey.last_used_at is None else passkey.last_used_at.isoformat(),
    }
