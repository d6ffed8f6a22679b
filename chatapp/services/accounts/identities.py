"""Signing in with an account at another provider, and linking the two."""

from datetime import timedelta
from hashlib import sha256
from hmac import compare_digest
from typing import NoReturn
from urllib.parse import urlsplit
from uuid import UUID

import msgspec

from chatapp.core.accounts import User, checked_email, checked_name
from chatapp.core.identities import Arrival, Claims, Departure
from chatapp.core.ports import IdentityProvider
from chatapp.core.principals import Origin, Principal
from chatapp.errors import AppError, BadInput, Conflict, Forbidden, InvalidBody, NotFound
from chatapp.services import audit
from chatapp.services.accounts import tickets
from chatapp.services.accounts.recovery import Recovery
from chatapp.services.accounts.registering import Registering
from chatapp.services.accounts.secrets import hash_of, new_secret
from chatapp.services.accounts.signing_in import SECOND_STEP, SecondStep, SignedIn, SigningIn
from chatapp.services.accounts.throttling import Throttle
from chatapp.store import identities, passkeys, users
from chatapp.store.db import Connection, Database
from chatapp.store.tickets import Ticket

UNDERWAY = timedelta(minutes=10)
BEGUN, BEGUN_S = 300, 600


class Leaving(msgspec.Struct, frozen=True, kw_only=True):
    """Where a browser goes now, to whom, and the secret that shows that it is the same when it comes back."""

    address: str
    name: str
    secret: str


class Returned(msgspec.Struct, frozen=True, kw_only=True):
    """What became of it: a session, its second step, or nothing but a link; `following` is where the person was going.

    `must_confirm` is an account whose address has to be proven first, by the mail that is on its way.
    """

    following: str
    result: SignedIn | SecondStep | None = None
    must_confirm: bool = False


