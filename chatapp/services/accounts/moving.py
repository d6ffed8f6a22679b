"""What somebody wrote as a guest comes along into their account."""

from chatapp.core.principals import Origin, Principal
from chatapp.services import audit
from chatapp.store import moving
from chatapp.store.db import Connection


def bring_along(connection: Connection, guest: Principal | None, target: Principal, origin: Origin) -> int:
    """Give a guest's conversations and facts to an account; returns how many conversations those were.

    The guest's credential is then one of somebody who has nothing.
    """
    if guest is None or guest.kind != "guest" or not moving.has_anything(connection, guest.owner_id):
        return 0
    moved = moving.move(connection, guest.owner_id, target.owner_id)
    audit.record(
        connection,
        "guest.moved",
        origin,
        actor_id=target.owner_id,
        subject_id=target.owner_id,
        conversations=moved,
    )
    return moved
