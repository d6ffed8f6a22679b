"""Accounts in great numbers: what administrators ask is answered by an index, and decided in the database."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, insert, select
from uuid_utils.compat import uuid7

from chatapp.core.principals import Origin, Principal
from chatapp.errors import AppError
from chatapp.services.accounts.administration import Administration
from chatapp.services.accounts.audit_log import AuditLog
from chatapp.services.accounts.groups import Groups
from chatapp.services.accounts.invitations import Invitations
from chatapp.services.accounts.sessions import Sessions
from chatapp.services.revoking import Revocations
from chatapp.store import members, revocations, users
from chatapp.store.account_tables import audit_events, group_members, groups, invitations
from chatapp.store.account_tables import revocations as notes
from chatapp.store.account_tables import users as user_table
from chatapp.store.db import Database
from chatapp.store.tables import owners
from tests.databases import postgresql_copy, sqlite_copy
from tests.store.test_query_plans import faults_of, recorded

ACCOUNTS = 1_200
NOW = datetime.now(UTC)
KEPT = (notes, audit_events, invitations)


@pytest.fixture(params=["sqlite", "postgresql"])
def filled(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """Enough accounts and events that reading all of them is dearer than an index."""
    if request.param == "sqlite":
        database = Database(sqlite_copy(request.getfixturevalue("sqlite_template"), tmp_path))
        fill(database)
        yield database
        database.close()
        return
    with postgresql_copy(request.getfixturevalue("postgresql_url")) as url:
        database = Database(url)
        fill(database)
        yield database
        database.close()


def fill(database: Database) -> None:
    ids = [uuid7() for _ in range(ACCOUNTS)]
    group_ids = [uuid7() for _ in range(ACCOUNTS)]
    with database.write() as connection:
        for table, rows in (
            (owners, [{"id": each, "kind": "user", "created_at": NOW} for each in ids]),
            (user_table, [account(place, each) for place, each in enumerate(ids)]),
            (groups, [{"id": each, "name": f"group {each}", "created_at": NOW} for each in group_ids]),
            (group_members, [{"user_id": each, "group_id": group_ids[n]} for n, each in enumerate(ids)]),
            (audit_events, [event(place, each) for place, each in enumerate(ids * 2)]),
            (notes, [{"owner_id": each, "at": NOW} for each in ids]),
            (invitations, [invitation(place, ids[0]) for place in range(ACCOUNTS)]),
        ):
            connection.execute(insert(table), rows)
    with database.engine.connect() as connection:
        connection.exec_driver_sql("ANALYZE")
        connection.commit()


def account(place: int, user_id: Any) -> dict[str, Any]:
    name = f"{'anna' if place % 2 else 'Bob'} {place}"
    return {
        "id": user_id,
        "email": f"m{place}@example.com",
        "email_key": f"m{place}@example.com",
        "name": name,
        "name_key": name.casefold(),
        "language": "en",
        "theme": "auto",
        "role": "admin" if place < 3 else "user",
        "created_at": NOW + timedelta(seconds=place),
    }


def event(place: int, user_id: Any) -> dict[str, Any]:
    kinds = ("sign_in.succeeded", "sign_in.failed", "account.suspended", "token.created")
    return {
        "at": NOW,
        "kind": kinds[place % 4],
        "actor_id": user_id,
        "subject_id": user_id if place % 3 else None,
        "address": "",
        "request_id": "",
        "facts": {},
    }


def invitation(place: int, admin_id: Any) -> dict[str, Any]:
    return {
        "id": uuid7(),
        "secret_hash": f"{place}",
        "role": "user",
        "created_by": admin_id,
        "created_at": NOW + timedelta(seconds=place),
        "expires_at": NOW,
    }


def test_what_administrators_ask_is_answered_by_an_index(filled: Database) -> None:
    """A list of a hundred thousand people opens like one of ten."""
    service, log = Administration(filled, Sessions(filled)), AuditLog(filled)
    with filled.read() as connection:
        admin_id, *_ = members.lock_admins(connection)
    admin = Principal(owner_id=admin_id, kind="user", role="admin")

    with recorded(filled) as asked:
        page = service.page("", limit=10)
        service.page("", limit=10, after=page.next)
        found = service.page("m1", limit=10)
        service.page("m1", limit=10, after=found.next)
        named = service.page("anna", limit=10)
        service.page("anna", limit=10, after=named.next)
        user_id = page.members[0].user.id
        service.change(admin, user_id, role="admin", group_ids=[], origin=Origin())
        service.suspend(admin, user_id, Origin())
        group_page = Groups(filled).page(limit=5)
        Groups(filled).page(limit=5, after=group_page.next)
        invited = Invitations(filled).page(limit=5, after=None)
        Invitations(filled).page(limit=5, after=invited.next)
        events = log.page(limit=5)
        log.page(limit=5, before=events.next, kind="sign_in")
        log.page(limit=5, person_id=user_id)
        log.page(limit=5, person_id=user_id, kind="account")
        with filled.write() as connection:
            revocations.after(connection, revocations.newest_id(connection) - 1)
            revocations.forget(connection, NOW - timedelta(days=1))
        log.forget_old(NOW)
        Invitations(filled).forget_old(NOW)

    assert all(each.next is not None for each in (page, found, named, group_page, invited, events))
    faults = [
        f"{fault}:\n{statement}"
        for statement, values in asked
        for fault in faults_of(filled, statement, values)
        if not is_bounded(fault, statement)
    ]
    assert not faults, "\n\n".join(faults)


def is_bounded(fault: str, statement: str) -> bool:
    """Whether something is only read in its order until there is enough, or the index of the few administrators."""
    return "ix_users_admins" in fault or (fault.startswith("SCAN") and " LIMIT " in statement)


def test_what_has_had_its_time_goes(database: Database) -> None:
    """Notes after an hour, events and invitations after a year."""
    admin_id = uuid7()
    with database.write() as connection:
        for age in (timedelta(minutes=59), timedelta(minutes=61), timedelta(days=364), timedelta(days=366)):
            connection.execute(insert(notes).values(owner_id=admin_id, at=NOW - age))
            connection.execute(insert(audit_events).values(event(0, admin_id) | {"at": NOW - age}))
            connection.execute(
                insert(invitations).values(invitation(int(age.total_seconds()), admin_id) | {"created_at": NOW - age})
            )

    for each in (Revocations(database), AuditLog(database), Invitations(database)):
        each.forget_old(NOW)

    with database.read() as connection:
        left = [connection.execute(select(func.count()).select_from(table)).scalar() for table in KEPT]
    assert left == [1, 3, 3]


def test_of_two_who_demote_each_other_one_wins(database: Database) -> None:
    """With a third administrator left, the rule of the last one would let both."""
    ids = [uuid7() for _ in range(3)]
    with database.write() as connection:
        for user_id in ids:
            users.add(
                connection,
                user_id=user_id,
                email=f"{user_id}@example.com",
                name="Admin",
                role="admin",
                password_hash=None,
                confirmed_at=NOW,
            )
    service = Administration(database, Sessions(database))

    def demote(who: int, whom: int) -> str:
        principal = Principal(owner_id=ids[who], kind="user", role="admin")
        try:
            service.change(principal, ids[whom], role="user", group_ids=[], origin=Origin())
        except AppError as refused:
            return refused.code
        return "done"

    with ThreadPoolExecutor(2) as pool:
        results = sorted(pool.map(demote, (0, 1), (1, 0)))

    assert results == ["done", "forbidden"]
    with database.read() as connection:
        assert len(members.lock_admins(connection)) == 2
    survivors = [each for each in (0, 1) if demote(each, 2) == "done"]
    assert len(survivors) == 1
    assert demote(survivors[0], survivors[0]) == "last_admin"
