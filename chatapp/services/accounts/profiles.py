"""What a person sees and changes of their account."""

from uuid import UUID

import msgspec

from chatapp.core.accounts import Theme, User
from chatapp.core.principals import Origin, Principal
from chatapp.errors import InvalidBody, NotFound, Unauthorized
from chatapp.services import audit
from chatapp.services.accounts.passwords import check_password, hash_password
from chatapp.services.accounts.recovery import Recovery
from chatapp.services.accounts.sessions import Sessions
from chatapp.services.accounts.signing_in import SigningIn
from chatapp.store import profiles, tickets, users
from chatapp.store.db import Connection, Database


class Profile(msgspec.Struct, frozen=True, kw_only=True):
    """An account with everything that can be told of it at a glance; `issuers` are other providers it is known at."""

    user: User
    groups: list[tuple[UUID, str]]
    recovery_codes_left: int
    passkeys: int
    issuers: list[str]


class Profiles:
    """All methods raise `StorageUnavailable` (503)."""

    def __init__(
        self, database: Database, sessions: Sessions, signing_in: SigningIn, recovery: Recovery, *, site_name: str
    ) -> None:
        self._database = database
        self._sessions = sessions
        self._signing_in = signing_in
        self._recovery = recovery
        self._site_name = site_name

    def get(self, principal: Principal) -> Profile:
        """Raises: `Unauthorized` (401) when the account has just gone."""
        return self.of_user(principal.owner_id)

    def of_user(self, user_id: UUID) -> Profile:
        """Raises: see `get`."""
        with self._database.read() as connection:
            return self._profile(connection, user_id)

    def by_email(self, email: str) -> User:
        """Raises: `NotFound` (404)."""
        with self._database.read() as connection:
            user = users.by_email(connection, email)
        if user is None:
            raise NotFound("This address has no account.")
        return user

    def all(self) -> list[User]:
        """Return all accounts, oldest first."""
        with self._database.read() as connection:
            return users.all_of_them(connection)

    def change(
        self,
        principal: Principal,
        *,
        name: str | None = None,
        language: str | None = None,
        theme: Theme | None = None,
    ) -> Profile:
        """Change what is given, which has been checked."""
        with self._database.write() as connection:
            users.change_profile(connection, principal.owner_id, name=name, language=language, theme=theme)
            return self._profile(connection, principal.owner_id)

    def set_password(self, principal: Principal, password: str, *, current: str | None, origin: Origin) -> None:
        """Give the account a new password; every other session ends, and so does every link that was sent.

        `current` is the one before, if there is one. The owner is told by mail.
        Raises: `InvalidBody` (422 `weak_password`), `Unauthorized` (401 `wrong_credentials`), `TooManyAttempts` (429).
        """
        user = self.get(principal).user
        if user.has_password:
            if current is None:
                raise InvalidBody("`current` is missing: the password that you have now.")
            self._signing_in.check_password_of(principal, current, origin)
        check_password(password, about=[user.email, user.name, self._site_name])
        hashed = hash_password(password)
        with self._database.write() as connection:
            users.set_password(connection, user.id, hashed)
            tickets.remove_of_user(connection, user.id)
            self._sessions.end_all(connection, user.id, but=principal.credential_id)
            audit.record(connection, "password.changed", origin, actor_id=user.id, subject_id=user.id)
        self._recovery.send_password_changed(user)

    def _profile(self, connection: Connection, user_id: UUID) -> Profile:
        user = users.get(connection, user_id)
        if user is None:
            raise Unauthorized("This account is gone.")
        return Profile(
            user=user,
            groups=profiles.groups_of(connection, user_id),
            recovery_codes_left=profiles.count_recovery_codes(connection, user_id),
            passkeys=profiles.count_passkeys(connection, user_id),
            issuers=profiles.issuers_of(connection, user_id),
        )


def same_email(user: User, typed: str) -> None:
    """Raises: `InvalidBody` (422) when what was typed to be sure is not the account's address."""
    if typed.strip().casefold() != user.email.casefold():
        raise InvalidBody("`email` is not the address of this account; nothing was deleted.")
