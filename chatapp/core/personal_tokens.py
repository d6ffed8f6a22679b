"""Personal tokens, as values."""

from datetime import datetime
from uuid import UUID

import msgspec

from chatapp.core.principals import Scope


class PersonalToken(msgspec.Struct, frozen=True, kw_only=True):
    """One token as its owner sees it; of the secret only the last four characters are known."""

    id: UUID
    user_id: UUID
    name: str
    last_four: str
    scopes: frozenset[Scope]
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None
