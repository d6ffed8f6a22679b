"""People's own keys for model servers: tried, kept encrypted, used for nobody else and nowhere else."""

import logging
import re
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Literal
from uuid import UUID

import msgspec
from uuid_utils.compat import uuid7

from chatapp.core.accounts import checked_name
from chatapp.core.own_servers import NOTHING_OWN, Own, OwnServer, checked_base_url, checked_server_name, host_of
from chatapp.core.ports import ModelServers, ModelSource
from chatapp.core.principals import Origin, Principal
from chatapp.errors import AppError, Conflict, Forbidden, InvalidBody, ProviderError, StorageUnavailable
from chatapp.services import audit
from chatapp.services.access import access_provider_key
from chatapp.services.accounts.throttling import Throttle
from chatapp.services.encryption import Cipher, Unreadable
from chatapp.store import provider_keys, users
from chatapp.store.db import Connection, Database
from chatapp.store.provider_keys import ProviderKey

log = logging.getLogger(__name__)

OwnBaseURLs = Literal["off", "on", "private"]
# provider: asked with in place of the server's own key; own_server: its models have names of their own; unused: the
# server was set up for another provider since, or people's own servers are not allowed (any more).
Use = Literal["provider", "own_server", "unused"]

KEY_FORM = re.compile(r"[!-~]{8,512}\Z")
MOST_KEYS = 20
MOST_MODELS = 200
TRIES_PER_HOUR = 30
TRIAL_S = 15.0
# The last use need not be known more exactly, and every note is a write.
USE_STEP = timedelta(minutes=10)


class KeptKey(msgspec.Struct, frozen=True):
    """A key as its owner sees it; `is_readable` says that the server can decrypt it."""

    key: ProviderKey
    use: Use
    is_readable: bool


