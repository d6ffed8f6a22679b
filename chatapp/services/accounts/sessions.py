"""Sessions: being signed in, in a browser or with a program."""

from collections.abc import Iterable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from uuid import UUID

from uuid_utils.compat import uuid7

from chatapp.core.accounts import IDLE_LIFETIME, WHOLE_LIFETIME, Session, SessionKind, User
from chatapp.core.principals import Origin, Principal, Scope
from chatapp.errors import Forbidden, NotFound, StorageUnavailable
from chatapp.services import audit
from chatapp.services.accounts.secrets import hash_of, new_secret
from chatapp.services.revoking import revoke
from chatapp.store import sessions, users
from chatapp.store.db import Connection, Database

# How exactly it is known when a session was last used: writing costs more than reading.
SEEN_STEP = timedelta(minutes=1)
# Requests that other tabs sent a moment before a session's secret changed still arrive.
GRACE = timedelta(seconds=10)


class Sessions:
    """Who is signed in. All methods raise `StorageUnavailable` (503)."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def begin(
        self,
        connection: Connection,
        user: User,
        *,
        kind: SessionKind,
        origin: Origin,
        scopes: Iterable[Scope] | None = None,
    ) -> tuple[Session, str]:
        """Return a new session and its secret, which is stored as a hash only."""
        now = datetime.now(UTC)
        session = Session(
            id=uuid7(),
            user_id=user.id,
            kind=kind,
            scopes=None if scopes is None else frozenset(scopes),
            agent=origin.agent[:200],
            address=origin.address,
            created_at=now,
            last_seen_at=now,
            expires_at=now + IDLE_LIFETIME,
            confirmed_at=now,
        )
        secret = new_secret()
        sessions.add(connection, session, hash_of(secret))
        return session, secret

    def by_secret(self, secret: str) -> tuple[Session, User] | None:
        """Return a browser's session that is alive, and whose it is; it lives on."""
        now = datetime.now(UTC)
        with self._database.read() as connection:
            found = sessions.by_secret(connection, hash_of(secret), "browser", now) or sessions.by_secret_before(
                connection, hash_of(secret), now, now - GRACE
            )
        return self._seen(found, now)

    def renew(self, principal: Principal) -> str:
        """Return a new secret for a browser's session, after its person has proven who they are."""
        secret = new_secret()
        assert principal.credential_id is not None, "only a session is confirmed"
        with self._database.write() as connection:
            sessions.renew(connection, principal.credential_id, hash_of(secret))
        return secret

    def leave(self, secret: str) -> None:
        """End the session that a browser has shown until now, since another begins in it."""
        now = datetime.now(UTC)
        with self._database.write() as connection:
            found = sessions.by_secret(connection, hash_of(secret), "browser", now)
            if found is not None and sessions.remove(connection, found[1].id, found[0].id):
                revoke(connection, found[1].id, found[0].id)

    def list(self, principal: Principal) -> list[Session]:
        """Return where a person is signed in, the last used first."""
        with self._database.read() as connection:
            return sessions.of_user(connection, principal.owner_id, datetime.now(UTC))

    def end(self, principal: Principal, session_id: UUID, origin: Origin) -> None:
        """End one of a person's sessions, with all streams that it reads.

        Raises: `NotFound` (404).
        """
        with self._database.write() as connection:
            if not sessions.remove(connection, principal.owner_id, session_id):
                raise NotFound("There is no such session.")
            revoke(connection, principal.owner_id, session_id)
            person = principal.owner_id
            audit.record(connection, "session.ended", origin, actor_id=person, subject_id=person)

    def sign_out(self, user_id: UUID, session_id: UUID, origin: Origin, *, everywhere: bool) -> None:
        """End a session, or all that its owner has."""
        with self._database.write() as connection:
            if everywhere:
                self.end_all(connection, user_id)
            elif sessions.remove(connection, user_id, session_id):
                revoke(connection, user_id, session_id)
            kind = "sign_out.everywhere" if everywhere else "sign_out"
            audit.record(connection, kind, origin, actor_id=user_id, subject_id=user_id)

    def end_others(self, principal: Principal, origin: Origin) -> int:
        """End all sessions of a person but the one that asks; returns how many those were."""
        with self._database.write() as connection:
            ended = self.end_all(connection, principal.owner_id, but=principal.credential_id)
            audit.record(
                connection,
                "sessions.ended",
                origin,
                actor_id=principal.owner_id,
                subject_id=principal.owner_id,
                count=ended,
            )
        return ended

    def end_all(self, connection: Connection, user_id: UUID, *, but: UUID | None = None) -> int:
        """End all sessions of an account but one, with their streams; returns how many those were."""
        ended = sessions.remove_all(connection, user_id, but=but)
        for session_id in ended:
            revoke(connection, user_id, session_id)
        return len(ended)

    def confirm(self, principal: Principal, origin: Origin) -> None:
        """Note that the person behind a session just proved who they are.

        Raises: `Forbidden` (403) for a credential that is no session.
        """
        if principal.credential != "session" or principal.credential_id is None:
            raise Forbidden("Only a browser that is signed in can do this.")
        with self._database.write() as connection:
            sessions.confirm(connection, principal.credential_id, datetime.now(UTC))
            audit.record(connection, "session.confirmed", origin, actor_id=principal.owner_id)

    def clean_up(self, now: datetime) -> None:
        with self._database.write() as connection:
            sessions.remove_expired(connection, now)

    def _seen(self, found: tuple[Session, User] | None, now: datetime) -> tuple[Session, User] | None:
        if found is None or now - found[0].last_seen_at < SEEN_STEP:
            return found
        session, user = found
        until = min(now + IDLE_LIFETIME, session.created_at + WHOLE_LIFETIME)
        # Whoever only looks can do so while nothing can be written.
        with suppress(StorageUnavailable), self._database.write() as connection:
            sessions.touch(connection, session.id, seen=now, until=until)
            users.touch(connection, user.id, now)
        return found
