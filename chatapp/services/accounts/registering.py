"""Registering: how an account begins."""

from datetime import UTC, datetime
from typing import Literal
from uuid import UUID

from uuid_utils.compat import uuid7

from chatapp.core.accounts import User, checked_email, checked_name, email_key
from chatapp.core.principals import Origin
from chatapp.errors import Conflict, Forbidden, NotFound
from chatapp.services import audit
from chatapp.services.accounts.invitations import Invitations
from chatapp.services.accounts.passwords import check_password, hash_password
from chatapp.services.accounts.recovery import Recovery
from chatapp.services.accounts.throttling import Throttle
from chatapp.store import users
from chatapp.store.db import Connection, Database

Access = Literal["open", "signin", "invite"]
Next = Literal["sign_in", "check_mail"]

# The one claim on being the first administrator: whoever inserts it has won.
FIRST_ADMIN = "first_admin"
NEW_ACCOUNTS, NEW_ACCOUNTS_S = 20, 3600
# Looking how easily a password is guessed can take a tenth of a second; people try several before one is taken.
LOOKED_AT, LOOKED_AT_S = 100, 600


class Registering:
    """`site_name` is a word that no password may be made of. All methods raise `StorageUnavailable` (503)."""

    def __init__(
        self,
        database: Database,
        throttle: Throttle,
        invitations: Invitations,
        recovery: Recovery,
        *,
        access: str,
        site_name: str,
        sends_mail: bool,
    ) -> None:
        self._database = database
        self._throttle = throttle
        self._invitations = invitations
        self._recovery = recovery
        self._access = access
        self._site_name = site_name
        self._sends_mail = sends_mail

    def register(self, *, email: str, password: str, name: str | None, invitation: str | None, origin: Origin) -> Next:
        """Make an account, and say what comes next.

        For an address that has an account already the answer, and the work, are the same; where mail can be sent its
        owner is told.
        Raises: `InvalidBody` (422; `weak_password`), `Forbidden` (403 `invitation_needed`), `TooManyAttempts` (429),
        `BadInput` (400 `link_not_valid`).
        """
        email = checked_email(email)
        name = checked_name(name or email.partition("@")[0])
        self._refuse_uninvited(invitation, email)
        self._throttle.check("password_choice", origin.network, limit=LOOKED_AT, within_s=LOOKED_AT_S)
        check_password(password, about=[email, name, self._site_name])
        self._throttle.check("register", origin.network, limit=NEW_ACCOUNTS, within_s=NEW_ACCOUNTS_S)
        hashed = hash_password(password)
        with self._database.write() as connection:
            user = self.add(
                connection,
                email=email,
                name=name,
                password_hash=hashed,
                invitation=invitation,
                is_confirmed=not self._sends_mail,
                origin=origin,
            )
        if self._sends_mail:
            if user is None:
                self._recovery.send_already_registered(email)
            else:
                self._recovery.send_verification(user)
        return "check_mail" if self._sends_mail else "sign_in"

    def add(
        self,
        connection: Connection,
        *,
        email: str,
        name: str,
        password_hash: str | None,
        invitation: str | None,
        is_confirmed: bool,
        origin: Origin,
    ) -> User | None:
        """Add an account, None when the address has one; the first of all becomes the administrator.

        Raises: `BadInput` (400 `link_not_valid`) for an invitation that is not valid for this address.
        """
        user_id = uuid7()
        user = users.add(
            connection,
            user_id=user_id,
            email=email,
            name=name,
            role="user",
            password_hash=password_hash,
            confirmed_at=datetime.now(UTC) if is_confirmed else None,
        )
        if user is None:
            return None
        if invitation:
            self._invitations.take(connection, invitation, email, user_id, origin=origin)
        elif self._access == "invite" and users.is_claimed(connection, FIRST_ADMIN):
            # Another first account came first.
            raise _invitation_needed()
        audit.record(connection, "account.created", origin, actor_id=user_id, subject_id=user_id)
        if users.claim(connection, FIRST_ADMIN, user_id):
            return self._make_admin(connection, user_id, origin)
        return users.get(connection, user_id)

    def create_admin(self, *, email: str, password: str, origin: Origin) -> User:
        """Make an administrator's account.

        Raises: `InvalidBody` (422), `Conflict` (409 `account_exists`).
        """
        email = checked_email(email)
        name = checked_name(email.partition("@")[0])
        check_password(password, about=[email, name, self._site_name])
        hashed = hash_password(password)
        with self._database.write() as connection:
            added = users.add(
                connection,
                user_id=uuid7(),
                email=email,
                name=name,
                role="user",
                password_hash=hashed,
                confirmed_at=datetime.now(UTC),
            )
            if added is None:
                raise Conflict("This address has an account already.", code="account_exists")
            return self._make_admin(connection, added.id, origin)

    def make_admin(self, email: str, origin: Origin) -> User:
        """Make an administrator of the account that an address has.

        Raises: `NotFound` (404).
        """
        with self._database.write() as connection:
            found = users.by_email(connection, email_key(email))
            if found is None:
                raise NotFound("This address has no account.")
            return self._make_admin(connection, found.id, origin)

    def is_open(self) -> bool:
        """Say whether somebody without an invitation may have an account."""
        return self._access != "invite" or self.is_first()

    def is_first(self) -> bool:
        """Say whether the next account will be the administrator's."""
        with self._database.read() as connection:
            return not users.is_claimed(connection, FIRST_ADMIN)

    def _refuse_uninvited(self, invitation: str | None, email: str) -> None:
        if not invitation and not self.is_open():
            raise _invitation_needed()
        if invitation:
            # Before it is known whether the address has an account: what the answer is must not depend on that.
            with self._database.read() as connection:
                self._invitations.check(connection, invitation, email)

    def _make_admin(self, connection: Connection, user_id: UUID, origin: Origin) -> User:
        users.claim(connection, FIRST_ADMIN, user_id)
        users.set_role(connection, user_id, "admin")
        audit.record(connection, "role.changed", origin, actor_id=user_id, subject_id=user_id, role="admin")
        made = users.get(connection, user_id)
        assert made is not None, "it was there in the same transaction"
        return made


def _invitation_needed() -> Forbidden:
    return Forbidden(
        "An account on this site needs an invitation. Ask an administrator for one.", code="invitation_needed"
    )
