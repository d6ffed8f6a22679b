"""Statements of the way that every answer takes, compiled once instead of each time they run."""

import sqlite3
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection, Dialect
from sqlalchemy.exc import DBAPIError
from sqlalchemy.sql.expression import Delete, Insert, Select, Update

Values = Mapping[str, Any]


class _Compiled(msgspec.Struct, frozen=True):
    """The text for one kind of database; `order` of the parameters where they have no names."""

    text: str
    order: Sequence[str] | None
    constants: Values
    processors: Mapping[str, Callable[[Any], Any]]


class Prepared:
    """One statement with named parameters, without those that are left to SQLAlchemy's defaults.

    Building, caching and binding a statement costs several times what SQLite needs to run it, and an answer takes a
    dozen of them; SQLite's driver is called without anything in between. What comes back is what the driver gives: ids
    as they are stored, no types.
    """

    def __init__(self, statement: Select[Any] | Insert | Update | Delete) -> None:
        self._statement = statement
        self._by_dialect: dict[str, _Compiled] = {}

    def run(self, connection: Connection, values: Values) -> int:
        """Run it and return how many rows it changed."""
        return int(self._cursor(connection, values).rowcount)

    def run_many(self, connection: Connection, rows: Sequence[Values]) -> None:
        """Run it once for each of several."""
        compiled = self._for(connection.dialect)
        bound = [_bound(compiled, values) for values in rows]
        if connection.dialect.name != "sqlite":
            connection.exec_driver_sql(compiled.text, bound)
            return
        try:
            _driver(connection).executemany(compiled.text, bound)
        except sqlite3.Error as error:
            raise _as_sqlalchemy(error, compiled.text, connection.dialect) from error

    def first(self, connection: Connection, values: Values) -> Any:
        """Run it and return the first row, None when there is none."""
        return self._cursor(connection, values).fetchone()

    def all(self, connection: Connection, values: Values) -> Sequence[Any]:
        """Run it and return all rows."""
        found: Sequence[Any] = self._cursor(connection, values).fetchall()
        return found

    def _cursor(self, connection: Connection, values: Values) -> Any:
        compiled = self._for(connection.dialect)
        bound = _bound(compiled, values)
        if connection.dialect.name != "sqlite":
            return connection.exec_driver_sql(compiled.text, bound)
        try:
            return _driver(connection).execute(compiled.text, bound)
        except sqlite3.Error as error:
            raise _as_sqlalchemy(error, compiled.text, connection.dialect) from error

    def _for(self, dialect: Dialect) -> _Compiled:
        return self._by_dialect.get(dialect.name) or self._compile(dialect)

    def _compile(self, dialect: Dialect) -> _Compiled:
        found = self._statement.compile(dialect=dialect)
        processors = {
            name: processor
            for bound, name in found.bind_names.items()
            if (processor := bound.type.dialect_impl(dialect).bind_processor(dialect)) is not None
        }
        compiled = _Compiled(str(found), found.positiontup, found.construct_params(_check=False), processors)
        self._by_dialect[dialect.name] = compiled
        return compiled


def _driver(connection: Connection) -> sqlite3.Connection:
    """Return SQLite's own connection: within the transaction of `Database.write`, or for one look by itself."""
    driver: Any = connection.connection.driver_connection
    return driver  # type: ignore[no-any-return]  # known by the dialect


def _bound(compiled: _Compiled, values: Values) -> Any:
    bound = {**compiled.constants, **values}
    for name, process in compiled.processors.items():
        bound[name] = process(bound[name])
    return bound if compiled.order is None else tuple([bound[name] for name in compiled.order])


def _as_sqlalchemy(error: sqlite3.Error, text: str, dialect: Dialect) -> BaseException:
    """Return the driver's error as SQLAlchemy tells it, which is what callers know."""
    return DBAPIError.instance(text, None, error, sqlite3.Error, dialect=dialect)