class Identities:
    """`provider` None is for a site without one. All methods raise `StorageUnavailable` (503)."""

    def __init__(
        self,
        database: Database,
        provider: IdentityProvider | None,
        signing_in: SigningIn,
        registering: Registering,
        recovery: Recovery,
        *,
        throttle: Throttle,
        sends_mail: bool,
    ) -> None:
        self._database = database
        self._provider = provider
        self._signing_in = signing_in
        self._registering = registering
        self._recovery = recovery
        self._throttle = throttle
        self._sends_mail = sends_mail

    def leave(self, *, following: str, invitation: str, linked_to: Principal | None, origin: Origin) -> Leaving:
        """Send a browser to the provider, to sign in or, for who is signed in already, to link the two accounts.

        Raises: `NotFound` (404) without a provider, `TooManyAttempts` (429), `IdentityProviderError` (502).
        """
        provider = self._known_provider()
        self._throttle.check("oidc", origin.network, limit=BEGUN, within_s=BEGUN_S)
        # The browser alone keeps the invitation: it is a secret as well.
        secret = new_secret() + (f".{invitation}" if invitation else "")
        with self._database.write() as connection:
            state = tickets.make(
                connection,
                "oidc",
                user_id=None if linked_to is None else linked_to.owner_id,
                lifetime=UNDERWAY,
                data={"browser": hash_of(secret), "following": following},
            )
        return Leaving(address=provider.address(_departure(secret, state)), name=provider.name, secret=secret)

    def come_back(
        self, arrival: Arrival, *, secret: str, principal: Principal | None, guest: Principal | None, origin: Origin
    ) -> Returned:
        """Take a browser in again, in which `secret` was kept.

        Raises: `BadInput` (400 `sign_in_expired`), `Forbidden` (403 `sign_in_refused`, `email_missing`,
        `invitation_needed`, `account_suspended`, `address_not_confirmed`), `Conflict` (409 `account_exists`,
        `identity_taken`), `IdentityProviderError` (502).
        """
        provider = self._known_provider()
        if arrival.error and not arrival.code:
            # Some providers forget the state then, and there is nothing to be done with it.
            raise Forbidden(
                f"{provider.name} did not sign you in, or you went back. Try again, or sign in another way.",
                code="sign_in_refused",
            )
        ticket = self._taken(arrival.state, secret)
        try:
            claims = provider.claims(_departure(secret, arrival.state), arrival)
        except AppError as error:
            self._note_failure(origin, error.code)
            raise
        following = str(ticket.data.get("following", ""))
        if ticket.user_id is not None:
            self._link(ticket.user_id, claims, principal, origin)
            return Returned(following=following)
        invitation = secret.partition(".")[2]
        return self._sign_in(claims, invitation, following=following, guest=guest, origin=origin)

    def unlink(self, principal: Principal, host: str, origin: Origin) -> None:
        """Forget who a person is at the providers with this host name.

        Raises: `NotFound` (404), `Conflict` (409 `last_credential`) for the only way into the account.
        """
        with self._database.write() as connection:
            users.lock(connection, principal.owner_id)
            found = [
                each for each in identities.of_user(connection, principal.owner_id) if host_of(each.issuer) == host
            ]
            if not found:
                raise NotFound("Your account is not linked with that provider.")
            if passkeys.ways_in(connection, principal.owner_id) <= len(found):
                raise Conflict(
                    "This is the only way into your account. Set a password or add a passkey first.",
                    code="last_credential",
                )
            for each in found:
                identities.remove(connection, each)
            audit.record(
                connection,
                "identity.unlinked",
                origin,
                actor_id=principal.owner_id,
                subject_id=principal.owner_id,
                issuer=found[0].issuer,
            )

    def _known_provider(self) -> IdentityProvider:
        if self._provider is None:
            raise NotFound("This site has no other provider to sign in with.")
        return self._provider

    def _taken(self, state: str, secret: str) -> Ticket:
        """Use up what a browser left with; its own transaction, so that it is used up whatever comes then.

        Raises: `BadInput` (400 `sign_in_expired`).
        """
        try:
            with self._database.write() as connection:
                ticket = tickets.take(connection, "oidc", state)
        except BadInput:
            _refuse()
        if not compare_digest(str(ticket.data.get("browser")), hash_of(secret)):
            _refuse()
        return ticket

    def _sign_in(
        self, claims: Claims, invitation: str, *, following: str, guest: Principal | None, origin: Origin
    ) -> Returned:
        with self._database.write() as connection:
            user_id = identities.find_user(connection, claims.issuer, claims.subject)
            user = None if user_id is None else users.get(connection, user_id)
            if user is None:
                user = self._new_account(connection, claims, invitation, origin)
            if user is not None and (user.confirmed_at is not None or not self._sends_mail):
                return Returned(following=following, result=self._proceed(connection, user, guest, origin))
            if user is not None and user_id is not None:
                # Says why not.
                self._signing_in.refuse_if_closed(user)
        # Whether the address had an account is not told to who did not prove that it is theirs.
        if user is None:
            self._recovery.send_already_registered(claims.email)
        else:
            self._recovery.send_verification(user)
        return Returned(following=following, must_confirm=True)

    def _proceed(
        self, connection: Connection, user: User, guest: Principal | None, origin: Origin
    ) -> SignedIn | SecondStep:
        if user.has_totp:
            # Whoever switched it on wants it asked here, however little or much the provider asked.
            self._signing_in.refuse_if_closed(user)
            return SecondStep(ticket=tickets.make(connection, "second_factor", user_id=user.id, lifetime=SECOND_STEP))
        return self._signing_in.finish(connection, user, origin=origin, guest=guest, method="oidc")

    def _new_account(self, connection: Connection, claims: Claims, invitation: str, origin: Origin) -> User | None:
        """Make an account for somebody new, None when the address has one and it is not proven to be theirs."""
        email = self._email_of(claims)
        user = self._registering.add(
            connection,
            email=email,
            name=_name_of(claims, email),
            password_hash=None,
            invitation=invitation or None,
            is_confirmed=claims.is_email_verified or not self._sends_mail,
            origin=origin,
        )
        if user is None:
            if self._sends_mail and not claims.is_email_verified:
                return None
            raise Conflict(
                "There is an account with your address already. Sign in to it the way you always did, then link the "
                "two in the settings.",
                code="account_exists",
            )
        self._add_identity(connection, user.id, claims, origin)
        return user

    def _email_of(self, claims: Claims) -> str:
        """Raises: `Forbidden` (403 `email_missing`)."""
        try:
            return checked_email(claims.email)
        except InvalidBody:
            raise Forbidden(
                f"{self._known_provider().name} gave no e-mail address of yours, which an account here needs. Add one "
                "there, allow this site to see it, or sign up with a password.",
                code="email_missing",
            ) from None

    def _link(self, user_id: UUID, claims: Claims, principal: Principal | None, origin: Origin) -> None:
        """Raises: `BadInput` (400 `sign_in_expired`), `Conflict` (409 `identity_taken`)."""
        if principal is None or principal.owner_id != user_id or principal.credential != "session":
            _refuse()
        with self._database.write() as connection:
            if identities.find_user(connection, claims.issuer, claims.subject) != user_id:
                self._add_identity(connection, user_id, claims, origin)

    def _add_identity(self, connection: Connection, user_id: UUID, claims: Claims, origin: Origin) -> None:
        """Raises: `Conflict` (409 `identity_taken`)."""
        if not identities.add(connection, claims.issuer, claims.subject, user_id):
            raise Conflict(
                "That account is linked with another account of this site. Unlink it there first.",
                code="identity_taken",
            )
        audit.record(connection, "identity.linked", origin, actor_id=user_id, subject_id=user_id, issuer=claims.issuer)

    def _note_failure(self, origin: Origin, reason: str) -> None:
        with self._database.write() as connection:
            audit.record(connection, "sign_in.failed", origin, method="oidc", reason=reason)


def host_of(issuer: str) -> str:
    """Return a provider's host name, with its port if it has one of its own: by that people know it."""
    return urlsplit(issuer).netloc


def _departure(secret: str, state: str) -> Departure:
    """Return what goes with a browser, made from its own secret: nothing of it needs to be stored."""
    return Departure(state=state, nonce=_derived("nonce", secret), verifier=_derived("verifier", secret))


def _derived(purpose: str, secret: str) -> str:
    """Return 64 characters of those that RFC 7636 allows in a code verifier."""
    return sha256(f"oidc {purpose} {secret}".encode()).hexdigest()


def _name_of(claims: Claims, email: str) -> str:
    for found in (claims.name, email.partition("@")[0]):
        try:
            return checked_name(found[:100])
        except InvalidBody:
            continue
    return "Somebody"


def _refuse() -> NoReturn:
    raise BadInput(
        "This sign-in took too long, was used already or began in another browser. Begin again.",
        code="sign_in_expired",
    )
