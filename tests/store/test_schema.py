"""Databases of every age: made, migrated, backed up, refused."""

import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import text

from chatapp.core.search_terms import query_of
from chatapp.store import schema, search
from chatapp.store.db import Database
from chatapp.store.schema import SchemaError, migrate, newest_revision, prepare
from chatapp.store.tables import metadata
from tests.databases import postgresql_copy, sqlite_copy
from tests.store import processes
from tests.store.fillings import OWNER, fill_first_version

KILLED_AT = [
    pytest.param("INSERT INTO search_entries", id="entries"),
    pytest.param("UPDATE alembic_version SET version_num='0003'", id="version"),
]


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of a database without a table."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'chatapp.sqlite3'}"
        return
    with postgresql_copy(request.getfixturevalue("postgresql_url"), template="template0") as url:
        yield url


@pytest.fixture
def new_like(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[[str], Database]]:
    """Give a prepared database of the same kind as that of the URL."""
    with ExitStack() as stack:

        def make(url: str) -> Database:
            if url.startswith("sqlite"):
                new = sqlite_copy(request.getfixturevalue("sqlite_template"), tmp_path / "new")
            else:
                new = stack.enter_context(postgresql_copy(request.getfixturevalue("postgresql_url")))
            return stack.enter_context(opened(new))

        yield make


@contextmanager
def opened(url: str) -> Iterator[Database]:
    database = Database(url)
    try:
        yield database
    finally:
        database.close()


def make_first_version(url: str) -> None:
    """A database as the first migration leaves it, with conversations in it."""
    with opened(url) as database:
        migrate(database, "0001")
        fill_first_version(database)


def differences(database: Database) -> list[Any]:
    """What Alembic would change to get from the database to the tables as they are declared."""

    def is_ours(item: Any, name: str | None, kind: str, reflected: bool, _other: Any) -> bool:
        own_index = name == "ix_search_entries_terms"
        return not (reflected and (own_index or (kind == "table" and (name or "").startswith("search_terms"))))

    options = {"compare_type": True, "compare_server_default": True, "include_object": is_ours}
    with database.read() as connection:
        return list(compare_metadata(MigrationContext.configure(connection, opts=options), metadata))


def definitions(database: Database) -> dict[str, str]:
    """Indexes, triggers and virtual tables as the database itself says them, without white space."""
    said = (
        "SELECT name, sql FROM sqlite_schema WHERE sql IS NOT NULL AND (type <> 'table' OR sql LIKE 'CREATE VIRTUAL%')"
        if database.is_sqlite
        else "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'"
    )
    with database.read() as connection:
        return {name: "".join(sql.split()) for name, sql in connection.execute(text(said))}


def found_words(database: Database, words: str) -> int:
    with database.read() as connection:
        return len(search.find(connection, OWNER, query_of(words), limit=10))


def test_a_migrated_database_is_exactly_a_new_one(empty_url: str, new_like: Callable[[str], Database]) -> None:
    """Else old installations get faults that no test of a new one shows."""
    new = new_like(empty_url)
    with opened(empty_url) as old:
        for revision in ("0001", "0002", "0003", "0004"):
            migrate(old, revision)

        assert differences(old) == []
        assert differences(new) == []
        assert definitions(old) == definitions(new)


