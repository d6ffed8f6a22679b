"""Links by mail: proving an address, and a new password for who lost theirs; with a real mail server."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from itertools import count
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from chatapp.core.principals import Origin
from chatapp.services.accounts import tickets
from chatapp.store import identities, users
from chatapp.store.db import Database
from tests.applications import make_app
from tests.mail_server import MailServer

PASSWORD = "a quiet harbour at dusk"
OTHER_PASSWORD = "seven herons over the weir"
SITE = "http://localhost"

numbers = count(1)


@pytest.fixture(scope="module")
def mail_server() -> Iterator[MailServer]:
    running = MailServer()
    yield running
    assert running.is_empty, "a mail too many"
    running.close()


@pytest.fixture(scope="module")
def mail_app(mail_server: MailServer) -> Flask:
    return make_app(base_url=SITE, smtp_url=f"smtp://127.0.0.1:{mail_server.port}", mail_from="chat@example.com")


@pytest.fixture(scope="module")
def mail_database(mail_app: Flask) -> Iterator[Database]:
    opened = Database(mail_app.extensions["config"].database)
    yield opened
    opened.close()


@pytest.fixture
def client(mail_app: Flask) -> FlaskClient:
    return mail_app.test_client()


@pytest.fixture
def email() -> str:
    return f"person-{next(numbers)}@example.com"


@pytest.fixture
def user_id(mail_database: Database, email: str) -> UUID:
    """An account whose address is proven, without the work of a password."""
    return add_user(mail_database, email, confirmed_at=datetime.now(UTC))


def add_user(database: Database, email: str, *, confirmed_at: datetime | None) -> UUID:
    with database.write() as connection:
        made = users.add(
            connection,
            user_id=UUID(int=next(numbers)),
            email=email,
            name="Ada",
            role="user",
            password_hash=None,
            confirmed_at=confirmed_at,
        )
    assert made is not None
    return made.id


def post(client: FlaskClient, path: str, **body: Any) -> TestResponse:
    return client.post(path, json=body)


def code_of(answered: TestResponse) -> tuple[int, str]:
    return answered.status_code, answered.json["code"]


def ticket_in(mail: EmailMessage, page: str) -> str:
    """Return the secret of a mail's only link."""
    links = re.findall(r"https?://\S+", mail.get_content())
    found = re.fullmatch(rf"{SITE}/{page}#([A-Za-z0-9_-]{{43}})", links[0])
    assert found is not None and len(links) == 1, links
    return found[1]


def test_an_address_is_proven_by_mail_before_the_first_sign_in(
    client: FlaskClient, mail_server: MailServer, email: str
) -> None:
    """Once; and who tries to register with it again is answered the same, while its owner is told."""
    registered = post(client, "/auth/register", email=email, password=PASSWORD, name="Ada")
    mail = mail_server.next_mail()
    early = post(client, "/auth/sign-in", email=email, password=PASSWORD)
    ticket = ticket_in(mail, "verify")
    verified = post(client, "/auth/verify", ticket=ticket)
    again = post(client, "/auth/verify", ticket=ticket)
    signed_in = post(client, "/auth/sign-in", email=email, password=PASSWORD)
    second = post(client, "/auth/register", email=email, password=OTHER_PASSWORD)

    assert (mail["From"], mail["To"]) == ("chatapp <chat@example.com>", email)
    assert mail["Auto-Submitted"] == "auto-generated"
    assert code_of(early) == (403, "address_not_confirmed")
    assert (verified.status_code, code_of(again)) == (204, (400, "link_not_valid"))
    assert signed_in.status_code == 200
    assert (
        (second.status_code, second.json) == (registered.status_code, registered.json) == (202, {"next": "check_mail"})
    )
    assert f"{SITE}/signin" in mail_server.next_mail().get_content()


def test_a_reset_ends_all_that_was_there_before(
    client: FlaskClient, mail_app: Flask, mail_server: MailServer, email: str, user_id: UUID
) -> None:
    """Sessions of browsers and programs, older links, tickets of all kinds; a password that is refused ends nothing."""
    recovery = mail_app.extensions["services"].accounts.recovery
    post(client, "/auth/reset", ticket=recovery.link_for(user_id, Origin()).partition("#")[2], password=PASSWORD)
    mail_server.next_mail()
    assert post(client, "/auth/sign-in", email=email, password=PASSWORD).status_code == 200
    program = {"grant_type": "password", "email": email, "password": PASSWORD}
    refresh_token = post(client, "/auth/token", **program).json["refresh_token"]
    recovery.send_verification(mail_app.extensions["services"].accounts.profiles.of_user(user_id).user)
    other_kind = ticket_in(mail_server.next_mail(), "verify")

    asked = post(client, "/auth/forgotten", email=f" {email.upper()} ")
    older = ticket_in(mail_server.next_mail(), "reset")
    post(client, "/auth/forgotten", email=email)
    newer = ticket_in(mail_server.next_mail(), "reset")
    refused = [
        post(client, "/auth/reset", ticket=each, password=OTHER_PASSWORD) for each in (older, newer + "x", other_kind)
    ]
    weak = post(client, "/auth/reset", ticket=newer, password="password1")
    assert client.get("/account").status_code == 200
    done = post(client, "/auth/reset", ticket=newer, password=OTHER_PASSWORD)
    again = post(client, "/auth/reset", ticket=newer, password=PASSWORD)

    assert asked.json == {"next": "check_mail"}
    assert [code_of(each) for each in refused] == [(400, "link_not_valid")] * 3
    assert code_of(weak) == (422, "weak_password")
    assert (done.status_code, code_of(again)) == (204, (400, "link_not_valid"))
    assert "was changed" in mail_server.next_mail()["Subject"]
    assert code_of(client.get("/account")) == (401, "signed_out")
    refresh = {"grant_type": "refresh_token", "refresh_token": refresh_token}
    assert post(client, "/auth/token", **refresh).status_code == 401
    assert code_of(post(client, "/auth/verify", ticket=other_kind)) == (400, "link_not_valid")
    assert post(client, "/auth/sign-in", email=email, password=PASSWORD).status_code == 401
    assert post(client, "/auth/sign-in", email=email, password=OTHER_PASSWORD).status_code == 200


