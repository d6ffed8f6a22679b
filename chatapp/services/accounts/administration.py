"""What administrators do with people's accounts."""

from collections.abc import Collection
from datetime import UTC, datetime
from uuid import UUID

import msgspec
from msgspec import UNSET, UnsetType

from chatapp.core.accounts import User, email_key, name_key
from chatapp.core.administration import Group
from chatapp.core.principals import Origin, Principal, Role
from chatapp.errors import Conflict, Forbidden, InvalidBody, NotFound
from chatapp.services import audit
from chatapp.services.accounts.sessions import Sessions
from chatapp.services.revoking import revoke
from chatapp.store import members, users
from chatapp.store.db import Connection, Database, IntegrityError


class Newest(msgspec.Struct, frozen=True, tag="newest"):
    """A place in the list of all accounts."""

    created_at: datetime
    id: UUID


class ByEmail(msgspec.Struct, frozen=True, tag="email"):
    """A place among those found by their address."""

    key: str


class ByName(msgspec.Struct, frozen=True, tag="name"):
    """A place among those found by their name; None before the first."""

    key: str | None = None
    id: UUID | None = None


Place = Newest | ByEmail | ByName


class Member(msgspec.Struct, frozen=True):
    """An account and its groups."""

    user: User
    groups: list[Group]


class MemberPage(msgspec.Struct, frozen=True):
    """Some accounts, and where the next page goes on."""

    members: list[Member]
    next: Place | None


class Administration:
    """All methods raise `StorageUnavailable` (503), those that change something `Forbidden` (403)."""

    def __init__(self, database: Database, sessions: Sessions) -> None:
        self._database = database
        self._sessions = sessions

    def page(self, query: str, *, limit: int, after: Place | None = None) -> MemberPage:
        """Return all accounts, newest first; or those whose address, then those whose name begins like the query."""
        with self._database.read() as connection:
            found, following = _found(connection, query, limit, after)
            groups = members.groups_of(connection, [user.id for user in found])
        return MemberPage([Member(user, groups[user.id]) for user in found], following)

    def get(self, user_id: UUID) -> Member:
        """Raises: `NotFound` (404)."""
        with self._database.read() as connection:
            return _member(connection, user_id)

    def suspend(self, principal: Principal, user_id: UUID, origin: Origin) -> Member:
        """Shut an account out, at once and everywhere; what it has is kept.

        Raises: `NotFound` (404), `Conflict` (409 `last_admin`).
        """
        with self._database.write() as connection:
            act_as_admin(connection, principal)
            refuse_last_admin(connection, user_id)
            user = _locked(connection, user_id)
            if user.suspended_at is None:
                users.suspend(connection, user_id, datetime.now(UTC))
                revoke(connection, user_id)
                audit.record(connection, "account.suspended", origin, actor_id=principal.owner_id, subject_id=user_id)
            return _member(connection, user_id)

    def restore(self, principal: Principal, user_id: UUID, origin: Origin) -> Member:
        """Let a suspended account in again, with the sessions and tokens that it had.

        Raises: `NotFound` (404).
        """
        with self._database.write() as connection:
            act_as_admin(connection, principal)
            if _locked(connection, user_id).suspended_at is not None:
                users.suspend(connection, user_id, None)
                audit.record(connection, "account.restored", origin, actor_id=principal.owner_id, subject_id=user_id)
            return _member(connection, user_id)

    def change(
        self,
        principal: Principal,
        user_id: UUID,
        *,
        role: Role | UnsetType,
        group_ids: Collection[UUID] | UnsetType,
        origin: Origin,
    ) -> Member:
        """Give an account another role or other groups; what is not named stays.

        Raises: `NotFound` (404), `Conflict` (409 `last_admin`), `InvalidBody` (422) for a group that is not there.
        """
        with self._database.write() as connection:
            act_as_admin(connection, principal)
            if role == "user":
                refuse_last_admin(connection, user_id)
            user = _locked(connection, user_id)
            if role is not UNSET and role != user.role:
                users.set_role(connection, user_id, role)
                audit.record(
                    connection, "role.changed", origin, actor_id=principal.owner_id, subject_id=user_id, role=role
                )
            if group_ids is not UNSET:
                self._put_into_groups(connection, principal, user_id, group_ids, origin)
            return _member(connection, user_id)

    def sign_out(self, principal: Principal, user_id: UUID, origin: Origin) -> int:
        """End all sessions of an account; returns how many those were.

        Raises: `NotFound` (404).
        """
        with self._database.write() as connection:
            act_as_admin(connection, principal)
            _locked(connection, user_id)
            ended = self._sessions.end_all(connection, user_id)
            audit.record(
                connection, "sessions.ended", origin, actor_id=principal.owner_id, subject_id=user_id, count=ended
            )
        return ended

    def _put_into_groups(
        self, connection: Connection, principal: Principal, user_id: UUID, group_ids: Collection[UUID], origin: Origin
    ) -> None:
        wanted = frozenset(group_ids)
        if wanted == {group.id for group in members.groups_of(connection, [user_id])[user_id]}:
            return
        try:
            with connection.begin_nested():
                members.put_into_groups(connection, user_id, wanted)
        except IntegrityError as error:
            raise InvalidBody("`groups` names a group that is not there.") from error
        audit.record(
            connection,
            "groups.changed",
            origin,
            actor_id=principal.owner_id,
            subject_id=user_id,
            groups=sorted(str(group_id) for group_id in wanted),
        )


