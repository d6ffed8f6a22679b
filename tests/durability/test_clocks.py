"""S9, G18: clocks jump and zones differ; what is kept keeps its order, and nobody is taken for dead by a clock."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from uuid import UUID

import pytest
from uuid_utils.compat import uuid7

from chatapp.errors import StorageUnavailable
from chatapp.services.runs.keeping import LOOKS, Keeper
from chatapp.store import messages, runs
from chatapp.store.db import Database
from tests.databases import run
from tests.durability.pairs import Pair, change
from tests.durability.readers import Guest
from tests.durability.scripted import new_token, question
from tests.unit.services.threads import new_thread, say

FUTURE, PAST = "2037-01-01 00:00:00.000000", "1999-01-01 00:00:00.000000"


def test_order_is_that_of_the_doings_whatever_the_clock_says(pair: Pair, guest: Guest) -> None:
    """A clock that was set back must not put an answer before its question, nor hide a conversation."""
    first = guest.say(pair.a, question(new_token()))
    conversation_id = first.start["conversation_id"]
    place = {"conversation_id": conversation_id, "parent_id": first.run_id}
    second = guest.say(pair.b, question(new_token()), **place)
    newer = guest.say(pair.a, question(new_token())).start["conversation_id"]
    ids = [each["id"] for each in guest.messages(pair.a, conversation_id)]
    own = f"'{UUID(conversation_id).hex}'"

    change(pair.url, f"UPDATE messages SET created_at = '{FUTURE}' WHERE conversation_id = {own} AND seq <= 2")
    change(pair.url, f"UPDATE messages SET created_at = '{PAST}' WHERE conversation_id = {own} AND seq > 2")
    change(pair.url, f"UPDATE conversations SET updated_at = '{FUTURE}' WHERE id = {own}")

    third = guest.say(pair.a, question(new_token()), conversation_id=conversation_id, parent_id=second.run_id)
    guest.say(pair.b, question(new_token()), conversation_id=newer, parent_id=guest.messages(pair.a, newer)[-1]["id"])
    path = guest.messages(pair.b, conversation_id)
    assert [each["id"] for each in path] == [*ids, third.start["user_message_id"], third.run_id]
    assert [each["id"] for each in guest.conversations(pair.a)] == [newer, conversation_id]
    assert datetime.fromisoformat(path[0]["created_at"]).year == 2037


def test_servers_in_other_time_zones_tell_the_same_times(pair: Pair, guest: Guest) -> None:
    """The two servers of the pair run a day apart by the clock on the wall."""
    stored = guest.say(pair.a, question(new_token()))

    times = [
        [datetime.fromisoformat(each["created_at"]) for each in guest.messages(server, stored.start["conversation_id"])]
        for server in pair.servers
    ]

    assert times[0] == times[1]
    assert {time.utcoffset() for time in times[0]} == {timedelta(0)}


@pytest.fixture
def orphan(database: Database) -> tuple[UUID, UUID]:
    """An answer in the making. Shape: its id and that of its worker."""
    thread = new_thread(database)
    _, answer_id = say(database, thread, ["u:Are you there?", "a:"])
    worker_id = uuid7()
    with database.write() as connection:
        messages.change(connection, answer_id, state="running")
        runs.begin(connection, answer_id, thread.id, worker_id)
        runs.checkpoint(connection, worker_id, 1, {answer_id: "I a"})
    return answer_id, worker_id


def state_of(database: Database, answer_id: UUID) -> tuple[str, str]:
    with database.read() as connection:
        answer = messages.get(connection, answer_id)
    assert answer is not None
    return answer.state, answer.text


def test_a_worker_is_dead_when_it_was_looked_at_often_enough(database: Database, orphan: tuple[UUID, UUID]) -> None:
    """Looks at a number that stands still, never a comparison of times."""
    answer_id, _ = orphan
    keeper = Keeper(database, uuid7(), {}, {}, lease_s=1)

    for _ in range(LOOKS):
        keeper.look_after_others()
    before = state_of(database, answer_id)
    keeper.look_after_others()

    assert before == ("running", "I a")
    assert state_of(database, answer_id) == ("interrupted", "I a")


def test_a_worker_that_gives_signs_keeps_its_answers(database: Database, orphan: tuple[UUID, UUID]) -> None:
    answer_id, worker_id = orphan
    keeper = Keeper(database, uuid7(), {}, {}, lease_s=1)

    for beat in range(2, 4 * LOOKS):
        if beat % LOOKS == 0:
            with database.write() as connection:
                runs.checkpoint(connection, worker_id, beat, {})
        keeper.look_after_others()

    assert state_of(database, answer_id)[0] == "running"


@contextmanager
def taking_nothing(database: Database, request: pytest.FixtureRequest) -> Iterator[None]:
    """Let the database refuse everything that is written."""
    if database.path is not None:
        aside = database.path.with_suffix(".aside")
        database.path.rename(aside)
        try:
            yield
        finally:
            aside.rename(database.path)
        return
    server, name = request.getfixturevalue("postgresql_url"), database.url.database
    run(server, f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    database.close()
    try:
        yield
    finally:
        run(server, f"ALTER DATABASE {name} RESET default_transaction_read_only")
        database.close()


def test_looks_at_a_database_that_takes_nothing_do_not_count(
    request: pytest.FixtureRequest, database: Database, orphan: tuple[UUID, UUID]
) -> None:
    """Who could not have given a sign is not dead: after an outage the count begins anew."""
    answer_id, _ = orphan
    keeper = Keeper(database, uuid7(), {}, {}, lease_s=1)
    for _ in range(LOOKS):
        keeper.look_after_others()

    with taking_nothing(database, request):
        for _ in range(LOOKS):
            with suppress(StorageUnavailable):
                keeper.look_after_others()
    keeper.look_after_others()

    assert state_of(database, answer_id)[0] == "running"
