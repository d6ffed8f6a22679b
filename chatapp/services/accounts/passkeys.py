"""Passkeys: signing in with a key that a device keeps, instead of a password."""

import secrets
from base64 import urlsafe_b64decode
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, NoReturn
from uuid import UUID

from uuid_utils.compat import uuid7

from chatapp.core.accounts import User, checked_name
from chatapp.core.passkeys import Passkey, Site
from chatapp.core.principals import Origin, Principal
from chatapp.errors import Conflict, InvalidBody, NotFound, Unauthorized
from chatapp.services import audit
from chatapp.services.accounts import ceremonies, tickets
from chatapp.services.accounts.ceremonies import NotProven
from chatapp.services.accounts.sessions import Sessions
from chatapp.services.accounts.signing_in import SignedIn, SigningIn
from chatapp.services.accounts.throttling import Throttle
from chatapp.store import passkeys, users
from chatapp.store.db import Connection, Database

MOST_PASSKEYS = 20
CHALLENGE_BYTES = 32
LIFETIME = timedelta(minutes=5)
# A page that offers passkeys asks for a challenge each time it is opened, and many people may share an address.
CHALLENGES = 300
CHALLENGES_WITHIN_S = 300

USE = "passkey"
CREATION = "passkey_new"

Credential = Mapping[str, Any]


class Passkeys:
    """The use cases around passkeys. `credential` is what the browser gave, in its JSON form."""

    def __init__(self, database: Database, throttle: Throttle, sessions: Sessions, signing_in: SigningIn) -> None:
        self._database = database
        self._throttle = throttle
        self._sessions = sessions
        self._signing_in = signing_in

    def ask(self, site: Site, origin: Origin) -> tuple[str, dict[str, Any]]:
        """Return a ticket and the options by which a browser uses a passkey; nobody is named yet.

        Raises: `TooManyAttempts` (429).
        """
        self._throttle.check("passkey", origin.network, limit=CHALLENGES, within_s=CHALLENGES_WITHIN_S)
        challenge = secrets.token_bytes(CHALLENGE_BYTES)
        with self._database.write() as connection:
            ticket = _ticket(connection, USE, challenge, None)
        return ticket, ceremonies.request_options(site, challenge)

    def sign_in(
        self, ticket: str, credential: Credential, site: Site, *, origin: Origin, guest: Principal | None
    ) -> SignedIn:
        """Begin a session; the passkey proves two things at once, so that no other code is asked for.

        Raises: `BadInput` (400, `link_not_valid`), `Unauthorized` (401), and see `SigningIn.finish`.
        """
        passkey, count = self._proven(ticket, credential, site, origin)
        self._note_use(passkey, count, origin)
        with self._database.write() as connection:
            user = _user_of(connection, passkey.user_id)
            return self._signing_in.finish(connection, user, origin=origin, guest=guest, method="passkey")

    def confirm(self, principal: Principal, ticket: str, credential: Credential, site: Site, *, origin: Origin) -> None:
        """Take a passkey for the proof that this is still the person who signed in.

        Raises: `BadInput` (400, `link_not_valid`), `Unauthorized` (401).
        """
        passkey, count = self._proven(ticket, credential, site, origin)
        if passkey.user_id != principal.owner_id:
            self._refuse("it is of another account", origin, principal.owner_id)
        self._note_use(passkey, count, origin)
        self._sessions.confirm(principal, origin)

    def list(self, principal: Principal) -> list[Passkey]:
        """Return a person's passkeys, oldest first."""
        with self._database.read() as connection:
            return passkeys.of_user(connection, principal.owner_id)

    def offer(self, principal: Principal, site: Site) -> tuple[str, dict[str, Any]]:
        """Return a ticket and the options by which a browser makes a passkey.

        Raises: `Conflict` (409, `too_many_passkeys`).
        """
        challenge = secrets.token_bytes(CHALLENGE_BYTES)
        with self._database.write() as connection:
            user = _user_of(connection, principal.owner_id)
            known = passkeys.of_user(connection, user.id)
            _check_room(len(known))
            ticket = _ticket(connection, CREATION, challenge, user.id)
        return ticket, ceremonies.creation_options(site, challenge, user, known)

    def add(
        self, principal: Principal, ticket: str, credential: Credential, name: str, site: Site, *, origin: Origin
    ) -> Passkey:
        """Keep the passkey that a browser made.

        Raises: `BadInput` (400, `link_not_valid`), `Conflict` (409, `passkey_known` or `too_many_passkeys`),
        `InvalidBody` (422).
        """
        name = checked_name(name)
        with self._database.write() as connection:
            taken = tickets.take(connection, CREATION, ticket)
        if taken.user_id != principal.owner_id:
            raise InvalidBody("`ticket` is of another account.")
        try:
            made = ceremonies.checked_creation(credential, site, _challenge(taken.data))
        except NotProven as exc:
            raise InvalidBody("`credential` is not a passkey that was made here and now. Try again.") from exc
        passkey = Passkey(
            id=uuid7(),
            user_id=principal.owner_id,
            credential_id=made.credential_id,
            public_key=made.public_key,
            sign_count=made.sign_count,
            transports=made.transports,
            name=name,
            created_at=datetime.now(UTC),
            last_used_at=None,
        )
        with self._database.write() as connection:
            users.lock(connection, passkey.user_id)
            _check_room(passkeys.count(connection, passkey.user_id))
            if not passkeys.add(connection, passkey):
                raise Conflict("This passkey is known already.", code="passkey_known")
            _record(connection, "passkey.added", origin, passkey)
        return passkey

    def rename(self, principal: Principal, passkey_id: UUID, name: str) -> Passkey:
        """Call a passkey something else.

        Raises: `NotFound` (404), `InvalidBody` (422).
        """
        name = checked_name(name)
        with self._database.write() as connection:
            if not passkeys.rename(connection, principal.owner_id, passkey_id, name):
                _no_such()
            return _own(connection, principal, passkey_id)

    def remove(self, principal: Principal, passkey_id: UUID, origin: Origin) -> None:
        """Forget a passkey, unless it is the only way into the account.

        Raises: `NotFound` (404), `Conflict` (409, `last_credential`).
        """
        with self._database.write() as connection:
            users.lock(connection, principal.owner_id)
            passkey = _own(connection, principal, passkey_id)
            if passkeys.ways_in(connection, principal.owner_id) < 2:
                raise Conflict(
                    "This passkey is the only way into your account. Set a password or add another passkey first.",
                    code="last_credential",
                )
            passkeys.remove(connection, principal.owner_id, passkey_id)
            _record(connection, "passkey.removed", origin, passkey)

    def _proven(self, ticket: str, credential: Credential, site: Site, origin: Origin) -> tuple[Passkey, int]:
        """Return the passkey that was used, and its count; the ticket is used up whatever comes of it."""
        with self._database.write() as connection:
            taken = tickets.take(connection, USE, ticket)
            passkey = passkeys.by_credential(connection, _decoded(credential["id"]))
        if passkey is None:
            self._refuse("it is not known", origin, None)
        if _decoded(credential["response"].get("userHandle") or "") != passkey.user_id.bytes:
            self._refuse("it names another account", origin, passkey.user_id)
        try:
            return passkey, ceremonies.checked_use(credential, site, _challenge(taken.data), passkey)
        except NotProven as exc:
            self._refuse(str(exc), origin, passkey.user_id)

    def _note_use(self, passkey: Passkey, count: int, origin: Origin) -> None:
        with self._database.write() as connection:
            if passkeys.note_use(connection, passkey.id, sign_count=count, at=datetime.now(UTC)):
                return
        # Two devices count by themselves: one of them holds a copy of the key.
        self._refuse("its count went back", origin, passkey.user_id)

    def _refuse(self, reason: str, origin: Origin, user_id: UUID | None) -> NoReturn:
        with self._database.write() as connection:
            audit.record(connection, "passkey.refused", origin, subject_id=user_id, reason=reason)
        raise Unauthorized("This passkey was not accepted. Try again, or sign in another way.", code="passkey_refused")