def test_an_old_database_keeps_its_rows_and_can_be_searched(empty_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was written before there was a search is found too; answers in the making are not, until they end."""
    make_first_version(empty_url)

    with opened(empty_url) as database:
        prepare(database)

        with database.read() as connection:
            assert connection.execute(text("SELECT count(*) FROM messages")).scalar() == 604
            assert connection.execute(text("SELECT version_num FROM alembic_version")).scalar() == newest_revision()
        assert found_words(database, "creme brulee") == 1
        assert found_words(database, "word599") == 1
        assert found_words(database, "word7") == 10
        assert found_words(database, "unfinished") == 0


def test_a_backup_is_made_before_a_migration(tmp_path: Path) -> None:
    """If the new version is no good, the old one still opens what it had."""
    url = f"sqlite:///{tmp_path / 'chatapp.sqlite3'}"
    make_first_version(url)

    with opened(url) as database:
        prepare(database)

    (backup,) = (tmp_path / "backups").iterdir()
    assert backup.stat().st_mode & 0o777 == 0o600
    with closing(sqlite3.connect(backup)) as connection:
        assert connection.execute("SELECT version_num FROM alembic_version").fetchone() == ("0001",)
        assert connection.execute("SELECT count(*) FROM messages").fetchone() == (604,)
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_only_the_newest_backups_are_kept(tmp_path: Path) -> None:
    """They are whole copies, and the disk is not endless."""
    url = f"sqlite:///{tmp_path / 'chatapp.sqlite3'}"
    with opened(url) as database:
        prepare(database)
    folder = tmp_path / "backups"

    made = [schema.back_up(tmp_path / "chatapp.sqlite3", folder, revision="0003") for _ in range(7)]

    assert sorted(folder.iterdir()) == made[-schema.KEPT_BACKUPS :]


def test_a_newer_database_is_refused(database: Database) -> None:
    """An older version would not know what it destroys."""
    with database.write() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))

    with pytest.raises(SchemaError, match=r"newer version .*9999.*restore a backup"):
        prepare(database)


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    """And left as it is, since somebody may still rescue something from it."""
    path = tmp_path / "chatapp.sqlite3"
    path.write_bytes(b"not a database" * 1000)

    with opened(f"sqlite:///{path}") as database, pytest.raises(SchemaError, match=r"chatapp\.sqlite3.*restore"):
        prepare(database)
    assert path.read_bytes() == b"not a database" * 1000


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    """The person who sets the server up can put it right."""
    tmp_path.chmod(0o555)
    user = os.geteuid()
    if user == 0:
        os.seteuid(65534)
    try:
        with (
            opened(f"sqlite:///{tmp_path / 'chatapp.sqlite3'}") as database,
            pytest.raises(SchemaError, match=r"Permission denied.*DATA_DIR"),
        ):
            prepare(database)
    finally:
        os.seteuid(user)
        tmp_path.chmod(0o755)


def test_a_server_that_is_not_there_is_named(tmp_path: Path) -> None:
    """A wrong DATABASE_URL is the likeliest mistake of all."""
    with (
        opened(f"postgresql:///chatapp?host={tmp_path}") as database,
        pytest.raises(SchemaError, match=r"PostgreSQL at .*DATABASE_URL"),
    ):
        prepare(database)


def test_processes_that_start_at_once_all_succeed(empty_url: str, tmp_path: Path) -> None:
    """Workers, or a second server on the same database: one migrates, the others wait."""
    make_first_version(empty_url)

    starting = [processes.start(processes.prepare_database, empty_url) for _ in range(2)]
    for each in starting:
        each.join()

    assert [each.exitcode for each in starting] == [0, 0]
    assert len(list(tmp_path.glob("backups/*"))) == (1 if "sqlite" in empty_url else 0)
    with opened(empty_url) as database:
        assert found_words(database, "word599") == 1


@pytest.mark.parametrize("statement", KILLED_AT)
def test_a_migration_that_is_killed_has_not_happened(empty_url: str, statement: str) -> None:
    """The next start finds the database as it was, and migrates it."""
    make_first_version(empty_url)
    told, tell = processes.pipe()
    migrating = processes.start(processes.prepare_and_stop_at, empty_url, statement, tell)

    assert told.recv() == "here"
    migrating.kill()
    migrating.join()

    with opened(empty_url) as database:
        with database.read() as connection:
            assert connection.execute(text("SELECT version_num FROM alembic_version")).scalar() == "0001"
        prepare(database)
        assert found_words(database, "word599") == 1
        assert differences(database) == []
