"""S5–S7, G14: a database that is busy, full or gone is told as such, is not waited for by others, and heals."""

import resource
import shutil
import sqlite3
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from tests.applications import make_app
from tests.databases import run, sqlite_copy, stopped_postgresql
from tests.durability.crowding import crowd
from tests.durability.holding import Held, held
from tests.durability.pairs import Pair
from tests.durability.readers import Guest, Reading
from tests.durability.scripted import new_token, question
from tests.durability.verifying import damages
from tests.live_server import LiveServer
from tests.wire.reader import get

HEALS_WITHIN_S = 5

on_sqlite = pytest.mark.parametrize("pair", ["sqlite"], indirect=True)
on_postgresql = pytest.mark.parametrize("pair", ["postgresql"], indirect=True)


def refusal(guest: Guest, server: LiveServer) -> tuple[int, str, bool]:
    """Send a message that cannot be stored. Shape: status, code, whether it says when to come back."""
    token = new_token()
    with guest.ask(server, question(token)) as stream:
        return stream.status, stream.json()["code"], stream.headers["Retry-After"] is not None


def wait_until_healed(guest: Guest, server: LiveServer) -> Reading:
    """Ask until there is an answer, without any restart."""
    give_up_at = time.monotonic() + HEALS_WITHIN_S
    while True:
        with guest.ask(server, question(new_token())) as stream:
            if stream.status == 200:
                return Reading().take_all(stream)
        assert time.monotonic() < give_up_at, "the server does not heal"
        time.sleep(0.05)


def stored(guest: Guest, server: LiveServer, answer: Held) -> tuple[str, str]:
    """What is kept of an answer once it is over. Shape: state and text."""
    with guest.follow(server, answer.reading.run_id) as stream:
        Reading().take_all(stream)
    _, message = guest.messages(server, answer.reading.start["conversation_id"])
    return message["state"], message["text"]


@contextmanager
def disk_full(pair: Pair) -> Iterator[None]:
    """Let no process of the servers write any file beyond its first page, as on a disk without room.

    Source: setrlimit(2), `RLIMIT_FSIZE`; needs no rights and no file system of its own.
    """
    pids = [pid for server in pair.servers for pid in server.worker_pids()]
    before = [resource.prlimit(pid, resource.RLIMIT_FSIZE) for pid in pids]
    for pid, (_, most) in zip(pids, before, strict=True):
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (4096, most))
    try:
        yield
    finally:
        for pid, limits in zip(pids, before, strict=True):
            resource.prlimit(pid, resource.RLIMIT_FSIZE, limits)


@on_sqlite
def test_a_locked_database_is_busy_and_freezes_nobody(pair: Pair, guest: Guest) -> None:
    """S5: another process, a backup say, may hold SQLite's lock for longer than anybody wants to wait."""
    answer = held(pair.b, guest)
    path = pair.url.removeprefix("sqlite:///")
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        served = 0
        with ThreadPoolExecutor(1) as pool:
            waiting = pool.submit(refusal, guest, pair.b)
            while not waiting.done():
                assert get(pair.b.base_url, "/health").status == 200
                assert guest.get(pair.b, "/conversations").status == 200
                served += 1
        other.execute("ROLLBACK")
    wait_until_healed(guest, pair.b)
    pair.upstream.release(answer.token)

    assert waiting.result() == (503, "storage_busy", True)
    # One after the other while the writer waited: a frozen worker would have served one or two.
    assert served > 20
    assert answer.finish().result["saved"]
    assert stored(guest, pair.a, answer) == ("complete", answer.whole)


@on_sqlite
def test_a_crowd_of_writers_is_served(pair: Pair) -> None:
    """S5: 32 writers of two servers take turns, and nobody hears of a lock."""
    found = crowd(pair, 1.0)

    assert (found.refused, found.missing) == ([], [])
    assert found.written > 0


