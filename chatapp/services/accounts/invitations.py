"""Invitations: links by which people come to have an account, with the role and the group meant for them."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import msgspec
from uuid_utils.compat import uuid7

from chatapp.core.accounts import email_key
from chatapp.core.administration import Invitation
from chatapp.core.principals import Origin, Principal, Role
from chatapp.errors import BadInput, NotFound
from chatapp.services import audit
from chatapp.services.accounts.administration import act_as_admin
from chatapp.services.accounts.secrets import hash_of, new_secret
from chatapp.store import invitations, members, users
from chatapp.store.db import Connection, Database, IntegrityError

KEPT = timedelta(days=365)

After = tuple[datetime, UUID]


class Invited(msgspec.Struct, frozen=True):
    """A new invitation, the name of its group, and its secret, which is known only now."""

    invitation: Invitation
    group_names: dict[UUID, str]
    secret: str


class InvitationPage(msgspec.Struct, frozen=True):
    """Some invitations, newest first, the names of the groups, and where the next page goes on."""

    invitations: list[Invitation]
    group_names: dict[UUID, str]
    next: After | None


class Invitations:
    """All methods raise `StorageUnavailable` (503)."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def make(
        self,
        principal: Principal,
        *,
        email: str | None,
        role: Role,
        group_id: UUID | None,
        lifetime: timedelta,
        origin: Origin,
    ) -> Invited:
        """Invite one address, or with None whoever has the link.

        Raises: `NotFound` (404 for the group), `Forbidden` (403).
        """
        now, secret = datetime.now(UTC), new_secret()
        invitation = Invitation(
            id=uuid7(),
            email_key=None if email is None else email_key(email),
            role=role,
            group_id=group_id,
            created_by=principal.owner_id,
            created_at=now,
            expires_at=now + lifetime,
        )
        with self._database.write() as connection:
            act_as_admin(connection, principal)
            try:
                with connection.begin_nested():
                    invitations.add(connection, invitation, hash_of(secret))
            except IntegrityError as error:
                raise NotFound("There is no such group.") from error
            facts: dict[str, audit.Fact] = {"role": role, "is_for_one_address": email is not None}
            _record(connection, "invitation.created", origin, principal, invitation.id, **facts)
            names = members.group_names(connection, [] if group_id is None else [group_id])
        return Invited(invitation, names, secret)

    def check(self, connection: Connection, secret: str, email: str | None = None) -> Invitation:
        """Return an invitation that can be used, for this address if one is given, and leave it usable.

        Raises: `BadInput` (400 `link_not_valid`).
        """
        found = invitations.find(connection, hash_of(secret), datetime.now(UTC))
        if found is None or (email is not None and found.email_key not in (None, email_key(email))):
            raise _not_valid()
        return found

    def take(
        self, connection: Connection, secret: str, email: str, user_id: UUID, *, origin: Origin | None = None
    ) -> Invitation:
        """Use an invitation up for an account that was just added, which gets its role and its group.

        Raises: `BadInput` (400 `link_not_valid`); the account must not be kept then.
        """
        taken = invitations.take(
            connection, hash_of(secret), email_key=email_key(email), user_id=user_id, now=datetime.now(UTC)
        )
        if taken is None:
            raise _not_valid()
        if taken.role != "user":
            users.set_role(connection, user_id, taken.role)
        if taken.group_id is not None:
            members.join_group(connection, user_id, taken.group_id)
        audit.record(
            connection,
            "invitation.used",
            origin or Origin(),
            actor_id=user_id,
            subject_id=taken.created_by,
            invitation=str(taken.id),
            role=taken.role,
        )
        return taken

    def page(self, *, limit: int, after: After | None) -> InvitationPage:
        """Return invitations, also those that are used or over, newest first."""
        with self._database.read() as connection:
            found = invitations.page(connection, limit=limit + 1, after=after)
            names = members.group_names(connection, {each.group_id for each in found if each.group_id is not None})
        last = found[limit - 1] if len(found) > limit else None
        return InvitationPage(found[:limit], names, None if last is None else (last.created_at, last.id))

    def withdraw(self, principal: Principal, invitation_id: UUID, origin: Origin) -> None:
        """Make an invitation useless, or take a used one off the list.

        Raises: `NotFound` (404), `Forbidden` (403).
        """
        with self._database.write() as connection:
            act_as_admin(connection, principal)
            if not invitations.remove(connection, invitation_id):
                raise NotFound("There is no such invitation.")
            _record(connection, "invitation.withdrawn", origin, principal, invitation_id)

    def forget_old(self, now: datetime) -> None:
        """Remove invitations that were made a year ago."""
        with self._database.write() as connection:
            invitations.remove_before(connection, now - KEPT)


def _record(
    connection: Connection, kind: str, origin: Origin, principal: Principal, invitation_id: UUID, **facts: audit.Fact
) -> None:
    actor_id, named = principal.owner_id, str(invitation_id)
    audit.record(connection, kind, origin, actor_id=actor_id, subject_id=None, invitation=named, **facts)


def _not_valid() -> BadInput:
    return BadInput(
        "This invitation is not valid: it was used, its time is over, or it is for another address. Ask for a new one.",
        code="link_not_valid",
    )
