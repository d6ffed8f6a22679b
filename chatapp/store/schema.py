"""Bringing a database to this version's tables: made when new, backed up and migrated when old, refused when newer."""

import fcntl
import logging
import os
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import Connection, exc, inspect, text

from chatapp.errors import StorageUnavailable
from chatapp.store.account_tables import metadata
from chatapp.store.db import Database

log = logging.getLogger(__name__)

MIGRATIONS = Path(__file__).parent / "migrations"
KEPT_BACKUPS = 5
# How long a migration waits for requests of the version before, which may still run.
MIGRATION_PATIENCE_MS = 60_000
VERSION_TABLE = """
CREATE TABLE alembic_version (
    version_num VARCHAR(32) NOT NULL,
    CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
)
"""
# Any number will do as long as nobody else uses it for the same database.
MIGRATION_LOCK = 7_251_849_316


class SchemaError(Exception):
    """The database cannot be used by this version; the message says why and what to do."""


def newest_revision() -> str:
    """Return the name of the last migration: they are files like `0002_search.py`, in order."""
    return max(path.stem[:4] for path in (MIGRATIONS / "versions").glob("[0-9]*.py"))


def prepare(database: Database) -> None:
    """Make or migrate the tables; of several processes that start at once, one does and the others wait.

    Raises: `SchemaError`.
    """
    try:
        with _alone(database):
            _make_file(database)
            _bring_up_to_date(database)
    except StorageUnavailable as error:
        raise SchemaError(_reason(database, error.__cause__ or error)) from error
    except (OSError, sqlite3.Error) as error:
        raise SchemaError(_reason(database, error)) from error
    finally:
        database.close()


def _bring_up_to_date(database: Database) -> None:
    newest = newest_revision()
    with database.read() as connection:
        found = _revision(connection)
        has_tables = inspect(connection).has_table("conversations") if found is None else True
    if found == newest:
        return
    if found is None and has_tables:
        raise SchemaError("The database has tables but does not say of which version; see docs/reliability.md.")
    if found is None:
        with database.write() as connection:
            metadata.create_all(connection)
            # As Alembic would make it.
            connection.execute(text(VERSION_TABLE))
            connection.execute(text("INSERT INTO alembic_version VALUES (:newest)"), {"newest": newest})
        log.info("storage.created")
        return
    if found > newest:
        raise SchemaError(
            f"The database was made by a newer version (its tables are at {found}, this version knows {newest}). "
            "Start that version, or restore a backup."
        )
    if database.path is not None:
        back_up(database.path, database.path.parent / "backups", revision=found)
    migrate(database)
    log.info("storage.migrated", extra={"from": found, "to": newest})


def migrate(database: Database, revision: str = "head") -> None:
    """Run the migrations up to `revision`, all in one transaction: what is interrupted has not happened."""
    # Alembic takes a quarter of a second to import, and most starts have nothing to migrate.
    from alembic import command  # noqa: PLC0415
    from alembic.config import Config as AlembicConfig  # noqa: PLC0415

    config = AlembicConfig()
    config.set_main_option("script_location", str(MIGRATIONS))
    with database.write() as connection:
        if database.path is None:
            # What is quick for a request is not for a table that has grown for years.
            connection.execute(text("SET LOCAL statement_timeout = 0"))
            connection.execute(text(f"SET LOCAL lock_timeout = {MIGRATION_PATIENCE_MS}"))
        config.attributes["connection"] = connection
        command.upgrade(config, revision)


def back_up(path: Path, folder: Path, *, revision: str) -> Path:
    """Copy an SQLite database, consistent although others may write; only the newest few copies are kept."""
    folder.mkdir(mode=0o700, exist_ok=True)
    target = folder / f"{path.stem}-{revision}-{datetime.now(UTC):%Y%m%dT%H%M%S%f}.sqlite3"
    # Whole or not there at all: what a crash leaves behind is not taken for a backup.
    unfinished = target.with_suffix(".part")
    with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(unfinished)) as copy:
        source.backup(copy)
    unfinished.chmod(0o600)
    unfinished.rename(target)
    for leftover in folder.glob(f"{path.stem}-*.part"):
        leftover.unlink()
    for old in sorted(folder.glob(f"{path.stem}-*.sqlite3"), key=lambda each: each.stat().st_mtime)[:-KEPT_BACKUPS]:
        old.unlink()
    log.info("storage.backed_up", extra={"file": target.name})
    return target


def _revision(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    found = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    return None if found is None else str(found)


@contextmanager
def _alone(database: Database) -> Iterator[None]:
    if database.path is None:
        with database.read() as connection:
            # Whoever migrates may take long; the lock goes with the transaction.
            connection.execute(text("SET LOCAL statement_timeout = 0"))
            connection.execute(text("SET LOCAL lock_timeout = 0"))
            connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": MIGRATION_LOCK})
            yield
        return
    database.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with database.path.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _make_file(database: Database) -> None:
    """Create SQLite's file for its owner's eyes only, and see that it is a database that can be written."""
    path = database.path
    if path is None:
        return
    os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    with closing(sqlite3.connect(path)) as connection:
        # Reads the first page and the tables' definitions, not the whole file.
        connection.execute("PRAGMA schema_version").fetchall()
        connection.execute("SELECT count(*) FROM sqlite_schema").fetchall()


def _reason(database: Database, error: BaseException) -> str:
    origin = error.orig if isinstance(error, exc.DBAPIError) else error
    said = re.sub(r"\s+", " ", str(origin)).strip().rstrip(".")
    if database.path is None:
        where = database.url.host or database.url.query.get("host") or "its socket"
        return f"PostgreSQL at {where} cannot be used: {said}. Start it, or correct DATABASE_URL."
    if isinstance(error, OSError) or "readonly" in said or "unable to open" in said:
        return (
            f"The database cannot be written: {said}. Give this user the right to write in {database.path.parent}, or "
            "choose another place with DATA_DIR."
        )
    return (
        f"The database {database.path} cannot be used: {said}. Move it aside and restore a copy from "
        f"{database.path.parent / 'backups'}; see docs/reliability.md."
    )
