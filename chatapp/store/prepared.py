"""Statements of the way that every answer takes, compiled once instead of each time they run."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection, CursorResult, Dialect
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
    dozen of them. What comes back is what the driver gives: ids as they are stored, no types.
    """

    def __init__(self, statement: Select[Any] | Insert | Update | Delete) -> None:
        self._statement = statement
        self._by_dialect: dict[str, _Compiled] = {}

    def run(self, connection: Connection, values: Values | Sequence[Values]) -> CursorResult[Any]:
        """Run it once, or once for each of several."""
        dialect = connection.dialect
        compiled = self._by_dialect.get(dialect.name) or self._compile(dialect)
        if isinstance(values, Mapping):
            return connection.exec_driver_sql(compiled.text, _bound(compiled, values))
        return connection.exec_driver_sql(compiled.text, [_bound(compiled, each) for each in values])

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


def _bound(compiled: _Compiled, values: Values) -> Any:
    bound = {**compiled.constants, **values}
    for name, process in compiled.processors.items():
        bound[name] = process(bound[name])
    return bound if compiled.order is None else tuple([bound[name] for name in compiled.order])
