"""Conversations: lists of them, their labels, and their end."""

from collections.abc import Collection, Iterable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    Select,
    bindparam,
    delete,
    exists,
    insert,
    literal,
    select,
    tuple_,
    update,
)
from uuid_utils.compat import uuid7

from chatapp.core.conversations import Conversation, Place
from chatapp.store import search
from chatapp.store.activity import next_activity
from chatapp.store.prepared import Prepared
from chatapp.store.tables import conversation_tags, conversations, messages, runs

PURGED_AT_ONCE = 50

_COLUMNS = [conversations.c[name] for name in Conversation.__struct_fields__]


_GET = select(*_COLUMNS).where(conversations.c.id == bindparam("conversation"))


def get(connection: Connection, conversation_id: UUID) -> Conversation | None:
    row = connection.execute(_GET, {"conversation": conversation_id}).first()
    return None if row is None else _conversation(row)


def lock(connection: Connection, conversation_id: UUID) -> None:
    """Let others who would add to a conversation wait until this transaction ends."""
    connection.execute(select(conversations.c.id).where(conversations.c.id == conversation_id).with_for_update())


def get_all(connection: Connection, conversation_ids: Collection[UUID]) -> dict[UUID, Conversation]:
    """Return those that there are, by id."""
    if not conversation_ids:
        return {}
    rows = connection.execute(select(*_COLUMNS).where(conversations.c.id.in_(list(conversation_ids))))
    return {row.id: _conversation(row) for row in rows}


_CREATED = [each.name for each in conversations.columns if each.name not in ("activity", "deleted_at")]
_CREATE = Prepared(
    insert(conversations)
    .values(
        {
            **{name: bindparam(name) for name in _CREATED},
            "activity": next_activity(bindparam("owner", type_=conversations.c.owner_id.type)),
        }
    )
    .returning(conversations.c.activity)
)


def create(
    connection: Connection,
    *,
    owner_id: UUID,
    title: str,
    has_own_title: bool = False,
    folder: str | None = None,
    is_summarised: bool = True,
    last_seq: int = 0,
    head_id: UUID | None = None,
) -> Conversation:
    """Make a conversation, the newest of its owner's, and let its title be found.

    Messages that are added in the same transaction have their numbers and their head already.
    """
    now = datetime.now(UTC)
    made: dict[str, Any] = {
        "id": uuid7(),
        "owner_id": owner_id,
        "title": title,
        "has_own_title": has_own_title,
        "created_at": now,
        "updated_at": now,
        "head_id": head_id,
        "is_pinned": False,
        "is_archived": False,
        "is_summarised": is_summarised,
        "folder": folder,
    }
    activity = _CREATE.first(connection, {**made, "last_seq": last_seq, "owner": owner_id})[0]
    named = search.Text(conversation_id=made["id"], message_id=None, text=title)
    search.index_all(connection, owner_id, [named])
    return Conversation(**made, activity=activity, deleted_at=None)


def change(connection: Connection, conversation_id: UUID, **values: Any) -> None:
    """Set columns of one conversation, such as `is_pinned` or `folder`; a title goes through `entitle`."""
    connection.execute(update(conversations).where(conversations.c.id == conversation_id).values(**values))


def entitle(connection: Connection, conversation: Conversation, title: str, *, is_own: bool) -> None:
    """Give a conversation a title and let it be found by it."""
    change(connection, conversation.id, title=title, has_own_title=is_own)
    search.index_text(
        connection, owner_id=conversation.owner_id, conversation_id=conversation.id, message_id=None, text=title
    )


def page(
    connection: Connection,
    owner_id: UUID,
    *,
    is_archived: bool,
    limit: int,
    after: Place | None = None,
    folder: str | None = None,
    tag: str | None = None,
) -> list[Conversation]:
    """Return the next `limit` conversations of a list: pinned ones first, then by what was used last.

    Cost: what is returned; a tag's list also passes by what lies between.
    """
    rows = connection.execute(
        page_query(owner_id, is_archived=is_archived, limit=limit, after=after, folder=folder, tag=tag)
    )
    return [_conversation(row) for row in rows]


def page_query(
    owner_id: UUID, *, is_archived: bool, limit: int, after: Place | None, folder: str | None, tag: str | None
) -> Select[Any]:
    """Return the SQL of `page`."""
    of = conversations.c
    found = select(*_COLUMNS).where(
        of.owner_id == owner_id, of.is_archived == literal(is_archived), of.deleted_at.is_(None)
    )
    if folder is not None:
        found = found.where(of.folder == folder)
    if tag is not None:
        has_tag = select(conversation_tags.c.tag).where(
            conversation_tags.c.conversation_id == of.id, conversation_tags.c.tag == tag
        )
        # The offset keeps PostgreSQL from turning the question around, which would sort all that have the tag.
        found = found.where(exists(has_tag.offset(0)))
    if after is not None:
        here = tuple_(of.is_pinned, of.activity, of.id)
        found = found.where(here < tuple_(literal(after.is_pinned), literal(after.activity), literal(after.id)))
    return found.order_by(of.is_pinned.desc(), of.activity.desc(), of.id.desc()).limit(limit)


