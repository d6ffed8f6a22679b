"""Messages: the tree of one conversation, read along the path that is shown."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, Integer, Select, bindparam, func, insert, literal, select, update

from chatapp.core.conversations import StoredMessage
from chatapp.core.events import Usage
from chatapp.store.activity import next_activity
from chatapp.store.paths import PATH
from chatapp.store.prepared import Prepared
from chatapp.store.tables import conversations, messages, runs

_COLUMNS = [column for column in messages.c if column.name != "text"]
# The text of a running answer grows in its run.
_TEXT = func.coalesce(runs.c.text, messages.c.text).label("text")


_SELECTED = select(*_COLUMNS, _TEXT).select_from(messages).outerjoin(runs, runs.c.message_id == messages.c.id)
_GET = _SELECTED.where(messages.c.id == bindparam("message"))
_PATH_UP = _SELECTED.add_columns(PATH.c.steps).join(PATH, messages.c.id == PATH.c.id)


def _newest_leaf() -> Select[Any]:
    start = bindparam("message", type_=messages.c.id.type)
    below = select(start.label("id"), literal(0).label("steps")).cte("below", recursive=True)
    child = messages.alias("child")
    newest_child = (
        select(child.c.id)
        .where(child.c.parent_id == below.c.id)
        .order_by(child.c.seq.desc())
        .limit(1)
        .correlate(below)
        .scalar_subquery()
    )
    below = below.union_all(select(newest_child, below.c.steps + 1).where(below.c.id.is_not(None)))
    return select(below.c.id).where(below.c.id.is_not(None)).order_by(below.c.steps.desc()).limit(1)


_NEWEST_LEAF = _newest_leaf()


def get(connection: Connection, message_id: UUID) -> StoredMessage | None:
    row = connection.execute(_GET, {"message": message_id}).first()
    return None if row is None else message_of(row)


def path_up(connection: Connection, from_id: UUID, *, limit: int) -> list[StoredMessage]:
    """Return at most `limit` messages, from `from_id` upwards to the root: newest first."""
    rows = connection.execute(_PATH_UP, {"from_id": from_id, "most": limit})
    return [message_of(row) for row in sorted(rows, key=lambda row: row.steps)]


def in_order(connection: Connection, conversation_id: UUID, *, after: int, limit: int) -> list[StoredMessage]:
    """Return messages of all branches in the order in which they came, after the one whose `seq` is `after`."""
    found = _SELECTED.where(messages.c.conversation_id == conversation_id, messages.c.seq > after)
    return [message_of(row) for row in connection.execute(found.order_by(messages.c.seq).limit(limit))]


def newest_leaf(connection: Connection, message_id: UUID) -> UUID:
    """Return the end of the newest branch below a message; the message itself when nothing follows it."""
    leaf: UUID = connection.execute(_NEWEST_LEAF, {"message": message_id}).scalar_one()
    return leaf


def children(connection: Connection, conversation_id: UUID, parent_id: UUID | None) -> list[UUID]:
    """Return the ids of what directly follows a message, in order; None asks for the first messages."""
    found = select(messages.c.id).where(messages.c.conversation_id == conversation_id, _is_child_of(parent_id))
    # As the indexes have it, also where the parent is none.
    return list(connection.execute(found.order_by(messages.c.parent_id, messages.c.seq)).scalars())


def siblings(
    connection: Connection, conversation_id: UUID, parent_ids: Iterable[UUID | None]
) -> dict[UUID | None, list[UUID]]:
    """Return, for each parent, the ids of its children in order."""
    wanted = set(parent_ids)
    found: dict[UUID | None, list[UUID]] = {parent: [] for parent in wanted}
    named = [parent for parent in wanted if parent is not None]
    columns = select(messages.c.parent_id, messages.c.id).order_by(messages.c.parent_id, messages.c.seq)
    if named:
        for parent_id, message_id in connection.execute(columns.where(messages.c.parent_id.in_(named))):
            found[parent_id].append(message_id)
    if None in wanted:
        found[None] = children(connection, conversation_id, None)
    return found


_ADDED = (
    "id",
    "conversation_id",
    "parent_id",
    "seq",
    "role",
    "text",
    "state",
    "created_at",
    "model",
    "is_pinned",
    "remarks",
)
_ADD = Prepared(insert(messages).values({name: bindparam(name) for name in _ADDED}))


def add(connection: Connection, conversation_id: UUID, rows: Sequence[dict[str, Any]], *, last_seq: int) -> None:
    """Insert messages in order, the last of them with the number `last_seq`.

    Shape: each row has `id`, `parent_id`, `role`, `text` and `state`, perhaps `model` and `remarks`.
    """
    now = datetime.now(UTC)
    first_seq = last_seq - len(rows) + 1
    common = {"conversation_id": conversation_id, "created_at": now, "model": None, "is_pinned": False, "remarks": None}
    _ADD.run_many(connection, [{**common, "seq": first_seq + place, **row} for place, row in enumerate(rows)])


def change(connection: Connection, message_id: UUID, **values: Any) -> None:
    """Set columns of one message, such as `rating`, `is_pinned` or `html`."""
    connection.execute(update(messages).where(messages.c.id == message_id).values(**values))


# What is written down when an answer ends.
_ENDED = (
    "text",
    "state",
    "html",
    "html_version",
    "elapsed_ms",
    "first_token_ms",
    "finish_reason",
    "error_code",
    "remarks",
)
_USED = (
    "prompt_tokens",
    "completion_tokens",
    "cached_tokens",
    "reasoning_tokens",
    "is_estimated",
    "cost_usd_micros",
)
_FINISH = Prepared(
    update(messages)
    .where(messages.c.id == bindparam("message"))
    .values({name: bindparam(f"new_{name}", type_=messages.c[name].type) for name in (*_ENDED, *_USED)})
)


def finish(connection: Connection, message_id: UUID, *, usage: Usage | None, **values: Any) -> None:
    """Write down how an answer ended: every column of `_ENDED`, and what it used."""
    used = dict.fromkeys(_USED) if usage is None else _usage_columns(usage)
    _FINISH.run(
        connection, {"message": message_id, **{f"new_{name}": value for name, value in (values | used).items()}}
    )


_NEXT_SEQ = Prepared(
    update(conversations)
    .where(conversations.c.id == bindparam("conversation"))
    .values(
        last_seq=conversations.c.last_seq + bindparam("count", type_=Integer),
        activity=next_activity(bindparam("owner", type_=conversations.c.owner_id.type)),
        updated_at=bindparam("now", type_=conversations.c.updated_at.type),
        head_id=bindparam("head", type_=conversations.c.head_id.type),
    )
    .returning(conversations.c.last_seq)
)


def next_seq(connection: Connection, conversation_id: UUID, *, owner_id: UUID, count: int, head_id: UUID) -> int:
    """Take the next `count` numbers of a conversation and return the last; marks it as the owner's latest doing.

    `head_id` is the message that is shown last from now on. Locks the conversation until the transaction ends.
    """
    values = {"conversation": conversation_id, "count": count, "owner": owner_id, "head": head_id}
    last: int = _NEXT_SEQ.first(connection, {**values, "now": datetime.now(UTC)})[0]
    return last


def message_of(row: Any) -> StoredMessage:
    usage = None
    if row.prompt_tokens is not None:
        usage = Usage(
            prompt_tokens=row.prompt_tokens,
            completion_tokens=row.completion_tokens,
            cached_tokens=row.cached_tokens,
            reasoning_tokens=row.reasoning_tokens,
            estimated=row.is_estimated,
            cost_usd_micros=row.cost_usd_micros,
        )
    return StoredMessage(
        id=row.id,
        conversation_id=row.conversation_id,
        parent_id=row.parent_id,
        seq=row.seq,
        role=row.role,
        text=row.text,
        html=row.html,
        html_version=row.html_version,
        state=row.state,
        created_at=row.created_at,
        model=row.model,
        rating=row.rating,
        is_pinned=row.is_pinned,
        usage=usage,
        elapsed_ms=row.elapsed_ms,
        first_token_ms=row.first_token_ms,
        finish_reason=row.finish_reason,
        error_code=row.error_code,
        remarks=row.remarks or {},
    )


def _is_child_of(parent_id: UUID | None) -> ColumnElement[bool]:
    return messages.c.parent_id.is_(None) if parent_id is None else messages.c.parent_id == parent_id


def _usage_columns(usage: Usage) -> dict[str, Any]:
    return {
        "prompt_tokens": usage.prompt_tokens,
        "completion_tokens": usage.completion_tokens,
        "cached_tokens": usage.cached_tokens,
        "reasoning_tokens": usage.reasoning_tokens,
        "is_estimated": usage.estimated,
        "cost_usd_micros": usage.cost_usd_micros,
    }