@pytest.mark.parametrize("path", ["/auth/reset", "/auth/verify"])
def test_only_a_ticket_is_a_ticket(client: FlaskClient, mail_database: Database, user_id: UUID, path: str) -> None:
    """CVE-2026-41276: nothing, null and everything that is empty once counted as the token of whoever had none."""
    kind = path.rpartition("/")[2]
    with mail_database.write() as connection:
        expired = tickets.make(connection, kind, user_id=user_id, lifetime=timedelta(seconds=-1))
        ownerless = tickets.make(connection, kind, user_id=None, lifetime=timedelta(hours=1))
    rest = {"password": OTHER_PASSWORD} if kind == "reset" else {}
    given = [None, "", [], {}, 0, False, ["a"], "x" * 100_000, "\x00", "' OR 1=1 --", expired, ownerless]
    answers = [client.post(path, json={"ticket": each, **rest}) for each in given]
    answers.append(client.post(path, json=rest))

    assert {each.status_code for each in answers} == {400, 422}
    assert all(code_of(each) in ((400, "link_not_valid"), (422, "invalid_body")) for each in answers)


def test_nobody_learns_which_addresses_have_accounts(
    client: FlaskClient, mail_server: MailServer, email: str, user_id: UUID
) -> None:
    """CVE-2025-58434: the answer held the token. Here it is the same for everybody, and so is its refusal."""
    known = [post(client, "/auth/forgotten", email=email) for _ in range(6)]
    unknown = [post(client, "/auth/forgotten", email=f"no-{email}") for _ in range(6)]
    tickets_sent = [ticket_in(mail_server.next_mail(), "reset") for _ in range(5)]

    assert [each.status_code for each in known] == [each.status_code for each in unknown] == [202] * 5 + [429]
    assert [each.json for each in known[:5]] == [each.json for each in unknown[:5]]
    assert {post(client, "/auth/forgotten", email=each).status_code for each in ("", "nobody", "\x00@\x00")} == {422}
    assert list(known[0].headers.keys()) == list(unknown[0].headers.keys())
    assert not any(ticket in each.text + str(each.headers) for ticket in tickets_sent for each in known)


def test_a_suspended_account_gets_no_link(
    client: FlaskClient, mail_database: Database, mail_server: MailServer, email: str, user_id: UUID
) -> None:
    with mail_database.write() as connection:
        users.suspend(connection, user_id, datetime.now(UTC))
    other = f"other-{email}"
    add_user(mail_database, other, confirmed_at=datetime.now(UTC))

    for each in (email, other):
        assert post(client, "/auth/forgotten", email=each).status_code == 202

    assert mail_server.next_mail()["To"] == other


def test_who_proves_an_address_shuts_out_who_did_not(
    client: FlaskClient, mail_database: Database, mail_server: MailServer, email: str
) -> None:
    """Somebody else may have begun the account: what they left open closes, and the address is proven."""
    user_id = add_user(mail_database, email, confirmed_at=None)
    with mail_database.write() as connection:
        identities.add(connection, "https://accounts.example.com", "somebody else", user_id)
    post(client, "/auth/register", email=email, password=OTHER_PASSWORD)
    ticket = ticket_in(mail_server.next_mail(), "reset")

    assert post(client, "/auth/reset", ticket=ticket, password=PASSWORD).status_code == 204
    with mail_database.read() as connection:
        user = users.get(connection, user_id)
        assert identities.of_user(connection, user_id) == []
    assert user is not None and user.confirmed_at is not None


def test_without_mail_an_operator_gives_the_link() -> None:
    """It is said to everybody; the link works as one by mail does."""
    app = make_app()
    client = app.test_client()
    post(client, "/auth/register", email="ada@example.com", password=PASSWORD)
    account_id = post(client, "/auth/sign-in", email="ada@example.com", password=PASSWORD).json["account"]["id"]
    answers = [post(client, "/auth/forgotten", email=each) for each in ("ada@example.com", "no@example.com")]
    link = app.extensions["services"].accounts.recovery.link_for(UUID(account_id), Origin())

    assert [(each.status_code, each.json) for each in answers] == [(202, {"next": "ask_operator"})] * 2
    assert re.fullmatch(r"/reset#[A-Za-z0-9_-]{43}", link)
    assert post(client, "/auth/reset", ticket=link.partition("#")[2], password=OTHER_PASSWORD).status_code == 204
    assert post(client, "/auth/sign-in", email="ada@example.com", password=OTHER_PASSWORD).status_code == 200