def tags_of(connection: Connection, conversation_ids: Collection[UUID]) -> dict[UUID, list[str]]:
    """Return the tags of each conversation in alphabetical order."""
    rows = connection.execute(
        select(conversation_tags.c.conversation_id, conversation_tags.c.tag).where(
            conversation_tags.c.conversation_id.in_(list(conversation_ids))
        )
    )
    tags: dict[UUID, list[str]] = {conversation_id: [] for conversation_id in conversation_ids}
    for conversation_id, tag in rows:
        tags[conversation_id].append(tag)
    return {conversation_id: sorted(found) for conversation_id, found in tags.items()}


def set_tags(connection: Connection, conversation: Conversation, tags: Iterable[str]) -> None:
    """Give a conversation these tags and no others."""
    connection.execute(delete(conversation_tags).where(conversation_tags.c.conversation_id == conversation.id))
    rows = [
        {"conversation_id": conversation.id, "owner_id": conversation.owner_id, "tag": tag}
        for tag in dict.fromkeys(tags)
    ]
    if rows:
        connection.execute(insert(conversation_tags), rows)


def running(connection: Connection, conversation_ids: Collection[UUID]) -> dict[UUID, UUID]:
    """Return the newest run that goes on in each conversation that has one."""
    found = select(runs.c.conversation_id, runs.c.message_id).where(runs.c.conversation_id.in_(list(conversation_ids)))
    return dict(sorted(((row[0], row[1]) for row in connection.execute(found)), key=lambda pair: pair[1].bytes))


def folders(connection: Connection, owner_id: UUID) -> list[str]:
    """Return the names of the owner's folders.

    Cost: one step per name, however many conversations they hold.
    """
    of = conversations.c
    lives = (of.owner_id == owner_id, of.deleted_at.is_(None), of.folder.is_not(None))
    return _distinct(connection, of.folder, lives)


def tags(connection: Connection, owner_id: UUID) -> list[str]:
    """Return the owner's tags; those that only deleted conversations have are among them.

    Cost: as `folders`.
    """
    return _distinct(connection, conversation_tags.c.tag, (conversation_tags.c.owner_id == owner_id,))


def mark_deleted(connection: Connection, conversation_id: UUID) -> None:
    change(connection, conversation_id, deleted_at=datetime.now(UTC))


def deleted_before(connection: Connection, moment: datetime, *, limit: int) -> list[UUID]:
    """Return conversations that were deleted before then."""
    found = select(conversations.c.id).where(
        conversations.c.deleted_at.is_not(None), conversations.c.deleted_at < moment
    )
    return list(connection.execute(found.order_by(conversations.c.deleted_at).limit(limit)).scalars())


_OWNER = Prepared(select(conversations.c.owner_id).where(conversations.c.id == bindparam("conversation")))


def owner_of(connection: Connection, conversation_id: UUID) -> UUID | None:
    """Return whose a conversation is now: what a guest wrote may have moved into an account."""
    row = _OWNER.first(connection, {"conversation": conversation_id})
    return None if row is None else row[0] if isinstance(row[0], UUID) else UUID(row[0])


def of_owner(connection: Connection, owner_id: UUID, *, limit: int, after: UUID | None = None) -> list[UUID]:
    """Return ids of the owner's conversations, deleted ones as well, in the order of their ids."""
    found = select(conversations.c.id).where(conversations.c.owner_id == owner_id)
    if after is not None:
        found = found.where(conversations.c.id > after)
    return list(connection.execute(found.order_by(conversations.c.id).limit(limit)).scalars())


def purge(connection: Connection, conversation_id: UUID) -> bool:
    """Remove the newest `PURGED_AT_ONCE` messages of a conversation for good, or what is left when that are all.

    True when nothing is left. From the end, because a message takes with it what follows it, one level deeper for each:
    SQLite goes no deeper than a thousand levels, and takes longer for each than for the one before.
    """
    of = messages.c.conversation_id == conversation_id
    oldest = select(messages.c.seq).where(of).order_by(messages.c.seq.desc()).offset(PURGED_AT_ONCE - 1).limit(1)
    seq = connection.execute(oldest).scalar()
    if seq is not None:
        connection.execute(delete(messages).where(of, messages.c.seq >= seq))
        return False
    connection.execute(delete(conversations).where(conversations.c.id == conversation_id))
    return True


def _distinct(connection: Connection, name: ColumnElement[Any], which: Iterable[ColumnElement[bool]]) -> list[str]:
    """Return the different values of an indexed column, each found by a jump behind the one before."""
    first = select(name.label("name")).where(*which).order_by(name).limit(1)
    names = select(first.scalar_subquery().label("name")).cte("names", recursive=True)
    further = select(name).where(*which, name > names.c.name).order_by(name).limit(1).correlate(names)
    names = names.union_all(select(further.scalar_subquery()).where(names.c.name.is_not(None)))
    found = connection.execute(select(names.c.name).where(names.c.name.is_not(None)))
    return sorted(found.scalars(), key=str.casefold)


def _conversation(row: Row[Any]) -> Conversation:
    return Conversation(**row._mapping)
