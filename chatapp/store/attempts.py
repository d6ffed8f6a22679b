"""Attempts: how often somebody tried something, whichever worker they came to."""

from datetime import datetime

from sqlalchemy import Connection, delete, exists, select, update
from sqlalchemy.dialects import postgresql, sqlite

from chatapp.store.account_tables import attempts


def count(connection: Connection, key: str, *, now: datetime, until: datetime) -> tuple[int, datetime]:
    """Count one more attempt; return how many there are with it and when they are forgotten."""
    connection.execute(delete(attempts).where(attempts.c.key == key, attempts.c.expires_at <= now))
    dialect = sqlite if connection.dialect.name == "sqlite" else postgresql
    added = dialect.insert(attempts).values(key=key, count=1, expires_at=until)
    connection.execute(
        added.on_conflict_do_update(index_elements=["key"], set_={"count": attempts.c.count + 1}),
    )
    row = connection.execute(select(attempts.c.count, attempts.c.expires_at).where(attempts.c.key == key)).one()
    return row[0], row[1]


def take_back(connection: Connection, key: str) -> None:
    """Have one attempt not count."""
    connection.execute(
        update(attempts).where(attempts.c.key == key, attempts.c.count > 0).values(count=attempts.c.count - 1)
    )


def remember(connection: Connection, key: str, *, until: datetime) -> None:
    """Note something that is known until then."""
    forget(connection, key)
    dialect = sqlite if connection.dialect.name == "sqlite" else postgresql
    connection.execute(
        dialect.insert(attempts).values(key=key, count=1, expires_at=until).on_conflict_do_nothing(),
    )


def is_known(connection: Connection, key: str, now: datetime) -> bool:
    found = select(exists(select(attempts.c.key).where(attempts.c.key == key, attempts.c.expires_at > now)))
    return bool(connection.execute(found).scalar())


def forget(connection: Connection, key: str) -> None:
    connection.execute(delete(attempts).where(attempts.c.key == key))


def remove_expired(connection: Connection, now: datetime) -> None:
    connection.execute(delete(attempts).where(attempts.c.expires_at <= now))
