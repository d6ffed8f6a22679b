"""People of a running server, put straight into its database: nobody is to be made by what is tested."""

import random
import threading
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from argon2 import PasswordHasher
from uuid_utils.compat import uuid7

from chatapp.core.principals import SCOPES, Origin, Principal, Role
from chatapp.services.accounts.personal_tokens import PersonalTokens
from chatapp.services.accounts.sessions import Sessions
from chatapp.store import users
from chatapp.store.db import Database
from tests.wire.reader import send

PASSWORD = "canary-of-a-password-5521"
ORIGIN = Origin(address="127.0.0.1")
KINDS = ("anonymous", "guest", "user", "admin", "token", "admin token")
# Checking the password costs next to nothing.
CHEAP_HASH = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)


class Credentials:
    """What each kind of caller shows: headers that work, until a request ends them, and then new ones."""

    def __init__(self, site: str, database_url: str) -> None:
        self._site = site
        self._database = Database(database_url)
        self._lock = threading.Lock()
        self._headers: dict[str, dict[str, str]] = {}
        self.secrets: set[str] = {PASSWORD}
        self.emails: list[str] = []
        self.renewed = 0

    def close(self) -> None:
        self._database.close()

    def of(self, kind: str) -> dict[str, str]:
        """Return the headers of a caller."""
        with self._lock:
            if kind not in self._headers:
                self._headers[kind] = self._new(kind)
            return dict(self._headers[kind])

    def ended(self, kind: str, shown: dict[str, str]) -> None:
        """Forget what is no longer good."""
        with self._lock:
            if self._headers.get(kind) == shown:
                del self._headers[kind]
                self.renewed += 1

    def _new(self, kind: str) -> dict[str, str]:
        if kind == "anonymous":
            return {}
        if kind == "guest":
            reply = send(self._site, "POST", "/guests", b'{"credential":"token"}', {"Content-Type": "application/json"})
            token = str(reply.json["token"])
            self.secrets.add(token)
            return {"Cookie": f"chatapp_guest={token}"}
        secret = self._person("admin" if "admin" in kind else "user", has_token="token" in kind)
        self.secrets.add(secret)
        return {"Authorization": f"Bearer {secret}"} if "token" in kind else {"Cookie": f"chatapp_session={secret}"}

    def _person(self, role: Role, *, has_token: bool) -> str:
        email = f"{uuid7().hex}@example.com"
        with self._database.write() as connection:
            user: Any = users.add(
                connection,
                user_id=uuid7(),
                email=email,
                name="Ada",
                role=role,
                password_hash=CHEAP_HASH,
                confirmed_at=datetime.now(UTC),
            )
            _, session = Sessions(self._database).begin(connection, user, kind="browser", origin=ORIGIN)
        self.emails.append(email)
        if not has_token:
            return session
        principal = Principal(owner_id=user.id, kind="user", credential="session", role=role)
        scopes = {scope for scope in SCOPES if role == "admin" or scope != "admin"}
        return (
            PersonalTokens(self._database)
            .make(principal, name="Fuzz", scopes=scopes, expires_in_days=None, origin=ORIGIN)
            .secret
        )


class Ids:
    """Ids that answers have named: some requests are about what is there."""

    def __init__(self) -> None:
        self._found: list[str] = []

    def note(self, body: Any) -> None:
        """Keep the ids in an answer."""
        if isinstance(body, dict):
            for name, each in body.items():
                if name == "id" or name.endswith("_id"):
                    with suppress(TypeError):
                        self._found = [*self._found[-200:], str(each)]
                else:
                    self.note(each)
        elif isinstance(body, list):
            for each in body[:5]:
                self.note(each)

    def any(self, rng: random.Random) -> str:
        return rng.choice(self._found) if self._found else str(uuid7())
