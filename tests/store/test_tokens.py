"""Programs' credentials on each kind of database: found by one read, and decided there when many come at once."""

import secrets
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select, update
from uuid_utils.compat import uuid7

from chatapp.core.accounts import User
from chatapp.core.principals import Origin, Principal
from chatapp.errors import Conflict, Forbidden, Unauthorized
from chatapp.services.accounts.access_tokens import AccessTokens
from chatapp.services.accounts.personal_tokens import MOST_TOKENS, MadeToken, PersonalTokens
from chatapp.services.accounts.program_tokens import ProgramTokens
from chatapp.services.accounts.refresh_tokens import RefreshTokens
from chatapp.services.accounts.second_factor import SecondFactor
from chatapp.services.accounts.secrets import hash_of
from chatapp.services.accounts.sessions import Sessions
from chatapp.services.accounts.signing_in import SigningIn
from chatapp.services.accounts.throttling import Throttle
from chatapp.services.encryption import Cipher
from chatapp.store import program_sessions, users
from chatapp.store.account_tables import personal_tokens
from chatapp.store.db import Database

ORIGIN = Origin()
REFRESH_TOKENS = RefreshTokens(secrets.token_bytes(32))


@pytest.fixture
def user(database: Database) -> User:
    with database.write() as connection:
        added = users.add(
            connection,
            user_id=uuid7(),
            email="ada@example.com",
            name="Ada",
            role="user",
            password_hash=None,
            confirmed_at=None,
        )
    assert added is not None
    return added


@pytest.fixture
def tokens(database: Database) -> PersonalTokens:
    return PersonalTokens(database)


@pytest.fixture
def programs(database: Database) -> ProgramTokens:
    throttle, sessions = Throttle(database), Sessions(database)
    signing_in = SigningIn(database, sessions, throttle, needs_confirmation=False)
    return ProgramTokens(
        database,
        signing_in=signing_in,
        second_factor=SecondFactor(database, Cipher({"k": bytes(32)}), throttle, signing_in, site_name="Chat"),
        sessions=sessions,
        access_tokens=AccessTokens(secrets.token_bytes(32), issuer="chatapp"),
        refresh_tokens=REFRESH_TOKENS,
    )


def make(tokens: PersonalTokens, user: User, days: int | None = None) -> MadeToken:
    owner = Principal(owner_id=user.id, kind="user", credential="session")
    return tokens.make(owner, name="A program", scopes=["read", "chat"], expires_in_days=days, origin=ORIGIN)


def outcomes_of(times: int, act: Callable[[], Any]) -> list[Any]:
    """What comes of doing it so many times at once; None for a refusal."""

    def attempt(_: int) -> Any:
        try:
            return act()
        except (Conflict, Unauthorized):
            return None

    with ThreadPoolExecutor(times) as pool:
        return list(pool.map(attempt, range(times)))


def test_of_many_who_refresh_at_once_one_wins(database: Database, programs: ProgramTokens, user: User) -> None:
    """And the session lives on: a program that runs twice is no thief."""
    with database.write() as connection:
        session, _ = Sessions(database).begin(connection, user, kind="program", origin=ORIGIN, scopes=["read"])
        token = REFRESH_TOKENS.make(session.id)
        program_sessions.give(connection, session.id, hash_of(token))

    outcomes = outcomes_of(20, lambda: programs.refresh(token, ORIGIN))

    [won] = [each for each in outcomes if each is not None]
    principal = programs.principal_of(won.access_token)
    assert principal is not None
    assert (principal.owner_id, principal.credential_id, principal.scopes) == (user.id, session.id, {"read"})
    assert programs.refresh(won.refresh_token, ORIGIN).scopes == ("read",)


def test_a_personal_token_is_found_by_its_secret(database: Database, tokens: PersonalTokens, user: User) -> None:
    """Its use is noted once a minute; without its time, or with a suspended account, it is worth nothing."""
    made, lasting = make(tokens, user, days=1), make(tokens, user)

    def used_at() -> datetime | None:
        with database.read() as connection:
            return connection.execute(select(personal_tokens.c.last_used_at).filter_by(id=made.token.id)).scalar()

    def set_back(**values: datetime) -> None:
        with database.write() as connection:
            connection.execute(update(personal_tokens).filter_by(id=made.token.id).values(values))

    found = tokens.principal_of(made.secret)
    first = used_at()
    assert found == Principal(
        owner_id=user.id,
        kind="user",
        credential="personal_token",
        credential_id=made.token.id,
        scopes=frozenset({"read", "chat"}),
    )
    assert tokens.principal_of(made.secret[:-1] + ("A" if made.secret[-1] != "A" else "B")) is None
    assert tokens.principal_of(made.secret) == found
    assert used_at() == first is not None
    set_back(last_used_at=first - timedelta(seconds=61))
    tokens.principal_of(made.secret)
    assert used_at() >= first

    set_back(expires_at=datetime.now(UTC))
    assert tokens.principal_of(made.secret) is None
    assert tokens.principal_of(lasting.secret) is not None
    with database.write() as connection:
        users.suspend(connection, user.id, datetime.now(UTC))
    with pytest.raises(Forbidden, match="suspended"):
        tokens.principal_of(lasting.secret)


def test_many_who_make_tokens_at_once_stay_within_the_limit(
    database: Database, tokens: PersonalTokens, user: User
) -> None:
    """Counting and adding are one act."""
    for _ in range(MOST_TOKENS - 1):
        make(tokens, user)

    outcomes = outcomes_of(8, lambda: make(tokens, user))

    assert len([each for each in outcomes if each is not None]) == 1
