"""Who asks."""

from typing import Literal
from uuid import UUID

import msgspec


class Principal(msgspec.Struct, frozen=True):
    """Whoever a request comes from, by the id that owns conversations."""

    owner_id: UUID
    kind: Literal["guest"] = "guest"
