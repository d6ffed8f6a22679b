"""The database: connections, transactions, and what happens when it is busy, full or gone."""

import logging
import random
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, exc
from sqlalchemy.engine import make_url
from sqlalchemy.exc import IntegrityError

from chatapp.errors import StorageBusy, StorageUnavailable

# What services write in their signatures and `except` clauses; everything else of SQLAlchemy stays in this package.
__all__ = ["Connection", "Database", "IntegrityError"]

log = logging.getLogger(__name__)

BUSY_LIMIT_S = 5.0
CONNECT_LIMIT_S = 5
STATEMENT_LIMIT_MS = 15_000
# How long one attempt may hold up the whole worker: SQLite waits without letting other greenlets run.
SQLITE_PATIENCE_MS = 10
PRAGMAS = (
    "synchronous=NORMAL",
    "foreign_keys=ON",
    "temp_store=MEMORY",
    "cache_size=-8000",
    # The log is written back into the file after 16 MB instead of 4: most of its pages change again and again.
    "wal_autocheckpoint=4000",
)


class Database:
    """One engine. `read()` and `write()` give a connection in a transaction.

    `path` is SQLite's file, None on PostgreSQL.
    """

    def __init__(self, url: str, *, pool_size: int = 20) -> None:
        self.url = make_url(url)
        self.path: Path | None = None
        self._file_id: tuple[int, int] | None = None
        self._write_lock = threading.Lock()
        if self.url.get_backend_name() == "sqlite":
            self.path = Path(self.url.database or "")
            self.engine = _sqlite_engine(self.path, pool_size)
        else:
            self.engine = _postgresql_engine(url, pool_size)

    @property
    def is_sqlite(self) -> bool:
        return self.path is not None

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Give a connection that sees one state of the database.

        Raises: `StorageUnavailable`, `StorageBusy` (503).
        """
        self._check_file()
        with _told_as_ours(), self.engine.connect() as connection:
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """Give a connection whose changes are kept when the block ends, and all undone when it raises.

        Writers of this process take turns: on SQLite they could not write at once anyway, and so none of them loses
        the race for ever.
        Raises: `StorageUnavailable`, `StorageBusy` (503); `IntegrityError` as it is, for the caller to read.
        """
        if self.path is None:
            with _told_as_ours(), self.engine.begin() as connection:
                yield connection
            return
        self._check_file()
        if not self._write_lock.acquire(timeout=BUSY_LIMIT_S):
            raise StorageBusy("The database is busy; try again in a moment.", retry_after_s=1)
        try:
            with (
                _told_as_ours(),
                self.engine.connect().execution_options(is_writing=True) as connection,
                connection.begin(),
            ):
                yield connection
        finally:
            self._write_lock.release()

    def _check_file(self) -> None:
        """See that the file is still where it was: SQLite goes on with one that was deleted, and keeps nothing.

        Raises: `StorageUnavailable` (503), until the file is back.
        """
        if self.path is None:
            return
        try:
            found = self.path.stat()
            file_id = (found.st_dev, found.st_ino)
        except OSError:
            file_id = None
        if self._file_id is None:
            self._file_id = file_id
        elif file_id != self._file_id:
            log.error("storage.file_gone", extra={"file": str(self.path)})
            raise StorageUnavailable("The database's file is not where it was; nothing was changed.", retry_after_s=5)

    def close(self) -> None:
        """Close all connections; the next use opens new ones. Needed before a fork."""
        self.engine.dispose()


@contextmanager
def _told_as_ours() -> Iterator[None]:
    try:
        yield
    except IntegrityError:
        raise
    except exc.TimeoutError as error:
        raise StorageBusy("The database is busy; try again in a moment.", retry_after_s=1) from error
    except exc.DBAPIError as error:
        if "database is locked" in str(error.orig):
            raise StorageBusy("The database is busy; try again in a moment.", retry_after_s=1) from error
        log.exception("storage.failed")
        raise StorageUnavailable(
            "The database cannot be used at the moment; nothing was changed.", retry_after_s=5
        ) from error


def _sqlite_engine(path: Path, pool_size: int) -> Engine:
    engine = create_engine(
        f"sqlite:///{path}",
        hide_parameters=True,
        pool_size=pool_size,
        max_overflow=0,
        pool_timeout=BUSY_LIMIT_S,
        pool_use_lifo=True,
        # Greenlets of one worker hand connections on; each is used by one at a time.
        connect_args={"check_same_thread": False, "timeout": SQLITE_PATIENCE_MS / 1000},
    )
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    # The driver's own transactions begin late and commit unasked.
    connection.isolation_level = None
    give_up_at = time.monotonic() + BUSY_LIMIT_S
    while True:
        try:
            # Changing to WAL needs the file alone for a moment.
            connection.execute("PRAGMA journal_mode=WAL")
            break
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > give_up_at:
                raise
            _pause()
    for setting in PRAGMAS:
        connection.execute(f"PRAGMA {setting}")


def _begin_sqlite(connection: Connection) -> None:
    driver: Any = connection.connection.dbapi_connection
    if not connection.get_execution_options().get("is_writing"):
        driver.execute("BEGIN")
        return
    give_up_at = time.monotonic() + BUSY_LIMIT_S
    while True:
        try:
            # At once for writing: a reader that turns into a writer can fail in the middle.
            driver.execute("BEGIN IMMEDIATE")
            return
        except sqlite3.Error as error:
            if "locked" not in str(error) or time.monotonic() > give_up_at:
                raise exc.DBAPIError.instance("BEGIN", None, error, sqlite3.Error) from error
            _pause()


def _pause() -> None:
    """Let other greenlets run; how long is chance, so that two processes do not meet again."""
    time.sleep(random.uniform(0.002, 0.012))  # noqa: S311


def _postgresql_engine(url: str, pool_size: int) -> Engine:
    # `postgres://` and `postgresql://` are what hosts hand out.
    address = make_url(url).set(drivername="postgresql+psycopg")
    limits = f"-c statement_timeout={STATEMENT_LIMIT_MS} -c lock_timeout={int(BUSY_LIMIT_S * 1000)} -c timezone=UTC"
    # The preset is for disks that turn; it makes reading a whole table look cheap.
    limits += " -c random_page_cost=1.1"
    return create_engine(
        address,
        hide_parameters=True,
        pool_size=pool_size,
        max_overflow=0,
        pool_timeout=BUSY_LIMIT_S,
        pool_use_lifo=True,
        # A connection that was cut while idle is replaced before it is used.
        pool_pre_ping=True,
        connect_args={"connect_timeout": CONNECT_LIMIT_S, "options": limits},
    )
