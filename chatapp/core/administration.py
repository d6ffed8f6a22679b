"""What administrators see besides accounts: groups, invitations, and what happened."""

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from chatapp.core.principals import Role


class Group(msgspec.Struct, frozen=True, kw_only=True):
    """A group of accounts and how many are in it."""

    id: UUID
    name: str
    created_at: datetime
    members: int = 0


class Invitation(msgspec.Struct, frozen=True, kw_only=True):
    """One invitation; `email_key` None for whoever has the link."""

    id: UUID
    email_key: str | None
    role: Role
    group_id: UUID | None
    created_by: UUID
    created_at: datetime
    expires_at: datetime
    used_by: UUID | None = None
    used_at: datetime | None = None


class AuditEvent(msgspec.Struct, frozen=True, kw_only=True):
    """One act: who did it, and to whom."""

    id: int
    at: datetime
    kind: str
    actor_id: UUID | None
    subject_id: UUID | None
    address: str
    request_id: str
    facts: dict[str, Any]
