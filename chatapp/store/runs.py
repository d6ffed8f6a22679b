"""Runs: answers in the making, the workers that make them, and requests that may come twice."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from uuid import UUID

import msgspec
from sqlalchemy import Connection, bindparam, delete, insert, select, update

from chatapp.store.prepared import Prepared
from chatapp.store.tables import idempotency_keys, runs, workers


class Checked(msgspec.Struct, frozen=True):
    """What a worker's checkpoint found: the runs that are still its own, and those that somebody wants stopped."""

    own: frozenset[UUID]
    to_stop: frozenset[UUID]


class Sign(msgspec.Struct, frozen=True):
    """The last sign of life of a worker that has runs; no `beat` when it never gave one."""

    worker_id: UUID
    beat: int | None


class Repeated(msgspec.Struct, frozen=True):
    """A request that came before under the same key."""

    message_id: UUID
    body_hash: str


_BEGIN = Prepared(
    insert(runs).values(
        message_id=bindparam("message_id"),
        conversation_id=bindparam("conversation_id"),
        worker_id=bindparam("worker_id"),
        text="",
        is_stop_requested=False,
    )
)


def begin(connection: Connection, message_id: UUID, conversation_id: UUID, worker_id: UUID) -> None:
    _BEGIN.run(connection, {"message_id": message_id, "conversation_id": conversation_id, "worker_id": worker_id})


def checkpoint(connection: Connection, worker_id: UUID, beat: int, texts: Mapping[UUID, str]) -> Checked:
    """Save the texts of a worker's runs and its sign of life."""
    give_sign(connection, worker_id, beat)
    if texts:
        connection.execute(
            update(runs)
            .where(runs.c.message_id == bindparam("run"), runs.c.worker_id == worker_id)
            .values(text=bindparam("so_far")),
            [{"run": run_id, "so_far": text} for run_id, text in texts.items()],
        )
    found = connection.execute(
        select(runs.c.message_id, runs.c.is_stop_requested).where(runs.c.worker_id == worker_id)
    ).all()
    return Checked(
        frozenset(run_id for run_id, _ in found), frozenset(run_id for run_id, is_stopped in found if is_stopped)
    )


def give_sign(connection: Connection, worker_id: UUID, beat: int) -> None:
    alive = update(workers).where(workers.c.id == worker_id).values(beat=beat)
    if connection.execute(alive).rowcount == 0:
        connection.execute(insert(workers).values(id=worker_id, beat=beat))


_END = Prepared(delete(runs).where(runs.c.message_id == bindparam("message"), runs.c.worker_id == bindparam("worker")))


def end(connection: Connection, message_id: UUID, worker_id: UUID) -> bool:
    """Take a run away from its worker; False when it has been taken away before, so that nothing may be written."""
    return _END.run(connection, {"message": message_id, "worker": worker_id}) == 1


def request_stop(connection: Connection, run_ids: Iterable[UUID]) -> None:
    """Leave word for whichever worker makes these answers; it looks once a second."""
    connection.execute(update(runs).where(runs.c.message_id.in_(list(run_ids))).values(is_stop_requested=True))


def of_conversation(connection: Connection, conversation_id: UUID) -> list[UUID]:
    """Return the runs of a conversation, oldest first."""
    found = select(runs.c.message_id).where(runs.c.conversation_id == conversation_id)
    return sorted(connection.execute(found).scalars())


def signs_of_life(connection: Connection) -> list[Sign]:
    """Return the last sign of every worker that has runs."""
    found = select(runs.c.worker_id, workers.c.beat).outerjoin(workers, workers.c.id == runs.c.worker_id).distinct()
    return [Sign(worker_id, beat) for worker_id, beat in connection.execute(found)]


def take_from(connection: Connection, sign: Sign) -> list[tuple[UUID, UUID, str]]:
    """Take all runs away from a worker, unless it gave another sign since.

    Shape: message id, conversation id and saved text of each.
    """
    now = select(workers.c.beat).where(workers.c.id == sign.worker_id).with_for_update()
    if connection.execute(now).scalar() != sign.beat:
        return []
    taken = delete(runs).where(runs.c.worker_id == sign.worker_id)
    rows = connection.execute(taken.returning(runs.c.message_id, runs.c.conversation_id, runs.c.text)).all()
    connection.execute(delete(workers).where(workers.c.id == sign.worker_id))
    return [(message_id, conversation_id, text) for message_id, conversation_id, text in rows]


_REMEMBERED = ("owner_id", "key", "body_hash", "message_id", "created_at")
_REMEMBER = Prepared(insert(idempotency_keys).values({name: bindparam(name) for name in _REMEMBERED}))


def remember_request(connection: Connection, owner_id: UUID, key: str, body_hash: str, message_id: UUID) -> None:
    """Raises: `IntegrityError` when the key is taken."""
    values = {"owner_id": owner_id, "key": key, "body_hash": body_hash, "message_id": message_id}
    _REMEMBER.run(connection, {**values, "created_at": datetime.now(UTC)})


def repeated(connection: Connection, owner_id: UUID, key: str) -> Repeated | None:
    found = select(idempotency_keys.c.message_id, idempotency_keys.c.body_hash).where(
        idempotency_keys.c.owner_id == owner_id, idempotency_keys.c.key == key
    )
    row = connection.execute(found).first()
    return None if row is None else Repeated(row.message_id, row.body_hash)


def forget_requests(connection: Connection, before: datetime) -> None:
    connection.execute(delete(idempotency_keys).where(idempotency_keys.c.created_at < before))
