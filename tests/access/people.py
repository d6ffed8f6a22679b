"""People of every kind, and things of theirs, in an application within the test's own process."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any
from uuid import UUID

import pyotp
from argon2 import PasswordHasher
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import delete, insert, update
from uuid_utils.compat import uuid7

from chatapp.core.accounts import User
from chatapp.core.administration import Invitation
from chatapp.core.principals import Origin, Principal, Scope
from chatapp.services.accounts import tickets
from chatapp.services.accounts.registering import FIRST_ADMIN
from chatapp.services.accounts.secrets import hash_of
from chatapp.store import groups, identities, invitations, provider_keys, users
from chatapp.store.account_tables import personal_tokens, recovery_codes, sessions
from chatapp.store.account_tables import users as user_table
from chatapp.store.provider_keys import ProviderKey
from chatapp.web.context import Accounts
from chatapp.web.principals import sign_guest
from tests.applications import make_app
from tests.identity_provider import CLIENT_ID, CLIENT_SECRET, IdentityProvider
from tests.people import PASSWORD, database_of
from tests.web.authenticator import Authenticator
from tests.wire.keyed_upstream import KeyedUpstream

ORIGIN = Origin(address="127.0.0.1")
SITE = "http://localhost"
# Checking a password costs what its stored hash says: here next to nothing.
CHEAP_HASH = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)
_numbers = count(1)


def next_number() -> int:
    """Return a number that was not given before."""
    return next(_numbers)


@dataclass
class Person:
    """Somebody with an account, or a guest, who has none; `session` and `guest` are what their cookies hold."""

    email: str = ""
    user: User | None = None
    session: str = ""
    guest: str = ""
    conversation: dict[str, str] = field(default_factory=dict)
    tokens: dict[tuple[frozenset[Scope], bool], str] = field(default_factory=dict)

    @property
    def principal(self) -> Principal:
        assert self.user is not None, "a guest"
        now = datetime.now(UTC)
        return Principal(
            owner_id=self.user.id, kind="user", credential="session", role=self.user.role, confirmed_at=now
        )


class World:
    """An application, the servers that it needs, and ways to put people and things into it; `close()` it when done."""

    def __init__(self, **settings: Any) -> None:
        self.upstream, self.provider = KeyedUpstream(), IdentityProvider()
        self.has_guests = settings.get("access", "open") == "open"
        self.app: Flask = make_app(
            openai_base_url=f"{self.upstream.base_url}/v1",
            openai_api_key="sk-site-0123456789",
            default_model="good",
            base_url=SITE,
            oidc_issuer=self.provider.issuer,
            oidc_client_id=CLIENT_ID,
            oidc_client_secret=CLIENT_SECRET,
            log_level="error",
            **settings,
        )
        self.database = database_of(self.app)
        self.accounts: Accounts = self.app.extensions["services"].accounts
        self._known: dict[tuple[str, str], Person] = {}
        self.admin = self.person("admin")
        with self.database.write() as connection:
            users.claim(connection, FIRST_ADMIN, self.admin.principal.owner_id)

    def close(self) -> None:
        self.database.close()
        self.upstream.close()
        self.provider.close()

    def person(self, role: Any = "user") -> Person:
        """Return somebody who has just signed in."""
        email = f"person{next_number()}@example.com"
        with self.database.write() as connection:
            user = users.add(
                connection,
                user_id=uuid7(),
                email=email,
                name="Ada",
                role=role,
                password_hash=CHEAP_HASH,
                confirmed_at=datetime.now(UTC),
            )
            assert user is not None
            _, secret = self.accounts.sessions.begin(connection, user, kind="browser", origin=ORIGIN)
        return Person(email, user, secret)

    def known(self, name: str, role: str = "user") -> Person:
        """Return somebody who is always the same."""
        if (name, role) not in self._known:
            self._known[name, role] = self.person(role)
        return self._known[name, role]

    def guest(self) -> Person:
        with self.app.app_context():
            return Person(guest=sign_guest(uuid7()))

    def browser(self, person: Person | None) -> FlaskClient:
        """Return a browser that has this person's cookies and shares nothing with others."""
        client = self.app.test_client()
        if person is not None and person.session:
            client.set_cookie("chatapp_session", person.session)
        if person is not None and person.guest:
            client.set_cookie("chatapp_guest", person.guest)
        return client

    def suspend(self, person: Person, *, until: bool = False) -> None:
        """Suspend somebody, or with `until` no longer."""
        with self.database.write() as connection:
            users.suspend(connection, person.principal.owner_id, None if until else datetime.now(UTC))

    def prove(self, person: Person, *, ago: timedelta) -> None:
        """Let it be so long ago that this person proved who they are."""
        with self.database.write() as connection:
            mine = sessions.c.user_id == person.principal.owner_id
            connection.execute(update(sessions).where(mine).values(confirmed_at=datetime.now(UTC) - ago))

    def token(self, person: Person, scopes: set[Scope], *, is_expired: bool = False) -> str:
        """Return the secret of a token of this person's; made once."""
        kind = frozenset(scopes), is_expired
        if kind not in person.tokens:
            person.tokens[kind] = self._new_token(person, scopes, is_expired=is_expired)
        return person.tokens[kind]

    def _new_token(self, person: Person, scopes: set[Scope], *, is_expired: bool) -> str:
        made = self.accounts.personal_tokens.make(
            person.principal, name="A program", scopes=scopes, expires_in_days=1, origin=ORIGIN
        )
        if is_expired:
            with self.database.write() as connection:
                mine = personal_tokens.c.id == made.token.id
                past = datetime.now(UTC) - timedelta(seconds=1)
                connection.execute(update(personal_tokens).where(mine).values(expires_at=past))
        return made.secret

    # Things of a person's

    def conversation(self, person: Person) -> str:
        made = self.browser(person).post("/conversations", json={"title": "Birds"})
        assert made.status_code == 201, made.text
        return str(made.json["id"])

    def talk(self, person: Person) -> dict[str, str]:
        """A conversation with an answer in it, which is a run; made once."""
        if not person.conversation:
            client = self.browser(person)
            said = client.post("/chat", json={"message": "Hello", "conversation_id": "new"})
            assert said.status_code == 200, said.text
            ids = {"conversation_id": said.json["conversation_id"], "message_id": said.json["message_id"]}
            person.conversation = {**ids, "run_id": said.json["message_id"]}
        return person.conversation

    def fact(self, person: Person) -> str:
        return str(self.browser(person).post("/memory", json={"text": f"I have {next_number()} birds."}).json["id"])

    def session(self, person: Person) -> str:
        """Another browser in which somebody is signed in."""
        assert person.user is not None
        with self.database.write() as connection:
            made, _ = self.accounts.sessions.begin(connection, person.user, kind="browser", origin=ORIGIN)
        return str(made.id)

    def personal_token(self, person: Person) -> str:
        made = self.accounts.personal_tokens.make(
            person.principal, name="Mine", scopes={"read"}, expires_in_days=None, origin=ORIGIN
        )
        return str(made.token.id)

    def provider_key(self, person: Person) -> str:
        key = ProviderKey(
            id=uuid7(),
            user_id=person.principal.owner_id,
            name=f"key {next_number()}",
            base_url="https://models.example.com/v1",
            sealed=b"sealed",
            last_four="1234",
            created_at=datetime.now(UTC),
        )
        with self.database.write() as connection:
            provider_keys.add(connection, key)
        return str(key.id)

    def passkey(self, person: Person) -> tuple[str, Authenticator]:
        """The id of a passkey, and the device that keeps it."""
        device = Authenticator(SITE)
        client = self.browser(person)
        offered = client.post("/account/passkeys/options").json
        body = {"ticket": offered["ticket"], "credential": device.create(offered["options"]), "name": "Phone"}
        made = client.post("/account/passkeys", json=body)
        assert made.status_code == 201, made.text
        return str(made.json["id"]), device

    def used_passkey(self, person: Person) -> dict[str, Any]:
        """What a browser sends when this person uses a passkey."""
        _, device = self.passkey(person)
        asked = self.app.test_client().post("/auth/passkey/options").json
        return {"ticket": asked["ticket"], "credential": device.use(asked["options"])}

    def begun_totp(self, person: Person) -> str:
        """The code that an app shows after the secret was given to it."""
        return pyotp.TOTP(self.accounts.second_factor.begin(person.principal).secret).now()

    def recovery_code(self, person: Person) -> str:
        """Turn the second factor on, and return a code that stands in for the app's."""
        code, whose = "0" * 24, person.principal.owner_id
        with self.database.write() as connection:
            mine = user_table.c.id == whose
            is_on = {"totp_secret": b"", "totp_confirmed_at": datetime.now(UTC)}
            connection.execute(update(user_table).where(mine).values(is_on))
            connection.execute(delete(recovery_codes).where(recovery_codes.c.user_id == whose))
            connection.execute(insert(recovery_codes).values(user_id=whose, code_hash=hash_of(code)))
        return code

    def ticket(self, kind: str, person: Person) -> str:
        """The secret of a link, or of a sign-in that has its second step before it."""
        with self.database.write() as connection:
            return tickets.make(
                connection, kind, user_id=person.principal.owner_id, lifetime=timedelta(minutes=5), data={}
            )

    def identity(self, person: Person) -> str:
        """The host of a provider at which somebody has an account as well."""
        with self.database.write() as connection:
            identities.add(connection, self.provider.issuer, str(uuid7()), person.principal.owner_id)
        return self.provider.issuer.partition("//")[2]

    # Things of the site's

    def group(self) -> str:
        group_id: UUID = uuid7()
        with self.database.write() as connection:
            groups.add(connection, group_id, f"Group {next_number()}")
        return str(group_id)

    def invitation(self) -> str:
        now = datetime.now(UTC)
        made = Invitation(
            id=uuid7(),
            email_key=None,
            role="user",
            group_id=None,
            created_by=self.admin.principal.owner_id,
            created_at=now,
            expires_at=now + timedelta(days=1),
        )
        with self.database.write() as connection:
            invitations.add(connection, made, uuid7().hex)
        return str(made.id)
