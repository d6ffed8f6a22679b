"""`/account/keys`: the keys for model servers that somebody who is signed in has saved."""

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from flask import Blueprint, Response, jsonify, request

from chatapp.core.own_servers import host_of
from chatapp.errors import NotFound
from chatapp.services.provider_keys import KeptKey, Use
from chatapp.web.access import needs
from chatapp.web.context import services
from chatapp.web.openapi import documented
from chatapp.web.principals import account, origin
from chatapp.web.reading import ID_FORM, read_json

bp = Blueprint("provider_keys", __name__)


class ProviderKeyIn(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """A key to save; without `base_url` it is for this site's own provider."""

    name: str
    key: str
    base_url: str | None = None


class ProviderKeyOut(msgspec.Struct, kw_only=True):
    """A key without the key itself.

    `use` says what for: `provider` in place of this site's own key, `own_server` for the models of a server of yours,
    `unused` when this site does not use it (any more). When `readable` is false, delete it and save it anew.
    """

    id: str
    name: str
    host: str
    base_url: str
    last_four: str
    models: list[str]
    use: Use
    readable: bool
    created_at: datetime
    last_used_at: datetime | None


class ProviderKeysOut(msgspec.Struct):
    """All your keys, the newest first, and whether they may be for servers of your choice."""

    keys: list[ProviderKeyOut]
    own_base_urls: bool


@bp.get("/account/keys")
@documented(tag="Keys", summary="Your provider keys", result=ProviderKeysOut, errors=(400, 401, 403, 503))
@needs("session")
def list_provider_keys() -> Response:
    """Return your keys for model servers, of which only the last four characters are shown."""
    use_cases = services().accounts.provider_keys
    keys = [_as_key(each) for each in use_cases.list(account())]
    return jsonify(keys=keys, own_base_urls=use_cases.allowed != "off")


@bp.post("/account/keys")
@documented(
    tag="Keys",
    summary="Save a provider key",
    body=ProviderKeyIn,
    result=ProviderKeyOut,
    status=201,
    errors=(400, 401, 403, 408, 409, 413, 415, 422, 429, 503),
)
@needs("recent")
def save_provider_key() -> tuple[Response, int]:
    """Try a key with the server it is for, and keep it encrypted.

    Raises: `InvalidBody` (422 `key_refused`, `server_not_usable`), `Forbidden` (403 `own_servers_off`), `Conflict`
    (409), `TooManyAttempts` (429).
    """
    body = read_json(request, ProviderKeyIn)
    kept = services().accounts.provider_keys.save(
        account(), name=body.name, secret=body.key, base_url=body.base_url or "", origin=origin()
    )
    return jsonify(_as_key(kept)), 201


@bp.delete("/account/keys/<key_id>")
@documented(tag="Keys", summary="Delete a provider key", status=204, errors=(400, 401, 403, 404, 503))
@needs("session")
def remove_provider_key(key_id: str) -> tuple[str, int]:
    """Forget a key for good; answers that are being made with it are finished.

    Raises: `NotFound` (404).
    """
    if not ID_FORM.match(key_id):
        raise NotFound("There is no such key.")
    services().accounts.provider_keys.remove(account(), UUID(key_id), origin=origin())
    return "", 204


def _as_key(kept: KeptKey) -> dict[str, Any]:
    key = kept.key
    return {
        "id": str(key.id),
        "name": key.name,
        "host": host_of(key.base_url),
        "base_url": key.base_url,
        "last_four": key.last_four,
        "models": list(key.models),
        "use": kept.use,
        "readable": kept.is_readable,
        "created_at": key.created_at.isoformat(),
        "last_used_at": key.last_used_at and key.last_used_at.isoformat(),
    }
