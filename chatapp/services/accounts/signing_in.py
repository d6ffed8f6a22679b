"""Signing in: the one way in which a person's session begins, whatever they proved it by."""

from datetime import timedelta
from typing import Literal

import msgspec

from chatapp.core.accounts import Session, User, email_key
from chatapp.core.principals import Origin, Principal
from chatapp.errors import Forbidden, Unauthorized
from chatapp.services import audit
from chatapp.services.accounts import tickets
from chatapp.services.accounts.moving import bring_along
from chatapp.services.accounts.passwords import verify_password
from chatapp.services.accounts.sessions import Sessions
from chatapp.services.accounts.throttling import Throttle
from chatapp.services.revoking import suspended
from chatapp.store import users
from chatapp.store.db import Connection, Database

Method = Literal["password", "totp", "recovery_code", "passkey", "oidc"]

SECOND_STEP = timedelta(minutes=5)
# From one network at one account; from one network at all accounts; at one account from everywhere.
TRIES_HERE, TRIES_HERE_S = 10, 600
TRIES_BY_NETWORK, TRIES_BY_NETWORK_S = 100, 600
TRIES_AT_ALL, TRIES_AT_ALL_S = 100, 3600
# Where somebody signed in within this time, strangers elsewhere cannot lock them out by trying.
KNOWN_S = 90 * 24 * 3600

WRONG = "The e-mail address or the password is wrong."


class SignedIn(msgspec.Struct, frozen=True, kw_only=True):
    """A session that has just begun; `secret` is what the browser keeps."""

    session: Session
    secret: str
    user: User


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """An account whose password was right a moment ago, and what was stored of that password."""

    user: User
    password_hash: str


class SecondStep(msgspec.Struct, frozen=True, kw_only=True):
    """The password was right; the account wants a second proof, for which the ticket stands in the meantime."""

    ticket: str


class SigningIn:
    """All methods raise `StorageUnavailable` (503)."""

    def __init__(self, database: Database, sessions: Sessions, throttle: Throttle, *, needs_confirmation: bool) -> None:
        self._database = database
        self._sessions = sessions
        self._throttle = throttle
        self._needs_confirmation = needs_confirmation

    def by_password(self, email: str, password: str, origin: Origin, guest: Principal | None) -> SignedIn | SecondStep:
        """Begin a session, or its second step.

        Whether there is such an account shows neither in words nor in time.
        Raises: `TooManyAttempts` (429), `Unauthorized` (401 `wrong_credentials`), see `finish`.
        """
        known = self.by_password_only(email, password, origin)
        with self._database.write() as connection:
            user = self.still(connection, known)
            if user.has_totp:
                self.refuse_if_closed(user)
                return SecondStep(
                    ticket=tickets.make(connection, "second_factor", user_id=user.id, lifetime=SECOND_STEP)
                )
            return self.finish(connection, user, origin=origin, guest=guest, method="password")

    def by_password_only(self, email: str, password: str, origin: Origin) -> Known:
        """Return the account whose address and password these are; nothing begins yet, see `still`.

        Raises: `TooManyAttempts` (429), `Unauthorized` (401 `wrong_credentials`).
        """
        who = email_key(email.strip())
        here = f"{who}\0{origin.network}"
        self._throttle.check("password", here, limit=TRIES_HERE, within_s=TRIES_HERE_S)
        self._throttle.check("password", origin.network, limit=TRIES_BY_NETWORK, within_s=TRIES_BY_NETWORK_S)
        with self._database.read() as connection:
            user = users.by_email(connection, who)
            stored = None if user is None else users.password_hash(connection, user.id)
        # By the id: once the account is deleted, it leads to nobody.
        person_here = f"{who if user is None else user.id}\0{origin.network}"
        is_known_here = self._throttle.remembers("signed_in", person_here)
        if not is_known_here:
            self._throttle.check("password", who, limit=TRIES_AT_ALL, within_s=TRIES_AT_ALL_S)
        if not verify_password(stored, password) or user is None or stored is None:
            with self._database.write() as connection:
                subject_id = None if user is None else user.id
                audit.record(connection, "sign_in.failed", origin, subject_id=subject_id, method="password")
            raise Unauthorized(WRONG, code="wrong_credentials")
        self._throttle.forget("password", here)
        for counted in (origin.network,) if is_known_here else (origin.network, who):
            self._throttle.give_back("password", counted)
        self._throttle.remember("signed_in", person_here, within_s=KNOWN_S)
        return Known(user=user, password_hash=stored)

    def still(self, connection: Connection, known: Known) -> User:
        """Return the account as it is now, for what begins in this transaction.

        Looking at a password takes its time: the account may have got a new one meanwhile, or may be gone.
        Raises: `Unauthorized` (401 `wrong_credentials`).
        """
        users.lock(connection, known.user.id)
        user = users.get(connection, known.user.id)
        if user is None or users.password_hash(connection, user.id) != known.password_hash:
            raise Unauthorized(WRONG, code="wrong_credentials")
        return user

    def confirm_password(self, principal: Principal, password: str, origin: Origin) -> None:
        """Note that somebody who is signed in knows the password.

        Raises: see `check_password_of`.
        """
        self.check_password_of(principal, password, origin)
        self._sessions.confirm(principal, origin)

    def check_password_of(self, principal: Principal, password: str, origin: Origin) -> None:
        """See that somebody who is signed in knows the password.

        Raises: `TooManyAttempts` (429), `Unauthorized` (401 `wrong_credentials`).
        """
        self._throttle.check("confirm", principal.owner_id.hex, limit=TRIES_HERE, within_s=TRIES_HERE_S)
        with self._database.read() as connection:
            stored = users.password_hash(connection, principal.owner_id)
        if not verify_password(stored, password):
            with self._database.write() as connection:
                person = principal.owner_id
                audit.record(connection, "session.not_confirmed", origin, actor_id=person, subject_id=person)
            raise Unauthorized("The password is wrong.", code="wrong_credentials")
        self._throttle.forget("confirm", principal.owner_id.hex)

    def finish(
        self, connection: Connection, user: User, *, origin: Origin, guest: Principal | None, method: Method
    ) -> SignedIn:
        """Begin the session of a person who has proved who they are, and bring along what they wrote as a guest.

        Raises: `Forbidden` (403 `account_suspended`, `address_not_confirmed`).
        """
        self.refuse_if_closed(user)
        session, secret = self._sessions.begin(connection, user, kind="browser", origin=origin)
        users.touch(connection, user.id, session.created_at)
        bring_along(connection, guest, Principal(owner_id=user.id, kind="user"), origin)
        audit.record(connection, "sign_in.succeeded", origin, actor_id=user.id, subject_id=user.id, method=method)
        return SignedIn(session=session, secret=secret, user=user)

    def refuse_if_closed(self, user: User) -> None:
        """Raises: `Forbidden` (403 `account_suspended`, `address_not_confirmed`)."""
        if user.suspended_at is not None:
            raise suspended()
        if self._needs_confirmation and user.confirmed_at is None:
            raise Forbidden(
                "Your address is not confirmed yet: open the link in the mail that was sent to it.",
                code="address_not_confirmed",
            )