class ProviderKeys:
    """The use cases around keys of one's own.

    `configured_url` is where the configured provider is, which `configured` asks; `own_servers` reaches those that
    people name, `allowed` says whether they may.
    """

    def __init__(
        self,
        database: Database,
        cipher: Cipher,
        throttle: Throttle,
        *,
        configured_url: str,
        configured: ModelSource,
        own_servers: ModelServers,
        allowed: OwnBaseURLs,
    ) -> None:
        self._database = database
        self._cipher = cipher
        self._throttle = throttle
        self._configured_url = configured_url
        self._configured = configured
        self._own_servers = own_servers
        self.allowed: OwnBaseURLs = allowed

    def list(self, principal: Principal) -> list[KeptKey]:
        """Return all of a person's keys, the newest first."""
        with self._database.read() as connection:
            found = provider_keys.of_user(connection, principal.owner_id)
        return [self._kept(key) for key in found]

    def save(self, principal: Principal, *, name: str, secret: str, base_url: str, origin: Origin) -> KeptKey:
        """Try a key and keep it; without `base_url` it is for the configured provider.

        Cost: one request to the server that the key is for. Raises: `InvalidBody` (422, also `key_refused` and
        `server_not_usable`), `Forbidden` (403 `own_servers_off`), `Conflict` (409), `TooManyAttempts` (429).
        """
        name, url = self._checked(name, secret, base_url)
        owner_id = principal.owner_id
        with self._database.read() as connection:
            _check_room(provider_keys.for_use(connection, owner_id), name)
        # Each try is a request to wherever the person says.
        self._throttle.check("provider_key.tried", str(owner_id), limit=TRIES_PER_HOUR, within_s=3600)
        models = self._tried(secret, url)
        key_id = uuid7()
        key = ProviderKey(
            id=key_id,
            user_id=owner_id,
            name=name,
            base_url=url,
            sealed=self._cipher.seal(secret.encode("ascii"), bound_to=place_of_key(owner_id, key_id, url)),
            last_four=secret[-4:],
            models=models,
            created_at=datetime.now(UTC),
        )
        with self._database.write() as connection:
            users.lock(connection, owner_id)
            _check_room(provider_keys.for_use(connection, owner_id), name)
            provider_keys.add(connection, key)
            self._record(connection, "provider_key.saved", key, origin)
        return self._kept(key)

    def remove(self, principal: Principal, key_id: UUID, *, origin: Origin) -> None:
        """Forget a key for good.

        Raises: `NotFound` (404), also for somebody else's.
        """
        with self._database.write() as connection:
            key = access_provider_key(connection, principal, key_id, "delete")
            provider_keys.remove(connection, key_id)
            self._record(connection, "provider_key.removed", key, origin)

    def own(self, principal: Principal | None, *, sent: str | None = None, with_models: bool = False) -> Own:
        """Return what a person brings along to be answered; a key that was `sent` with the request wins.

        Cost: one read for accounts, nothing for guests and strangers. No key is decrypted before it is needed.
        """
        own = NOTHING_OWN if sent is None else Own(open_key=lambda: sent)
        if principal is None or principal.kind != "user":
            return own
        find = provider_keys.of_user if with_models else provider_keys.for_use
        with self._database.read() as connection:
            keys = find(connection, principal.owner_id)
        for_provider = next((key for key in keys if self._use(key) == "provider"), None)
        if sent is None and for_provider is not None:
            own = Own(open_key=partial(self._opened, for_provider))
        servers = [self._as_server(key) for key in keys if self._use(key) == "own_server"]
        return msgspec.structs.replace(own, servers=tuple(servers)) if servers else own

    def _checked(self, name: str, secret: str, base_url: str) -> tuple[str, str]:
        """Return the name and the URL as they are kept.

        Raises: `InvalidBody` (422), `Forbidden` (403 `own_servers_off`).
        """
        name = checked_name(name)
        if not KEY_FORM.match(secret):
            raise InvalidBody("`key` is not a key: 8 to 512 printable ASCII characters without spaces.")
        if not base_url.strip() or base_url.strip().rstrip("/") == self._configured_url:
            return name, self._configured_url
        if self.allowed == "off":
            raise Forbidden(
                "This site takes keys for its own provider only: leave out `base_url`.", code="own_servers_off"
            )
        url = checked_base_url(base_url, is_home=self.allowed == "private")
        return (name if url == self._configured_url else checked_server_name(name)), url

    def _tried(self, secret: str, url: str) -> tuple[str, ...]:
        """Return which models the server has for who shows this key.

        Raises: `InvalidBody` (422 `key_refused`, `server_not_usable`); the text holds nothing of the server's.
        """
        source: ModelSource = self._configured if url == self._configured_url else self._own_servers.at(url)
        try:
            return tuple(source.model_ids(api_key=secret, patience_s=TRIAL_S)[:MOST_MODELS])
        except ProviderError as error:
            if error.code == "provider_auth":
                raise InvalidBody("The server refused this key; it was not saved.", code="key_refused") from None
            why = WHY_NOT_USABLE.get(error.code, "it did not answer as one of OpenAI's kind does")
            raise InvalidBody(
                f"The key was not saved, because its server could not be asked: {why}.", code="server_not_usable"
            ) from None

    def _use(self, key: ProviderKey) -> Use:
        if key.base_url == self._configured_url:
            return "provider"
        if self.allowed == "off" or (self.allowed == "on" and not key.base_url.startswith("https://")):
            return "unused"
        return "own_server" if _can_be_named(key.name) else "unused"

    def _as_server(self, key: ProviderKey) -> OwnServer:
        return OwnServer(
            name=key.name, base_url=key.base_url, open_key=partial(self._opened, key), model_ids=key.models
        )

    def _kept(self, key: ProviderKey) -> KeptKey:
        try:
            self._cipher.open(key.sealed, bound_to=place_of_key(key.user_id, key.id, key.base_url))
        except Unreadable:
            return KeptKey(key, self._use(key), is_readable=False)
        return KeptKey(key, self._use(key), is_readable=True)

    def _opened(self, key: ProviderKey) -> str:
        """Return a key in the open, and note that it is used.

        Raises: `Conflict` (409 `provider_key_unreadable`).
        """
        try:
            plain = self._cipher.open(key.sealed, bound_to=place_of_key(key.user_id, key.id, key.base_url))
        except Unreadable as exc:
            log.warning("provider_key.unreadable", extra={"key_id": str(key.id), "reason": str(exc)})
            raise Conflict(
                f"Your saved key {key.name!r} cannot be decrypted any more, so nothing was sent. Delete it and save it "
                "anew, or tell whoever runs this site that its encryption keys are missing.",
                code="provider_key_unreadable",
            ) from None
        now = datetime.now(UTC)
        if key.last_used_at is None or now - key.last_used_at > USE_STEP:
            # Worth knowing, but not worth refusing an answer.
            with suppress(StorageUnavailable), self._database.write() as connection:
                provider_keys.note_use(connection, key.id, now)
        return plain.decode("ascii")

    @staticmethod
    def _record(connection: Connection, kind: str, key: ProviderKey, origin: Origin) -> None:
        audit.record(
            connection,
            kind,
            origin,
            actor_id=key.user_id,
            subject_id=key.user_id,
            key_id=str(key.id),
            # Not the whole address: some have a secret in their path.
            host=host_of(key.base_url),
        )


WHY_NOT_USABLE = {
    "upstream_unreachable": "it cannot be reached from here, or its address is not one of the internet",
    "upstream_tls": "there is no secure connection to it",
    "upstream_timeout": "it did not answer in time",
    "upstream_busy": "it is busy at the moment",
}


def _check_room(keys: list[ProviderKey], name: str) -> None:
    """Raises: `Conflict` (409 `too_many_keys`, `key_name_taken`)."""
    if len(keys) >= MOST_KEYS:
        raise Conflict(f"You have {MOST_KEYS} keys, which is all you can have. Delete one first.", code="too_many_keys")
    if any(key.name == name for key in keys):
        raise Conflict(
            f"You have a key named {name!r} already: delete it first, or take another name.", code="key_name_taken"
        )


def _can_be_named(name: str) -> bool:
    try:
        checked_server_name(name)
    except AppError:
        return False
    return True


def place_of_key(user_id: UUID, key_id: UUID, base_url: str) -> str:
    """Return what a sealed key is bound to: moved to another owner, row or server, it cannot be opened."""
    return f"provider_key:{user_id}:{key_id}:{base_url}"
