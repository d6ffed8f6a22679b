"""Personal tokens: made by a person for a program, shown once, good until they expire or are revoked."""

import re
from collections.abc import Collection
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from uuid_utils.compat import uuid7

from chatapp.core.accounts import checked_name
from chatapp.core.personal_tokens import PersonalToken
from chatapp.core.principals import Origin, Principal, Scope
from chatapp.errors import Conflict, Forbidden, InvalidBody, NotFound, StorageUnavailable
from chatapp.services import audit
from chatapp.services.accounts.secrets import hash_of, new_secret
from chatapp.services.revoking import revoke, suspended
from chatapp.store import personal_tokens, users
from chatapp.store.db import Connection, Database

# A mark that people and scanners of leaked secrets know, and 256 bits.
PREFIX = "cpt_"
SECRET_FORM = re.compile(PREFIX + r"[A-Za-z0-9_-]{43}\Z")
MOST_TOKENS = 50
LONGEST_DAYS = 3650
# The last use need not be known more exactly, and every note is a write.
USE_STEP = timedelta(minutes=1)


class MadeToken(NamedTuple):
    """A new token and its secret, which nobody can show again."""

    token: PersonalToken
    secret: str


class PersonalTokens:
    """The use cases around personal tokens."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def list(self, principal: Principal) -> list[PersonalToken]:
        """Return all of a person's tokens, the newest first, also those that have expired."""
        with self._database.read() as connection:
            return personal_tokens.of_user(connection, principal.owner_id)

    def make(
        self,
        principal: Principal,
        *,
        name: str,
        scopes: Collection[Scope],
        expires_in_days: int | None,
        origin: Origin,
    ) -> MadeToken:
        """Make a token; without `expires_in_days` it is good until it is revoked.

        Raises: `InvalidBody` (422), `Forbidden` (403) for the scope of an administrator, `Conflict` (409
        `too_many_tokens`).
        """
        name = checked_name(name)
        _check_reach(principal, scopes, expires_in_days)
        secret = PREFIX + new_secret()
        now = datetime.now(UTC)
        token = PersonalToken(
            id=uuid7(),
            user_id=principal.owner_id,
            name=name,
            last_four=secret[-4:],
            scopes=frozenset(scopes),
            created_at=now,
            expires_at=None if expires_in_days is None else now + timedelta(days=expires_in_days),
            last_used_at=None,
        )
        with self._database.write() as connection:
            users.lock(connection, principal.owner_id)
            if personal_tokens.count(connection, principal.owner_id) >= MOST_TOKENS:
                raise Conflict(
                    f"You have {MOST_TOKENS} tokens, which is all you can have. Revoke one first.",
                    code="too_many_tokens",
                )
            personal_tokens.add(connection, token, hash_of(secret))
            _record(connection, "token.created", origin, token.user_id, token.id, scopes=sorted(token.scopes))
        return MadeToken(token, secret)

    def revoke(self, principal: Principal, token_id: UUID, *, origin: Origin) -> None:
        """End a token at once; answers that are read with it at this moment end too.

        Raises: `NotFound` (404), also for somebody else's token.
        """
        owner_id = principal.owner_id
        with self._database.write() as connection:
            if not personal_tokens.remove(connection, owner_id, token_id):
                raise NotFound("There is no such token.")
            revoke(connection, owner_id, token_id)
            _record(connection, "token.revoked", origin, owner_id, token_id)

    def principal_of(self, secret: str) -> Principal | None:
        """Return whom a token stands for, None when it is not valid (any more).

        Raises: `Forbidden` (403) for a suspended account.
        Cost: one read by index; once a minute for each token that is in use also a write.
        """
        if not SECRET_FORM.match(secret):
            return None
        now = datetime.now(UTC)
        stale = now - USE_STEP
        with self._database.read() as connection:
            found = personal_tokens.shown(connection, hash_of(secret), now=now, stale=stale)
        if found is None:
            return None
        if found.is_suspended:
            raise suspended()
        if found.is_stale:
            # Worth knowing, but not worth refusing a request.
            with suppress(StorageUnavailable), self._database.write() as connection:
                users.touch(connection, found.user_id, now)
                personal_tokens.note_use(connection, found.id, now=now, stale=stale)
        return Principal(
            owner_id=found.user_id,
            kind="user",
            credential="personal_token",
            credential_id=found.id,
            role=found.role,
            scopes=found.scopes,
        )


def _check_reach(principal: Principal, scopes: Collection[Scope], expires_in_days: int | None) -> None:
    """Raises: `InvalidBody` (422), `Forbidden` (403)."""
    if not scopes:
        raise InvalidBody("`scopes` must name at least one scope.")
    if "admin" in scopes and principal.role != "admin":
        raise Forbidden("Only an administrator can give a token the scope admin.")
    if expires_in_days is not None and not 1 <= expires_in_days <= LONGEST_DAYS:
        raise InvalidBody(f"`expires_in_days` must be 1 to {LONGEST_DAYS}, or null.")


def _record(
    connection: Connection, kind: str, origin: Origin, owner_id: UUID, token_id: UUID, **facts: audit.Fact
) -> None:
    audit.record(connection, kind, origin, actor_id=owner_id, subject_id=owner_id, token_id=str(token_id), **facts)
