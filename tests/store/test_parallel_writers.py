"""Many who write at once."""

from pathlib import Path

from sqlalchemy import text

from chatapp.store.db import Database
from tests.databases import sqlite_copy
from tests.store import processes
from tests.store.conftest import new_owner

THREADS = 16
SECONDS = 1.5


def test_nobody_hears_that_the_database_is_locked(sqlite_template: Path, tmp_path: Path) -> None:
    """Two workers with 16 writers each: everybody gets a turn, and what was acknowledged is there."""
    url = sqlite_copy(sqlite_template, tmp_path)
    database = Database(url)
    owner_id = new_owner(database)
    told, tell = processes.pipe()

    writing = [processes.start(processes.write_for, url, owner_id, SECONDS, THREADS, tell) for _ in range(2)]
    said = [told.recv() for _ in writing]
    for each in writing:
        each.join()

    assert [refused for _, refused in said] == [[0] * THREADS] * 2
    assert all(number > 0 for made, _ in said for number in made)
    with database.read() as connection:
        kept = connection.execute(text("SELECT count(*) FROM conversations")).scalar()
        assert kept == sum(sum(made) for made, _ in said)
        assert connection.execute(text("PRAGMA integrity_check")).scalar() == "ok"
    database.close()
