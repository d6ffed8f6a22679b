"""The search: which titles and messages hold which words."""

from collections.abc import Collection, Iterable
from uuid import UUID

import msgspec
from sqlalchemy import (
    ColumnElement,
    Connection,
    Integer,
    bindparam,
    cast,
    column,
    delete,
    insert,
    literal,
    select,
    table,
    text,
)
from sqlalchemy.dialects.postgresql import TSQUERY

from chatapp.core.search_terms import Query, terms_of
from chatapp.store.prepared import Prepared
from chatapp.store.tables import conversations, messages, search_entries

# The words of SQLite's entries, by the number of the entry; PostgreSQL has them in the entry.
_search_terms = table("search_terms", column("rowid", Integer))

# As many finds are looked at in one go, however many of them are in deleted conversations.
MOST_AT_ONCE = 5_000


class Text(msgspec.Struct, frozen=True, kw_only=True):
    """Something to find: a message, or a conversation's title when there is no message."""

    conversation_id: UUID
    message_id: UUID | None
    text: str


class Hit(msgspec.Struct, frozen=True, kw_only=True):
    """Where something was found: a message, or a title when there is no message; `entry_id` grows with time."""

    entry_id: int
    conversation_id: UUID
    message_id: UUID | None


def index_text(
    connection: Connection, *, owner_id: UUID, conversation_id: UUID, message_id: UUID | None, text: str
) -> None:
    """Let a text be found, a title in the place of the one before."""
    if message_id is None:
        connection.execute(
            delete(search_entries).where(
                search_entries.c.conversation_id == conversation_id, search_entries.c.message_id.is_(None)
            )
        )
    index_all(connection, owner_id, [Text(conversation_id=conversation_id, message_id=message_id, text=text)])


_ADD = Prepared(
    insert(search_entries).values({name: bindparam(name) for name in ("conversation_id", "message_id", "terms")})
)


def index_all(connection: Connection, owner_id: UUID, texts: Iterable[Text]) -> None:
    """Let texts be found that could not be found before; those without a word are left out."""
    rows = [
        {
            "conversation_id": each.conversation_id,
            "message_id": each.message_id,
            "terms": " ".join([owner_term(owner_id), *terms]),
        }
        for each in texts
        if (terms := terms_of(each.text))
    ]
    if rows:
        _ADD.run_many(connection, rows)


_PENDING = text(
    "SELECT max(id) FROM (SELECT id FROM search_entries "
    "WHERE id > (SELECT indexed_until FROM search_terms_progress WHERE id = 1) ORDER BY id LIMIT :most)"
)
_INDEX = text(
    "INSERT INTO search_terms(rowid, terms) SELECT id, terms FROM search_entries "
    "WHERE id > (SELECT indexed_until FROM search_terms_progress WHERE id = 1) AND id <= :until ORDER BY id"
)
_PROGRESS = text("UPDATE search_terms_progress SET indexed_until = :until WHERE id = 1")


def has_pending(connection: Connection) -> bool:
    """Say whether there are texts that `find` does not see yet; on PostgreSQL there never are."""
    return connection.dialect.name == "sqlite" and connection.execute(_PENDING, {"most": 1}).scalar() is not None


def index_pending(connection: Connection, *, most: int) -> bool:
    """Put the words of the oldest `most` waiting entries into SQLite's index; False when none is left.

    Many at once cost half of what they cost one by one: each commit writes a piece of the index that is merged later.
    """
    until = connection.execute(_PENDING, {"most": most}).scalar() if connection.dialect.name == "sqlite" else None
    if until is None:
        return False
    connection.execute(_INDEX, {"until": until})
    connection.execute(_PROGRESS, {"until": until})
    return True


def find(connection: Connection, owner_id: UUID, query: Query, *, limit: int, before: int | None = None) -> list[Hit]:
    """Return at most `limit` of the owner's texts that hold what is looked for, newest first; before an entry's number.

    Texts of deleted conversations are left out.
    """
    if query.is_empty:
        return []
    hits: list[Hit] = []
    asked = limit
    while True:
        found = _find(connection, owner_id, query, limit=asked, before=before)
        living = _living(connection, owner_id, {hit.conversation_id for hit in found})
        hits += [hit for hit in found if hit.conversation_id in living]
        if len(found) < asked or len(hits) >= limit:
            return hits[:limit]
        before = found[-1].entry_id
        # Much may have been deleted at once.
        asked = min(2 * asked, MOST_AT_ONCE)


def _find(connection: Connection, owner_id: UUID, query: Query, *, limit: int, before: int | None) -> list[Hit]:
    """Return what `find` does, deleted conversations included.

    They are left out afterwards: to join them, PostgreSQL may collect all conversations of the owner.
    """
    place: ColumnElement[int] = search_entries.c.id
    found = select(search_entries.c.id, search_entries.c.conversation_id, search_entries.c.message_id)
    if connection.dialect.name == "sqlite":
        place = _search_terms.c.rowid
        found = found.select_from(_search_terms).join(search_entries, search_entries.c.id == place)
        found = found.where(text("search_terms MATCH :wanted").bindparams(wanted=_fts_query(owner_id, query)))
    else:
        # Written into the statement: a plan that serves all words serves some of them badly.
        wanted = cast(literal(_ts_query(owner_id, query), literal_execute=True), TSQUERY)
        found = found.where(search_entries.c.terms.op("@@")(wanted))
    if before is not None:
        found = found.where(place < before)
    return [
        Hit(entry_id=row.id, conversation_id=row.conversation_id, message_id=row.message_id)
        for row in connection.execute(found.order_by(place.desc()).limit(limit))
    ]


def _living(connection: Connection, owner_id: UUID, conversation_ids: Collection[UUID]) -> set[UUID]:
    """Return those that are the owner's and not deleted."""
    if not conversation_ids:
        return set()
    of = conversations.c
    # By their ids alone: told whose they are, SQLite would walk through all that the owner has.
    found = select(of.id, of.owner_id, of.deleted_at).where(of.id.in_(conversation_ids))
    rows = connection.execute(found)
    return {row.id for row in rows if row.owner_id == owner_id and row.deleted_at is None}


def said(connection: Connection, message_ids: Collection[UUID]) -> dict[UUID, tuple[str, str]]:
    """Return who said what: role and text of each message."""
    if not message_ids:
        return {}
    found = select(messages.c.id, messages.c.role, messages.c.text).where(messages.c.id.in_(list(message_ids)))
    return {message_id: (role, text) for message_id, role, text in connection.execute(found)}


def owner_term(owner_id: UUID) -> str:
    """Return the word that all of an owner's texts hold, so that a search walks through no others.

    It begins with a sign that no folded word has: nobody finds it by a beginning.
    """
    return f"¤{owner_id.hex}"


# Words are letters and digits only, see `core.search_terms`: nothing in them means anything to either query language.


def _fts_query(owner_id: UUID, query: Query) -> str:
    words = [f'"{word}"' for word in (owner_term(owner_id), *query.words)]
    return " AND ".join([*words, *([f'"{query.prefix}"*'] if query.prefix else [])])


def _ts_query(owner_id: UUID, query: Query) -> str:
    words = [f"'{word}'" for word in (owner_term(owner_id), *query.words)]
    return " & ".join([*words, *([f"'{query.prefix}':*"] if query.prefix else [])])
