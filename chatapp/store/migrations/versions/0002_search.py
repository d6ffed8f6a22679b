"""The search: one entry per title and message, and the index of their words."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from chatapp.core.search_terms import terms_of

revision = "0002"
down_revision = "0001"

BATCH = 500
FULL_TEXT = {
    "sqlite": (
        """
        CREATE VIRTUAL TABLE search_terms USING fts5(
          terms, content='search_entries', content_rowid='id',
          tokenize='ascii', detail=none, columnsize=0, prefix='1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16')
        """,
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
    "postgresql": (
        "CREATE INDEX ix_search_entries_terms ON search_entries USING gin (terms) WITH (fastupdate = off)",
        "ALTER TABLE search_entries ALTER COLUMN terms SET STATISTICS 500",
    ),
}


def upgrade() -> None:
    entries = op.create_table(
        "search_entries",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), autoincrement=True, nullable=False),
        sa.Column("conversation_id", sa.Uuid, nullable=False),
        sa.Column("message_id", sa.Uuid),
        sa.Column("terms", sa.Text().with_variant(postgresql.TSVECTOR, "postgresql"), nullable=False),
        sa.ForeignKeyConstraint(
            ["conversation_id"], ["conversations.id"], name="fk_search_entries_conversation_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["message_id"], ["messages.id"], name="fk_search_entries_message_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_search_entries"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_search_entries_conversation_id", "search_entries", ["conversation_id"])
    op.create_index("ix_search_entries_message_id", "search_entries", ["message_id"])
    connection = op.get_bind()
    for statement in FULL_TEXT[connection.dialect.name]:
        op.execute(statement)
    for batch in _existing(connection):
        rows = [
            {
                "conversation_id": conversation_id,
                "message_id": message_id,
                "terms": " ".join([f"¤{owner_id.hex}", *terms_of(text)]),
            }
            for owner_id, conversation_id, message_id, text in batch
        ]
        connection.execute(sa.insert(entries), rows)
    if connection.dialect.name == "sqlite":
        op.execute("INSERT INTO search_terms(rowid, terms) SELECT id, terms FROM search_entries ORDER BY id")
        op.execute("UPDATE search_terms_progress SET indexed_until = coalesce((SELECT max(id) FROM search_entries), 0)")


def _existing(connection: sa.Connection) -> Iterator[list[Any]]:
    """Yield owner, conversation, message and text of all that was finished before there was a search, oldest first."""
    conversations = sa.table(
        "conversations", sa.column("id", sa.Uuid), sa.column("owner_id", sa.Uuid), sa.column("title", sa.String)
    )
    messages = sa.table(
        "messages",
        sa.column("id", sa.Uuid),
        sa.column("conversation_id", sa.Uuid),
        sa.column("text", sa.Text),
        sa.column("state", sa.String),
    )
    none = sa.cast(sa.null(), sa.Uuid)
    titles = sa.select(conversations.c.id, conversations.c.owner_id, conversations.c.id, none, conversations.c.title)
    texts = (
        sa.select(messages.c.id, conversations.c.owner_id, messages.c.conversation_id, messages.c.id, messages.c.text)
        .join_from(messages, conversations, messages.c.conversation_id == conversations.c.id)
        .where(messages.c.state != "running")
    )
    for found, place in ((titles, conversations.c.id), (texts, messages.c.id)):
        after: UUID | None = None
        while True:
            further = found if after is None else found.where(place > after)
            rows = connection.execute(further.order_by(place).limit(BATCH)).all()
            if not rows:
                break
            yield [tuple(row)[1:] for row in rows]
            after = rows[-1][0]
