"""Tokens of programs that sign in with a password: a short-lived one to show, and one to get the next pair with."""

from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from chatapp.core.accounts import IDLE_LIFETIME, WHOLE_LIFETIME
from chatapp.core.principals import SCOPES, Origin, Principal, Scope
from chatapp.errors import Forbidden, InvalidBody, Unauthorized
from chatapp.services import audit
from chatapp.services.accounts.access_tokens import AccessTokens
from chatapp.services.accounts.refresh_tokens import RefreshTokens
from chatapp.services.accounts.second_factor import SecondFactor
from chatapp.services.accounts.secrets import hash_of
from chatapp.services.accounts.sessions import Sessions
from chatapp.services.accounts.signing_in import SigningIn
from chatapp.services.revoking import revoke, suspended
from chatapp.store import program_sessions, sessions, users
from chatapp.store.db import Connection, Database

# What a program gets that does not say what it needs.
USUAL_SCOPES: tuple[Scope, ...] = ("chat", "read", "write")
# A program that refreshes twice at once, or sends a request again, is not a thief: the second is refused, no more.
GRACE = timedelta(seconds=10)


class Pair(NamedTuple):
    """An access token, the refresh token for the next pair, and what both are good for."""

    access_token: str
    refresh_token: str
    scopes: tuple[Scope, ...]


class ProgramTokens:
    """The use cases around a program's session. All methods raise `StorageUnavailable` (503)."""

    def __init__(
        self,
        database: Database,
        *,
        signing_in: SigningIn,
        second_factor: SecondFactor,
        sessions: Sessions,
        access_tokens: AccessTokens,
        refresh_tokens: RefreshTokens,
    ) -> None:
        self._database = database
        self._signing_in = signing_in
        self._second_factor = second_factor
        self._sessions = sessions
        self._access_tokens = access_tokens
        self._refresh_tokens = refresh_tokens

    def by_password(
        self, email: str, password: str, *, code: str | None, scopes: Collection[Scope] | None, origin: Origin
    ) -> Pair:
        """Begin a program's session.

        Raises: `TooManyAttempts` (429), `Unauthorized` (401 `wrong_credentials`, `second_factor_required`,
        `wrong_code`), `Forbidden` (403 `account_suspended`, `address_not_confirmed`, or for the scope of an
        administrator), `InvalidBody` (422).
        """
        if scopes is not None and not scopes:
            raise InvalidBody("`scopes` must name at least one scope, or be left out.")
        known = self._signing_in.by_password_only(email, password, origin)
        user = known.user
        self._signing_in.refuse_if_closed(user)
        if user.has_totp:
            if code is None:
                raise Unauthorized("This account wants a second proof: send `code`.", code="second_factor_required")
            self._second_factor.verify(user, code, origin)
        given = frozenset(USUAL_SCOPES if scopes is None else scopes)
        if "admin" in given and user.role != "admin":
            raise Forbidden("Only an administrator can have the scope admin.")
        with self._database.write() as connection:
            self._signing_in.refuse_if_closed(self._signing_in.still(connection, known))
            session, _ = self._sessions.begin(connection, user, kind="program", origin=origin, scopes=given)
            refresh_token = self._refresh_tokens.make(session.id)
            program_sessions.give(connection, session.id, hash_of(refresh_token))
            users.touch(connection, user.id, session.created_at)
            audit.record(
                connection,
                "sign_in.succeeded",
                origin,
                actor_id=user.id,
                subject_id=user.id,
                method="program",
                scopes=sorted(given),
            )
        return self._pair(user.id, session.id, given, refresh_token)

    def refresh(self, refresh_token: str, origin: Origin) -> Pair:
        """Return the next pair; the refresh token is used up, and the access tokens before stay good for their time.

        A used one ends the session, since somebody has a copy of it: not in the first seconds after it was used.
        Raises: `Unauthorized` (401), `Forbidden` (403 `account_suspended`).
        """
        session_id = self._refresh_tokens.session_of(refresh_token)
        pair = None if session_id is None else self._next_pair(session_id, refresh_token, origin)
        if pair is None:
            raise Unauthorized("This refresh token is not valid: it was used, or its session has ended. Sign in again.")
        return pair

    def end(self, refresh_token: str, origin: Origin) -> None:
        """End the session of a refresh token, also of a used one; what is no such token is none of anybody's."""
        session_id = self._refresh_tokens.session_of(refresh_token)
        if session_id is None:
            return
        with self._database.write() as connection:
            found = sessions.by_id(connection, session_id, datetime.now(UTC))
            if found is not None and found[0].kind == "program":
                _end(connection, found[1].id, session_id, "sign_out", origin)

    def principal_of(self, raw: str) -> Principal | None:
        """Return whom an access token stands for, None when it is not valid (any more).

        Raises: `Forbidden` (403) for a suspended account.
        Cost: one read by index.
        """
        claimed = self._access_tokens.read(raw)
        if claimed is None:
            return None
        with self._database.read() as connection:
            found = program_sessions.living(connection, claimed.session_id, claimed.user_id, datetime.now(UTC))
        if found is None:
            return None
        if found.is_suspended:
            raise suspended()
        return Principal(
            owner_id=claimed.user_id,
            kind="user",
            credential="access_token",
            credential_id=claimed.session_id,
            role=found.role,
            scopes=found.scopes,
        )

    def _next_pair(self, session_id: UUID, used: str, origin: Origin) -> Pair | None:
        now = datetime.now(UTC)
        following = self._refresh_tokens.make(session_id)
        with self._database.write() as connection:
            found = sessions.by_id(connection, session_id, now)
            if found is None or found[0].kind != "program":
                return None
            session, user = found
            self._signing_in.refuse_if_closed(user)
            until = min(now + IDLE_LIFETIME, session.created_at + WHOLE_LIFETIME)
            if not program_sessions.rotate(
                connection, session_id, old_hash=hash_of(used), new_hash=hash_of(following), now=now, until=until
            ):
                if not program_sessions.is_just_replaced(connection, session_id, hash_of(used), now - GRACE):
                    _end(connection, user.id, session_id, "token.reused", origin)
                return None
            users.touch(connection, user.id, now)
        return self._pair(user.id, session_id, session.scopes or frozenset(), following)

    def _pair(self, user_id: UUID, session_id: UUID, scopes: frozenset[Scope], refresh_token: str) -> Pair:
        ordered = tuple(scope for scope in SCOPES if scope in scopes)
        access_token = self._access_tokens.make(user_id=user_id, session_id=session_id, scope=" ".join(ordered))
        return Pair(access_token, refresh_token, ordered)


def _end(connection: Connection, user_id: UUID, session_id: UUID, kind: str, origin: Origin) -> None:
    if sessions.remove(connection, user_id, session_id):
        revoke(connection, user_id, session_id)
        actor_id = None if kind == "token.reused" else user_id
        audit.record(connection, kind, origin, actor_id=actor_id, subject_id=user_id, session_id=str(session_id))
