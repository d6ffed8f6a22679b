"""Accounts as an administrator sees them: lists, searches, who the administrators are, who is in which group."""

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    Tuple,
    and_,
    delete,
    func,
    insert,
    literal,
    select,
    text,
    tuple_,
)

from chatapp.core.accounts import User, email_key, name_key
from chatapp.core.administration import Group
from chatapp.store.account_tables import group_members, groups, users
from chatapp.store.tables import UTCDateTime
from chatapp.store.users import CLOSED, as_user

_LAST_CHARACTER = "\U0010ffff"
# Written out, so that the index of these few is used.
_IS_ADMIN = text("role = 'admin'")
_IS_OPEN = ~users.c.email_key.startswith(CLOSED)
_ACTIVE_ADMINS = select(users.c.id).where(_IS_ADMIN, users.c.suspended_at.is_(None)).order_by(users.c.id)
_MEMBERS = select(func.count()).where(group_members.c.group_id == groups.c.id).scalar_subquery()
_COUNTED = select(groups, _MEMBERS.label("members"))


def newest(connection: Connection, *, limit: int, after: tuple[datetime, UUID] | None) -> list[User]:
    """Return accounts, newest first."""
    asked = select(users).where(_IS_OPEN).order_by(users.c.created_at.desc(), users.c.id.desc()).limit(limit)
    if after is not None:
        asked = asked.where(tuple_(users.c.created_at, users.c.id) < place_of(*after))
    return [as_user(row) for row in connection.execute(asked)]


def by_email_prefix(connection: Connection, prefix: str, *, limit: int, after: str | None) -> list[User]:
    """Return accounts whose address begins so, in the order of their addresses, those after one of them."""
    begins = _begins(users.c.email_key, email_key(prefix))
    asked = select(users).where(_IS_OPEN, begins).order_by(users.c.email_key).limit(limit)
    if after is not None:
        asked = asked.where(users.c.email_key > after)
    return [as_user(row) for row in connection.execute(asked)]


def by_name_prefix(connection: Connection, prefix: str, *, limit: int, after: tuple[str, UUID] | None) -> list[User]:
    """Return accounts whose name begins so and whose address does not, in the order of their names."""
    asked = (
        select(users)
        .where(_IS_OPEN, _begins(users.c.name_key, name_key(prefix)), ~_begins(users.c.email_key, email_key(prefix)))
        .order_by(users.c.name_key, users.c.id)
        .limit(limit)
    )
    if after is not None:
        asked = asked.where(tuple_(users.c.name_key, users.c.id) > tuple_(literal(after[0]), literal(after[1])))
    return [as_user(row) for row in connection.execute(asked)]


def lock_admins(connection: Connection) -> list[UUID]:
    """Return who runs this server, and let nobody else change that until the transaction ends."""
    return list(connection.execute(_ACTIVE_ADMINS.with_for_update()).scalars())


def named(connection: Connection, user_ids: Collection[UUID]) -> dict[UUID, User]:
    """Return those accounts that there are."""
    if not user_ids:
        return {}
    asked = select(users).where(users.c.id.in_(user_ids))
    return {row.id: as_user(row) for row in connection.execute(asked)}


def groups_of(connection: Connection, user_ids: Collection[UUID]) -> dict[UUID, list[Group]]:
    """Return the groups of each, by name."""
    asked = (
        select(group_members.c.user_id, groups.c.id, groups.c.name, groups.c.created_at)
        .join(groups, groups.c.id == group_members.c.group_id)
        .where(group_members.c.user_id.in_(user_ids))
    )
    found: dict[UUID, list[Group]] = {user_id: [] for user_id in user_ids}
    for user_id, group_id, name, created_at in connection.execute(asked):
        found[user_id].append(Group(id=group_id, name=name, created_at=created_at))
    return {user_id: sorted(each, key=lambda group: group.name.casefold()) for user_id, each in found.items()}


def group_names(connection: Connection, group_ids: Collection[UUID]) -> dict[UUID, str]:
    """Return the names of those groups that there are."""
    if not group_ids:
        return {}
    asked = select(groups.c.id, groups.c.name).where(groups.c.id.in_(group_ids))
    return {row.id: row.name for row in connection.execute(asked)}


def put_into_groups(connection: Connection, user_id: UUID, group_ids: Iterable[UUID]) -> None:
    """Make these the groups of an account.

    Raises: `IntegrityError` when there is no such group.
    """
    connection.execute(delete(group_members).where(group_members.c.user_id == user_id))
    rows = [{"group_id": group_id, "user_id": user_id} for group_id in group_ids]
    if rows:
        connection.execute(insert(group_members), rows)


def join_group(connection: Connection, user_id: UUID, group_id: UUID) -> None:
    connection.execute(insert(group_members).values(group_id=group_id, user_id=user_id))


def page_of_groups(connection: Connection, *, limit: int, after: UUID | None) -> list[Group]:
    """Return groups, newest first, each with the number of its members."""
    asked = _COUNTED.order_by(groups.c.id.desc()).limit(limit)
    if after is not None:
        asked = asked.where(groups.c.id < after)
    return [Group(**row._asdict()) for row in connection.execute(asked)]


def group(connection: Connection, group_id: UUID) -> Group | None:
    row = connection.execute(_COUNTED.where(groups.c.id == group_id)).first()
    return None if row is None else Group(**row._asdict())


def place_of(at: datetime, row_id: UUID) -> Tuple:
    """Return a place in a list by time as the database compares it."""
    return tuple_(literal(at, UTCDateTime()), literal(row_id))


def _begins(column: Column[Any], prefix: str) -> ColumnElement[bool]:
    """Say that a key begins so: a range of its index, in which no character means anything else."""
    beyond = _after_all(prefix)
    return column >= prefix if beyond is None else and_(column >= prefix, column < beyond)


def _after_all(prefix: str) -> str | None:
    """Return the least text after all that begin so; None when there is none."""
    head = prefix.rstrip(_LAST_CHARACTER)
    if not head:
        return None
    following = ord(head[-1]) + 1
    # The numbers in between are no characters.
    return head[:-1] + chr(0xE000 if following == 0xD800 else following)
