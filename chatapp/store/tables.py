"""The tables, the same on SQLite and PostgreSQL."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    DDL,
    JSON,
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Dialect,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
    Uuid,
    event,
    false,
    text,
    true,
)
from sqlalchemy.dialects.postgresql import TSVECTOR

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)


class UTCDateTime(TypeDecorator[datetime]):
    """An aware time in UTC, also on SQLite, which keeps no zone."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return None if value is None else value.astimezone(UTC)

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        return None if value is None else value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def id_column() -> Column[Any]:
    return Column("id", Uuid, primary_key=True)


def reference(target: str, name: str, *, nullable: bool = False, primary_key: bool = False) -> Column[Any]:
    key = ForeignKey(target, ondelete="CASCADE")
    return Column(name, Uuid, key, nullable=nullable, primary_key=primary_key)


def flag(name: str, *, default: bool = False) -> Column[Any]:
    return Column(name, Boolean, nullable=False, server_default=true() if default else false(), default=default)


# Whoever has conversations: a guest now, an account later.
owners = Table(
    "owners",
    metadata,
    id_column(),
    Column("kind", String(16), nullable=False),
    Column("created_at", UTCDateTime, nullable=False),
    flag("has_memory", default=True),
)

conversations = Table(
    "conversations",
    metadata,
    id_column(),
    reference("owners.id", "owner_id"),
    Column("title", String(200), nullable=False),
    flag("has_own_title"),
    Column("created_at", UTCDateTime, nullable=False),
    Column("updated_at", UTCDateTime, nullable=False),
    # Counts the owner's doings: lists are ordered by it, since clocks jump.
    Column("activity", BigInteger, nullable=False),
    # The `seq` of its newest message; raising it locks the conversation for the writer.
    Column("last_seq", Integer, nullable=False),
    # The newest message of the branch that is shown.
    Column("head_id", Uuid),
    flag("is_pinned"),
    flag("is_archived"),
    flag("is_summarised", default=True),
    Column("folder", String(100)),
    Column("deleted_at", UTCDateTime),
    # One index per list: all, one folder. Deleted ones are in neither.
    Index(
        "ix_conversations_list",
        "owner_id",
        "is_archived",
        "is_pinned",
        "activity",
        "id",
        sqlite_where=text("deleted_at IS NULL"),
        postgresql_where=text("deleted_at IS NULL"),
    ),
    Index(
        "ix_conversations_folder",
        "owner_id",
        "folder",
        "is_archived",
        "is_pinned",
        "activity",
        "id",
        sqlite_where=text("deleted_at IS NULL AND folder IS NOT NULL"),
        postgresql_where=text("deleted_at IS NULL AND folder IS NOT NULL"),
    ),
    Index("ix_conversations_activity", "owner_id", "activity"),
    Index(
        "ix_conversations_deleted_at",
        "deleted_at",
        sqlite_where=text("deleted_at IS NOT NULL"),
        postgresql_where=text("deleted_at IS NOT NULL"),
    ),
)

conversation_tags = Table(
    "conversation_tags",
    metadata,
    reference("conversations.id", "conversation_id", primary_key=True),
    Column("tag", String(50), primary_key=True),
    reference("owners.id", "owner_id"),
    Index("ix_conversation_tags_owner_id_tag", "owner_id", "tag"),
)

messages = Table(
    "messages",
    metadata,
    id_column(),
    reference("conversations.id", "conversation_id"),
    reference("messages.id", "parent_id", nullable=True),
    # The order within the conversation.
    Column("seq", Integer, nullable=False),
    Column("role", String(16), nullable=False),
    Column("text", Text, nullable=False),
    # The rendered answer and the version of the renderer that made it; another version renders again.
    Column("html", Text),
    Column("html_version", Integer),
    Column("state", String(16), nullable=False),
    Column("created_at", UTCDateTime, nullable=False),
    Column("model", String(200)),
    Column("rating", String(4)),
    flag("is_pinned"),
    Column("prompt_tokens", BigInteger),
    Column("completion_tokens", BigInteger),
    Column("cached_tokens", BigInteger),
    Column("reasoning_tokens", BigInteger),
    Column("is_estimated", Boolean),
    Column("cost_usd_micros", BigInteger),
    Column("elapsed_ms", Integer),
    Column("first_token_ms", Integer),
    Column("finish_reason", String(20)),
    Column("error_code", String(50)),
    # What the reader is told beside the text: {"notices": [...], "context": {...}}.
    Column("remarks", JSON),
    UniqueConstraint("conversation_id", "seq"),
    # Children of one message, in order; also what a cascade looks for.
    Index("ix_messages_parent_id_seq", "parent_id", "seq"),
    Index(
        "ix_messages_first",
        "conversation_id",
        "parent_id",
        "seq",
        sqlite_where=text("parent_id IS NULL"),
        postgresql_where=text("parent_id IS NULL"),
    ),
    Index(
        "ix_messages_pinned",
        "conversation_id",
        "seq",
        sqlite_where=text("is_pinned"),
        postgresql_where=text("is_pinned"),
    ),
)