def _ticket(connection: Connection, kind: str, challenge: bytes, user_id: UUID | None) -> str:
    return tickets.make(connection, kind, user_id=user_id, data={"challenge": challenge.hex()}, lifetime=LIFETIME)


def _challenge(data: Mapping[str, Any]) -> bytes:
    return bytes.fromhex(data["challenge"])


def _decoded(raw: str) -> bytes:
    """Return what was written in base64url, and nothing for what was not."""
    try:
        return urlsafe_b64decode(raw + "=" * (-len(raw) % 4))
    except ValueError:
        return b""


def _check_room(count: int) -> None:
    if count >= MOST_PASSKEYS:
        raise Conflict(f"You have {MOST_PASSKEYS} passkeys. Delete one first.", code="too_many_passkeys")


def _own(connection: Connection, principal: Principal, passkey_id: UUID) -> Passkey:
    own = passkeys.of_user(connection, principal.owner_id)
    found = next((each for each in own if each.id == passkey_id), None)
    if found is None:
        _no_such()
    return found


def _no_such() -> NoReturn:
    raise NotFound("There is no such passkey.")


def _user_of(connection: Connection, user_id: UUID) -> User:
    found = users.get(connection, user_id)
    if found is None:
        raise NotFound("There is no such account.")
    return found


def _record(connection: Connection, kind: str, origin: Origin, passkey: Passkey) -> None:
    owner_id = passkey.user_id
    audit.record(connection, kind, origin, actor_id=owner_id, subject_id=owner_id, passkey_id=str(passkey.id))