def act_as_admin(connection: Connection, principal: Principal) -> None:
    """See that whoever acts is still an administrator, and let nobody change that until the transaction ends.

    Raises: `Forbidden` (403).
    """
    if principal.owner_id not in members.lock_admins(connection):
        raise Forbidden("Only administrators can do this.")


def refuse_last_admin(connection: Connection, user_id: UUID, *, actor_id: UUID | None = None) -> None:
    """See that there is an administrator besides this account, until the transaction ends.

    `actor_id` is whoever acts, who must be one too if it is somebody else.
    Raises: `Conflict` (409 `last_admin`), `Forbidden` (403).
    """
    admins = members.lock_admins(connection)
    if actor_id is not None and actor_id != user_id and actor_id not in admins:
        raise Forbidden("Only administrators can do this.")
    if admins == [user_id]:
        raise Conflict("This is the only administrator. Make somebody else an administrator first.", code="last_admin")


def _found(connection: Connection, query: str, limit: int, after: Place | None) -> tuple[list[User], Place | None]:
    if not query:
        since = (after.created_at, after.id) if isinstance(after, Newest) else None
        found = members.newest(connection, limit=limit + 1, after=since)
        last = found[limit - 1] if len(found) > limit else None
        return found[:limit], None if last is None else Newest(last.created_at, last.id)
    found = []
    if not isinstance(after, ByName):
        since_key = after.key if isinstance(after, ByEmail) else None
        found = members.by_email_prefix(connection, query, limit=limit + 1, after=since_key)
        if len(found) > limit:
            return found[:limit], ByEmail(email_key(found[limit - 1].email))
        after = ByName()
    return _found_by_name(connection, query, found, limit, after)


def _found_by_name(
    connection: Connection, query: str, before: list[User], limit: int, after: ByName
) -> tuple[list[User], Place | None]:
    """Fill a page up with those found by their name."""
    room = limit - len(before)
    since = None if after.key is None or after.id is None else (after.key, after.id)
    more = members.by_name_prefix(connection, query, limit=room + 1, after=since)
    if len(more) <= room:
        return before + more, None
    if not room:
        return before, ByName()
    last = more[room - 1]
    return before + more[:room], ByName(name_key(last.name), last.id)


def _locked(connection: Connection, user_id: UUID) -> User:
    users.lock(connection, user_id)
    return _user(connection, user_id)


def _member(connection: Connection, user_id: UUID) -> Member:
    user = _user(connection, user_id)
    return Member(user, members.groups_of(connection, [user_id])[user_id])


def _user(connection: Connection, user_id: UUID) -> User:
    user = users.get(connection, user_id)
    # One that is being deleted is as good as gone.
    if user is None or user.email.startswith(users.CLOSED):
        raise NotFound("There is no such user.")
    return user
