"""Recovery: proving an address, and a new password for who lost theirs, by links that work once and not for long."""

from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

from chatapp.core.accounts import User, checked_email, email_key
from chatapp.core.principals import Origin
from chatapp.errors import BadInput, NotFound, TooManyAttempts
from chatapp.services import audit
from chatapp.services.accounts import tickets
from chatapp.services.accounts.passwords import check_password, hash_password
from chatapp.services.accounts.sessions import Sessions
from chatapp.services.accounts.throttling import Throttle
from chatapp.services.background import Background
from chatapp.services.mail import Mail
from chatapp.store import identities, users
from chatapp.store import tickets as stored_tickets
from chatapp.store.db import Connection, Database

RESET = timedelta(hours=1)
VERIFY = timedelta(hours=24)
# Asked from one address; asked for one account; mails to one address, whatever they are about.
ASKED_BY_ADDRESS, ASKED_BY_ADDRESS_S = 60, 3600
ASKED_FOR_ACCOUNT, ASKED_FOR_ACCOUNT_S = 5, 3600
MAILS, MAILS_S = 10, 3600

ForgottenNext = Literal["check_mail", "ask_operator"]


class Recovery:
    """`base_url` is the site's public address, the only thing that links are built from.

    All methods raise `StorageUnavailable` (503).
    """

    def __init__(
        self,
        database: Database,
        sessions: Sessions,
        throttle: Throttle,
        mail: Mail,
        background: Background,
        *,
        base_url: str,
        site_name: str,
    ) -> None:
        self._database = database
        self._sessions = sessions
        self._throttle = throttle
        self._mail = mail
        self._background = background
        self._base_url = base_url
        self._site_name = site_name

    def forgotten(self, email: str, origin: Origin) -> ForgottenNext:
        """Send a link for a new password to whoever has an account with this address, and say what comes next.

        Whether there is one shows neither in the answer nor in its time: it is looked for afterwards.
        Raises: `InvalidBody` (422) for what is no address, `TooManyAttempts` (429), also without an account.
        """
        who = email_key(checked_email(email))
        self._throttle.check("forgotten", origin.network, limit=ASKED_BY_ADDRESS, within_s=ASKED_BY_ADDRESS_S)
        self._throttle.check("forgotten", who, limit=ASKED_FOR_ACCOUNT, within_s=ASKED_FOR_ACCOUNT_S)
        self._background.run("forgotten", lambda: self._send_reset(who, origin))
        return "check_mail" if self._mail.is_on else "ask_operator"

    def link_for(self, user_id: UUID, origin: Origin, *, actor_id: UUID | None = None) -> str:
        """Return a link for a new password, to be given to the person by somebody who knows them.

        Without `BASE_URL` it is only the part behind the site's address. Links from before stop working.
        Raises: `NotFound` (404).
        """
        with self._database.write() as connection:
            if users.get(connection, user_id) is None:
                raise NotFound("There is no such account.")
            ticket = _renew(connection, user_id, is_mailed=False)
            audit.record(connection, "password.link_made", origin, actor_id=actor_id, subject_id=user_id)
        return self._link("reset", ticket)

    def reset(self, ticket: str, password: str, origin: Origin) -> None:
        """Give an account a new password; everybody who is signed in to it is signed out.

        A password that is refused leaves the link usable.
        Raises: `BadInput` (400 `link_not_valid`), `InvalidBody` (422 `weak_password`).
        """
        with self._database.read() as connection:
            user = _holder(connection, tickets.peek(connection, "reset", ticket).user_id)
        check_password(password, about=[user.email, user.name, self._site_name])
        hashed = hash_password(password)
        with self._database.write() as connection:
            taken = tickets.take(connection, "reset", ticket)
            if user.confirmed_at is None:
                # Who began the account never proved that the address is theirs: no other door of theirs stays open.
                identities.remove_all(connection, user.id)
            if taken.data.get("is_mailed"):
                users.confirm(connection, user.id)
            users.set_password(connection, user.id, hashed)
            stored_tickets.remove_of_user(connection, user.id)
            self._sessions.end_all(connection, user.id)
            audit.record(connection, "password.reset", origin, actor_id=user.id, subject_id=user.id)
        self.send_password_changed(user)

    def verify(self, ticket: str, origin: Origin) -> None:
        """Note that an address is proven.

        Raises: `BadInput` (400 `link_not_valid`).
        """
        with self._database.write() as connection:
            user = _holder(connection, tickets.take(connection, "verify", ticket).user_id)
            users.confirm(connection, user.id)
            audit.record(connection, "address.confirmed", origin, actor_id=user.id, subject_id=user.id)

    def clean_up(self, now: datetime) -> None:
        """Remove what was begun and not finished in time."""
        with self._database.write() as connection:
            stored_tickets.remove_expired(connection, now)

    def send_verification(self, user: User) -> None:
        """Send the link that proves an address; call it when the account is stored for good."""
        self._background.run("verification", lambda: self._send_verification(user))

    def send_already_registered(self, email: str) -> None:
        """Tell the owner of an account that somebody tried to make another one with their address."""
        self._background.run("already_registered", lambda: self._send_already_registered(email))

    def send_password_changed(self, user: User) -> None:
        """Tell the owner of an account that its password is a new one."""
        if user.confirmed_at is not None:
            self._background.run(
                "password_changed",
                lambda: self._send(
                    user.email,
                    f"Your password for {self._site_name} was changed",
                    f"The password of your account at {self._site_name} was changed just now.\n\n"
                    "If it was not you, set a new one here and tell the people who run the site:\n\n"
                    f"{self._base_url}/forgotten\n",
                ),
            )

    def _send_reset(self, email: str, origin: Origin) -> None:
        with self._database.write() as connection:
            user = users.by_email(connection, email)
            subject_id = None if user is None else user.id
            audit.record(connection, "password.forgotten", origin, subject_id=subject_id)
            if user is None or user.suspended_at is not None or not self._mail.is_on:
                return
            ticket = _renew(connection, user.id, is_mailed=True)
        self._send(
            user.email,
            f"Set a new password for {self._site_name}",
            f"Somebody asked for a new password for your account at {self._site_name}. If it was you, open this link "
            f"within an hour:\n\n{self._link('reset', ticket)}\n\n"
            "If it was not you, ignore this mail: without the link nothing changes.\n",
        )

    def _send_verification(self, user: User) -> None:
        with self._database.write() as connection:
            stored_tickets.remove_of_user(connection, user.id, "verify")
            ticket = tickets.make(connection, "verify", user_id=user.id, lifetime=VERIFY)
        self._send(
            user.email,
            f"Confirm your address for {self._site_name}",
            f"Somebody signed up at {self._site_name} with this address. If it was you, open this link within a day:"
            f"\n\n{self._link('verify', ticket)}\n\n"
            "If it was not you, ignore this mail: without the link nobody can use the account.\n",
        )

    def _send_already_registered(self, email: str) -> None:
        with self._database.write() as connection:
            user = users.by_email(connection, email)
            if user is None or user.suspended_at is not None:
                return
            ticket = None
            if user.confirmed_at is None:
                # Perhaps somebody else signed up with this address: a new password shuts them out.
                ticket = _renew(connection, user.id, is_mailed=True)
        if ticket is None:
            advice = (
                f"You have an account with this address already. Sign in here:\n\n{self._base_url}/signin\n\n"
                f"If you forgot the password, set a new one here:\n\n{self._base_url}/forgotten\n"
            )
        else:
            advice = (
                "To confirm the address, open this link within an hour and set a password:\n\n"
                f"{self._link('reset', ticket)}\n"
            )
        self._send(
            user.email,
            f"Your account at {self._site_name}",
            f"Somebody tried to sign up at {self._site_name} with this address. {advice}\n"
            "If it was not you, ignore this mail.\n",
        )

    def _send(self, to: str, subject: str, text: str) -> None:
        """Send a mail, unless this address got too many of them already."""
        try:
            self._throttle.check("mail", email_key(to), limit=MAILS, within_s=MAILS_S)
        except TooManyAttempts:
            return
        self._mail.send(to, subject, text)

    def _link(self, page: str, ticket: str) -> str:
        # Behind the `#`: browsers keep that to themselves, so that no log of any server has it.
        return f"{self._base_url}/{page}#{ticket}"


def _renew(connection: Connection, user_id: UUID, *, is_mailed: bool) -> str:
    """Return the secret of a ticket for a new password, which from now on is the only one."""
    stored_tickets.remove_of_user(connection, user_id, "reset")
    return tickets.make(connection, "reset", user_id=user_id, lifetime=RESET, data={"is_mailed": is_mailed})


def _holder(connection: Connection, user_id: UUID | None) -> User:
    user = None if user_id is None else users.get(connection, user_id)
    if user is None:
        raise BadInput("The account that this link was for is gone.", code="link_not_valid")
    return user