# Answers in the making. Their growing text stays out of `messages`, whose rows are wide and searched.
runs = Table(
    "runs",
    metadata,
    reference("messages.id", "message_id", primary_key=True),
    reference("conversations.id", "conversation_id"),
    Column("worker_id", Uuid, nullable=False),
    Column("text", Text, nullable=False),
    flag("is_stop_requested"),
    Index("ix_runs_worker_id", "worker_id"),
    Index("ix_runs_conversation_id", "conversation_id"),
)

# Signs of life. A number and not a time: whoever watches it measures by a clock of its own.
workers = Table("workers", metadata, id_column(), Column("beat", BigInteger, nullable=False))

idempotency_keys = Table(
    "idempotency_keys",
    metadata,
    reference("owners.id", "owner_id", primary_key=True),
    Column("key", String(200), primary_key=True),
    Column("body_hash", String(64), nullable=False),
    reference("messages.id", "message_id"),
    Column("created_at", UTCDateTime, nullable=False),
    Index("ix_idempotency_keys_created_at", "created_at"),
    Index("ix_idempotency_keys_message_id", "message_id"),
)

# What stands for the messages up to and including `until_id` when a thread outgrows a model's window.
summaries = Table(
    "summaries",
    metadata,
    reference("messages.id", "until_id", primary_key=True),
    reference("conversations.id", "conversation_id"),
    Column("text", Text, nullable=False),
    Column("model", String(200), nullable=False),
    Column("covers", Integer, nullable=False),
    Column("created_at", UTCDateTime, nullable=False),
    Index("ix_summaries_conversation_id", "conversation_id"),
)

# What an owner wants every model to know.
facts = Table(
    "facts",
    metadata,
    id_column(),
    reference("owners.id", "owner_id"),
    Column("seq", Integer, nullable=False),
    Column("text", Text, nullable=False),
    Column("created_at", UTCDateTime, nullable=False),
    UniqueConstraint("owner_id", "seq"),
)

# One entry per title (no message) and per finished message; `terms` are words as `core.search_terms` folds them.
search_entries = Table(
    "search_entries",
    metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    reference("conversations.id", "conversation_id"),
    reference("messages.id", "message_id", nullable=True),
    Column("terms", Text().with_variant(TSVECTOR, "postgresql"), nullable=False),
    Index("ix_search_entries_conversation_id", "conversation_id"),
    Index("ix_search_entries_message_id", "message_id"),
    # A number is never given twice: what the index has is told by the last one.
    sqlite_autoincrement=True,
)

FULL_TEXT_DDL = {
    "sqlite": (
        # The words come folded: they are told apart by spaces alone, and nothing but their presence is asked for.
        # Beginnings of these lengths are found in order; those of other lengths are collected from all words first.
        """
        CREATE VIRTUAL TABLE search_terms USING fts5(
          terms, content='search_entries', content_rowid='id',
          tokenize='ascii', detail=none, columnsize=0, prefix='1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16')
        """,
        # Words enter the index many entries at a time, see `store.search.index_pending`.
        "CREATE TABLE search_terms_progress (id INTEGER PRIMARY KEY, indexed_until INTEGER NOT NULL)",
        "INSERT INTO search_terms_progress VALUES (1, 0)",
        """
        CREATE TRIGGER search_entries_removed AFTER DELETE ON search_entries
        WHEN old.id <= (SELECT indexed_until FROM search_terms_progress WHERE id = 1) BEGIN
          INSERT INTO search_terms(search_terms, rowid, terms) VALUES ('delete', old.id, old.terms);
        END
        """,
        """
        CREATE TRIGGER search_entries_changed AFTER UPDATE OF terms ON search_entries
        WHEN old.id <= (SELECT indexed_until FROM search_terms_progress WHERE id = 1) BEGIN
          INSERT INTO search_terms(search_terms, rowid, terms) VALUES ('delete', old.id, old.terms);
          INSERT INTO search_terms(rowid, terms) VALUES (new.id, new.terms);
        END
        """,
    ),
    # Without the list of pending words, which every search would read whole.
    "postgresql": (
        "CREATE INDEX ix_search_entries_terms ON search_entries USING gin (terms) WITH (fastupdate = off)",
        # How often the common 5,000 words are said, not only 1,000: of a word that it takes for more common than it is,
        # the server would look for the newest places from the last entry backwards, to the first.
        "ALTER TABLE search_entries ALTER COLUMN terms SET STATISTICS 500",
    ),
}
for _dialect, _statements in FULL_TEXT_DDL.items():
    for _statement in _statements:
        _ddl = DDL(_statement)  # type: ignore[no-untyped-call]
        event.listen(search_entries, "after_create", _ddl.execute_if(dialect=_dialect))
