"""Groups of accounts, as administrators keep them."""

from typing import NoReturn
from uuid import UUID

import msgspec
from uuid_utils.compat import uuid7

from chatapp.core.accounts import checked_name
from chatapp.core.administration import Group
from chatapp.core.principals import Origin, Principal
from chatapp.errors import Conflict, NotFound
from chatapp.services import audit
from chatapp.services.accounts.administration import act_as_admin
from chatapp.store import groups, members
from chatapp.store.db import Connection, Database, IntegrityError


class GroupPage(msgspec.Struct, frozen=True):
    """Some groups, newest first, and where the next page goes on."""

    groups: list[Group]
    next: UUID | None


class Groups:
    """All methods raise `StorageUnavailable` (503), those that change something `Forbidden` (403)."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def page(self, *, limit: int, after: UUID | None = None) -> GroupPage:
        """Return groups, newest first."""
        with self._database.read() as connection:
            found = members.page_of_groups(connection, limit=limit + 1, after=after)
        return GroupPage(found[:limit], found[limit - 1].id if len(found) > limit else None)

    def create(self, principal: Principal, name: str, origin: Origin) -> Group:
        """Raises: `InvalidBody` (422), `Conflict` (409 `group_exists`)."""
        name, group_id = checked_name(name), uuid7()
        with self._database.write() as connection:
            act_as_admin(connection, principal)
            try:
                with connection.begin_nested():
                    groups.add(connection, group_id, name)
            except IntegrityError as error:
                raise _taken() from error
            _record(connection, "group.created", principal, group_id, origin, name=name)
            return members.group(connection, group_id) or _refuse()

    def rename(self, principal: Principal, group_id: UUID, name: str, origin: Origin) -> Group:
        """Raises: `InvalidBody` (422), `NotFound` (404), `Conflict` (409 `group_exists`)."""
        name = checked_name(name)
        with self._database.write() as connection:
            act_as_admin(connection, principal)
            try:
                with connection.begin_nested():
                    is_there = groups.rename(connection, group_id, name)
            except IntegrityError as error:
                raise _taken() from error
            if not is_there:
                _refuse()
            _record(connection, "group.renamed", principal, group_id, origin, name=name)
            return members.group(connection, group_id) or _refuse()

    def delete(self, principal: Principal, group_id: UUID, origin: Origin) -> None:
        """Remove a group, and the invitations into it; its members keep their accounts.

        Raises: `NotFound` (404).
        """
        with self._database.write() as connection:
            act_as_admin(connection, principal)
            if not groups.remove(connection, group_id):
                _refuse()
            _record(connection, "group.deleted", principal, group_id, origin)


def _record(
    connection: Connection, kind: str, principal: Principal, group_id: UUID, origin: Origin, *, name: str | None = None
) -> None:
    audit.record(connection, kind, origin, actor_id=principal.owner_id, group=str(group_id), name=name)


def _taken() -> Conflict:
    return Conflict("Another group has this name.", code="group_exists")


def _refuse() -> NoReturn:
    raise NotFound("There is no such group.")
