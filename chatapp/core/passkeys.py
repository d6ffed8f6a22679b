"""Passkeys, and the site that they are for."""

from datetime import datetime
from uuid import UUID

import msgspec


class Passkey(msgspec.Struct, frozen=True, kw_only=True):
    """One key of an account; `sign_count` is how often its holder says it was used, 0 when that is not counted."""

    id: UUID
    user_id: UUID
    credential_id: bytes
    public_key: bytes
    sign_count: int
    transports: tuple[str, ...]
    name: str
    created_at: datetime
    last_used_at: datetime | None


class Site(msgspec.Struct, frozen=True, kw_only=True):
    """The site as WebAuthn knows it: its host's name, which keys are bound to, and where its pages may be."""

    rp_id: str
    origins: tuple[str, ...]
    name: str
