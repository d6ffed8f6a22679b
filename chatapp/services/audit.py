"""The audit log: one row and one log line for every act that matters to security."""

import logging
from uuid import UUID

from chatapp.core.principals import Origin
from chatapp.store import audit
from chatapp.store.db import Connection

log = logging.getLogger(__name__)

Fact = str | int | bool | None | list[str]


def record(
    connection: Connection,
    kind: str,
    origin: Origin,
    *,
    actor_id: UUID | None = None,
    subject_id: UUID | None = None,
    **facts: Fact,
) -> None:
    """Note what was done, by whom and to whom, in the transaction that does it; `facts` must hold no secret."""
    audit.add(connection, kind, origin, actor_id=actor_id, subject_id=subject_id, facts=facts)
    people = {name: str(each) for name, each in (("actor", actor_id), ("subject", subject_id)) if each is not None}
    log.info("audit", extra={"kind": kind, "address": origin.address, **people, "facts": facts})