@on_sqlite
def test_a_full_disk_is_told_and_heals(pair: Pair, guest: Guest) -> None:
    """S6: what is shown but not stored says so, what cannot be stored is not taken, and nothing is damaged."""
    answer, interrupted = held(pair.b, guest), held(pair.a, guest)

    with disk_full(pair):
        pair.upstream.release(answer.token)
        reading = answer.finish()
        refused = refusal(guest, pair.b)
        read = guest.get(pair.b, "/conversations").status
        health = get(pair.b.base_url, "/health").status
    wait_until_healed(guest, pair.b)
    pair.upstream.release(interrupted.token)

    assert (reading.text, reading.result["saved"]) == (answer.whole, False)
    assert refused == (503, "storage_unavailable", True)
    assert (read, health) == (200, 200)
    assert interrupted.finish().result["saved"]
    for each in (answer, interrupted):
        assert stored(guest, pair.a, each) == ("complete", each.whole)
    assert damages(pair) == []


@on_postgresql
def test_postgresql_may_go_and_come_back(pair: Pair, guest: Guest, postgresql_url: str) -> None:
    """S7: answers go on meanwhile, and are saved when the database is there again."""
    answer, longer = held(pair.b, guest), held(pair.a, guest)

    with stopped_postgresql(postgresql_url):
        pair.upstream.release(answer.token)
        refused = refusal(guest, pair.b)
        health = get(pair.b.base_url, "/health").status
        reading = answer.finish()
    wait_until_healed(guest, pair.b)
    pair.upstream.release(longer.token)

    assert refused == (503, "storage_unavailable", True)
    assert health == 200
    assert (reading.text, reading.result["saved"]) == (answer.whole, False)
    assert longer.finish().result["saved"]
    for each in (answer, longer):
        assert stored(guest, pair.a, each) == ("complete", each.whole)


@on_postgresql
def test_connections_that_are_cut_are_replaced(pair: Pair, guest: Guest, postgresql_url: str) -> None:
    """S7: a firewall or a failover ends idle connections without a word."""
    answer = held(pair.b, guest)
    name = pair.url.split("/")[-1].split("?")[0]

    run(postgresql_url, f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'")
    wait_until_healed(guest, pair.b)
    pair.upstream.release(answer.token)

    assert answer.finish().result["saved"]
    assert stored(guest, pair.a, answer) == ("complete", answer.whole)


@pytest.fixture
def moved(sqlite_template: Path, tmp_path: Path) -> tuple[FlaskClient, Path]:
    """The product on a database of its own, and where its file is."""
    url = sqlite_copy(sqlite_template, tmp_path)
    app = make_app(database_url=url, demo_pace_ms=0)
    return app.test_client(), Path(url.removeprefix("sqlite:///"))


def create(client: FlaskClient) -> tuple[int, str | None]:
    reply = client.post("/conversations", json={"title": "Kept"}, headers={"Sec-Fetch-Site": "same-origin"})
    return reply.status_code, (reply.json or {}).get("code")


def test_nothing_is_written_to_a_file_that_is_gone(moved: tuple[FlaskClient, Path]) -> None:
    """S6: SQLite itself would go on happily, with a file that nobody can open again."""
    client, path = moved
    assert create(client)[0] == 201
    aside = path.with_suffix(".aside")

    path.rename(aside)
    refused = [create(client), create(client)]
    has_new_file = path.exists()
    aside.rename(path)

    assert refused == [(503, "storage_unavailable")] * 2
    assert not has_new_file
    assert create(client)[0] == 201


def test_a_damaged_file_is_told_and_never_made_worse(moved: tuple[FlaskClient, Path]) -> None:
    """S6: the person gets an error, the log the reason, and a backup put in place works."""
    client, path = moved
    assert create(client)[0] == 201
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    backup = path.with_suffix(".backup")
    shutil.copyfile(path, backup)
    content = path.read_bytes()

    with path.open("r+b") as file:
        file.write(b"\xff" * len(content))
    refused = create(client)
    with path.open("r+b") as file:
        file.write(backup.read_bytes())

    assert refused == (503, "storage_unavailable")
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
