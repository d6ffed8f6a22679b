"""How the databases answer each question of a list: by an index, in its order, never by reading everything."""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Connection, event, insert
from uuid_utils.compat import uuid7

from chatapp.core.principals import Principal
from chatapp.services.conversations import Conversations
from chatapp.services.threads import Threads
from chatapp.store import runs, search
from chatapp.store.db import Database
from chatapp.store.tables import (
    conversation_tags,
    conversations,
    idempotency_keys,
    messages,
    owners,
    summaries,
)
from chatapp.store.tables import runs as run_table
from tests.databases import postgresql_copy, sqlite_copy

OWNERS = 2
CONVERSATIONS = 400
MESSAGES = 4
NOW = datetime.now(UTC)

# What may be read whole: what a recursive query has found so far, and a table with a row per worker.
OWN_RESULTS = {"path", "below", "names", "kinds", "workers"}


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def filled(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """Conversations of several owners, enough that reading all of them is dearer than an index."""
    if request.param == "sqlite":
        template: Path = request.getfixturevalue("sqlite_template")
        database = Database(sqlite_copy(template, tmp_path_factory.mktemp("plans")))
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
    owner_ids = [uuid7() for _ in range(OWNERS)]
    made: list[dict[str, Any]] = []
    said: list[dict[str, Any]] = []
    for number in range(OWNERS * CONVERSATIONS):
        conversation_id, ids = uuid7(), [uuid7() for _ in range(MESSAGES)]
        made.append(
            {
                "id": conversation_id,
                "owner_id": owner_ids[number % OWNERS],
                "title": f"title {number}",
                "created_at": NOW,
                "updated_at": NOW,
                "activity": number,
                "last_seq": MESSAGES,
                "head_id": ids[-1],
                "is_archived": number % 7 == 0,
                "is_pinned": number % 50 == 1,
                "folder": f"folder {number % 30}" if number % 3 else None,
                "deleted_at": NOW - timedelta(days=8) if number % 40 == 3 else None,
            }
        )
        said += [
            {
                "id": ids[place],
                "conversation_id": conversation_id,
                "parent_id": ids[place - 1] if place else None,
                "seq": place + 1,
                "role": "assistant" if place % 2 else "user",
                "text": f"word{number} common words here",
                "state": "complete",
                "created_at": NOW,
                "is_pinned": place == 2,
            }
            for place in range(MESSAGES)
        ]
    tags = [
        {"conversation_id": each["id"], "owner_id": each["owner_id"], "tag": f"tag {number % 5}"}
        for number, each in enumerate(made)
    ]
    ends = [said[start] for start in range(MESSAGES - 1, len(said), MESSAGES)]
    with database.write() as connection:
        connection.execute(
            insert(owners),
            [
                {"id": each, "kind": "guest", "created_at": NOW}
                for each in (*owner_ids, *(uuid7() for _ in range(1000)))
            ],
        )
        connection.execute(insert(conversations), made)
        connection.execute(insert(messages), said)
        connection.execute(insert(conversation_tags), tags)
        connection.execute(
            insert(run_table),
            [
                {
                    "message_id": each["id"],
                    "conversation_id": each["conversation_id"],
                    "worker_id": owner_ids[0] if place % 500 == 0 else uuid7(),
                    "text": "",
                }
                for place, each in enumerate(ends)
            ],
        )
        connection.execute(
            insert(summaries),
            [
                {
                    "until_id": each["id"],
                    "conversation_id": each["conversation_id"],
                    "text": "",
                    "model": "m",
                    "covers": 1,
                    "created_at": NOW,
                }
                for each in ends
            ],
        )
        connection.execute(
            insert(idempotency_keys),
            [
                {
                    "owner_id": owner_ids[0],
                    "key": f"{place}",
                    "body_hash": "",
                    "message_id": each["id"],
                    "created_at": NOW - timedelta(minutes=place),
                }
                for place, each in enumerate(ends)
            ],
        )
        for owner_id in owner_ids:
            own = {each["id"] for each in made if each["owner_id"] == owner_id}
            search.index_all(
                connection,
                owner_id,
                [
                    search.Text(conversation_id=each["conversation_id"], message_id=each["id"], text=each["text"])
                    for each in said
                    if each["conversation_id"] in own
                ],
            )
    with database.engine.connect() as connection:
        connection.exec_driver_sql("ANALYZE")
        connection.commit()


@contextmanager
def recorded(database: Database) -> Iterator[list[tuple[str, Any]]]:
    """Collect what is asked of the database, as it is asked."""
    asked: list[tuple[str, Any]] = []

    def record(_connection: Connection, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        asked.append((statement, parameters))

    event.listen(database.engine, "before_cursor_execute", record)
    yield asked
    event.remove(database.engine, "before_cursor_execute", record)


def faults_of(database: Database, statement: str, parameters: Any) -> list[str]:
    """What is wrong with the plan of one statement."""
    if not re.match(r"\s*(SELECT|WITH|UPDATE|DELETE)", statement):
        return []
    if isinstance(parameters, list):
        parameters = parameters[0]
    with database.engine.connect() as connection:
        if database.is_sqlite:
            lines = [row[3] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)]
            return [line for line in lines if is_slow(line, is_path="WITH RECURSIVE" in statement)]
        plan = connection.exec_driver_sql(f"EXPLAIN (FORMAT JSON) {statement}", parameters).scalar_one()
        connection.rollback()
    plan = json.loads(plan) if isinstance(plan, str) else plan
    return [fault for node in nodes_of(plan[0]["Plan"]) if (fault := fault_of(node))]


def is_slow(line: str, *, is_path: bool) -> bool:
    scanned = re.match(r"SCAN (\S+)(?! VIRTUAL)", line)
    if "TEMP B-TREE" in line:
        # The steps of one path may be sorted.
        return not is_path
    return bool(scanned and "VIRTUAL TABLE" not in line and scanned[1] not in OWN_RESULTS and "CONSTANT" not in line)


def nodes_of(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield node
    for child in node.get("Plans", []):
        yield from nodes_of(child)


def fault_of(node: dict[str, Any]) -> str | None:
    if node["Node Type"] == "Seq Scan" and node["Relation Name"] not in OWN_RESULTS:
        return f"Seq Scan on {node['Relation Name']}"
    is_path = any(child["Node Type"] == "CTE Scan" for child in nodes_of(node))
    return node["Node Type"] if "Sort" in node["Node Type"] and not is_path else None


def test_every_list_is_answered_by_an_index(filled: Database) -> None:
    """Else lists that are quick today are slow in a year."""
    service, threads = Conversations(filled, stop_runs=lambda _: None), Threads(filled)
    with filled.read() as connection:
        owner_id = connection.execute(conversations.select().limit(1)).one().owner_id
    principal = Principal(owner_id=owner_id)

    with recorded(filled) as asked:
        page = service.page(principal, limit=10)
        service.page(principal, limit=10, after=page.next)
        service.page(principal, limit=10, after=page.next, is_archived=True)
        folder = service.page(principal, limit=5, folder="folder 1")
        service.page(principal, limit=5, folder="folder 1", after=folder.next)
        tag = service.page(principal, limit=5, tag="tag 1")
        service.page(principal, limit=5, tag="tag 1", after=tag.next)
        service.labels(principal)
        found = service.search(principal, "common wor", limit=5)
        service.search(principal, "common word", limit=5, before=found.next)
        shown = page.conversations[0].conversation
        thread = threads.page(principal, shown.id, limit=3)
        threads.page(principal, shown.id, limit=3, before=thread.messages[0].message.id)
        threads.page(principal, shown.id, limit=3, at=thread.messages[0].message.id)
        threads.mark(principal, shown.id, thread.messages[-1].message.id, is_pinned=True)
        service.create(principal, fork_of=thread.messages[-1].message.id)
        service.delete(principal, shown.id)
        service.purge_deleted(NOW)
        ask_of_runs(filled, shown.id, owner_id)

    assert len(asked) > 40
    faults = [(found, statement) for statement, values in asked if (found := faults_of(filled, statement, values))]
    assert not faults, "\n\n".join(f"{', '.join(found)}:\n{statement}" for found, statement in faults)


def ask_of_runs(database: Database, conversation_id: UUID, owner_id: UUID) -> None:
    with database.write() as connection:
        runs.of_conversation(connection, conversation_id)
        runs.request_stop(connection, [uuid7()])
        runs.checkpoint(connection, uuid7(), 1, {uuid7(): "text"})
        runs.repeated(connection, owner_id, "1")
        runs.forget_requests(connection, NOW - timedelta(days=1))
