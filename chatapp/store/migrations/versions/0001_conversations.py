"""Owners, conversations, messages, runs."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    _owners()
    _conversations()
    _messages()
    _runs()
    _idempotency_keys()


def _owners() -> None:
    op.create_table(
        "owners",
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        _time("created_at"),
        _flag("has_memory", default=True),
        sa.PrimaryKeyConstraint("id", name="pk_owners"),
    )


def _conversations() -> None:
    op.create_table(
        "conversations",
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("owner_id", sa.Uuid, nullable=False),
        sa.Column("title", sa.String(200), nullable=False),
        _flag("has_own_title"),
        _time("created_at"),
        _time("updated_at"),
        sa.Column("activity", sa.BigInteger, nullable=False),
        sa.Column("last_seq", sa.Integer, nullable=False),
        sa.Column("head_id", sa.Uuid),
        _flag("is_pinned"),
        _flag("is_archived"),
        _flag("is_summarised", default=True),
        sa.Column("folder", sa.String(100)),
        _time("deleted_at", nullable=True),
        _of("conversations", "owner_id", "owners"),
        sa.PrimaryKeyConstraint("id", name="pk_conversations"),
    )
    order = ["is_archived", "is_pinned", "activity", "id"]
    _index("ix_conversations_list", "conversations", ["owner_id", *order], "deleted_at IS NULL")
    _index(
        "ix_conversations_folder",
        "conversations",
        ["owner_id", "folder", *order],
        "deleted_at IS NULL AND folder IS NOT NULL",
    )
    _index("ix_conversations_activity", "conversations", ["owner_id", "activity"])
    _index("ix_conversations_deleted_at", "conversations", ["deleted_at"], "deleted_at IS NOT NULL")
    op.create_table(
        "conversation_tags",
        sa.Column("conversation_id", sa.Uuid, nullable=False),
        sa.Column("tag", sa.String(50), nullable=False),
        sa.Column("owner_id", sa.Uuid, nullable=False),
        _of("conversation_tags", "conversation_id", "conversations"),
        _of("conversation_tags", "owner_id", "owners"),
        sa.PrimaryKeyConstraint("conversation_id", "tag", name="pk_conversation_tags"),
    )
    _index("ix_conversation_tags_owner_id_tag", "conversation_tags", ["owner_id", "tag"])


def _messages() -> None:
    op.create_table(
        "messages",
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("conversation_id", sa.Uuid, nullable=False),
        sa.Column("parent_id", sa.Uuid),
        sa.Column("seq", sa.Integer, nullable=False),
        sa.Column("role", sa.String(16), nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("html", sa.Text),
        sa.Column("html_version", sa.Integer),
        sa.Column("state", sa.String(16), nullable=False),
        _time("created_at"),
        sa.Column("model", sa.String(200)),
        sa.Column("rating", sa.String(4)),
        _flag("is_pinned"),
        sa.Column("prompt_tokens", sa.BigInteger),
        sa.Column("completion_tokens", sa.BigInteger),
        sa.Column("cached_tokens", sa.BigInteger),
        sa.Column("reasoning_tokens", sa.BigInteger),
        sa.Column("is_estimated", sa.Boolean),
        sa.Column("cost_usd_micros", sa.BigInteger),
        sa.Column("elapsed_ms", sa.Integer),
        sa.Column("first_token_ms", sa.Integer),
        sa.Column("finish_reason", sa.String(20)),
        sa.Column("error_code", sa.String(50)),
        sa.Column("remarks", sa.JSON),
        _of("messages", "conversation_id", "conversations"),
        _of("messages", "parent_id", "messages"),
        sa.PrimaryKeyConstraint("id", name="pk_messages"),
        sa.UniqueConstraint("conversation_id", "seq", name="uq_messages_conversation_id_seq"),
    )
    _index("ix_messages_parent_id_seq", "messages", ["parent_id", "seq"])
    _index("ix_messages_first", "messages", ["conversation_id", "parent_id", "seq"], "parent_id IS NULL")
    _index("ix_messages_pinned", "messages", ["conversation_id", "seq"], "is_pinned")


def _runs() -> None:
    op.create_table(
        "runs",
        sa.Column("message_id", sa.Uuid, nullable=False),
        sa.Column("conversation_id", sa.Uuid, nullable=False),
        sa.Column("worker_id", sa.Uuid, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        _flag("is_stop_requested"),
        _of("runs", "message_id", "messages"),
        _of("runs", "conversation_id", "conversations"),
        sa.PrimaryKeyConstraint("message_id", name="pk_runs"),
    )
    _index("ix_runs_worker_id", "runs", ["worker_id"])
    _index("ix_runs_conversation_id", "runs", ["conversation_id"])
    op.create_table(
        "workers",
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("beat", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_workers"),
    )


def _idempotency_keys() -> None:
    op.create_table(
        "idempotency_keys",
        sa.Column("owner_id", sa.Uuid, nullable=False),
        sa.Column("key", sa.String(200), nullable=False),
        sa.Column("body_hash", sa.String(64), nullable=False),
        sa.Column("message_id", sa.Uuid, nullable=False),
        _time("created_at"),
        _of("idempotency_keys", "owner_id", "owners"),
        _of("idempotency_keys", "message_id", "messages"),
        sa.PrimaryKeyConstraint("owner_id", "key", name="pk_idempotency_keys"),
    )
    _index("ix_idempotency_keys_created_at", "idempotency_keys", ["created_at"])
    _index("ix_idempotency_keys_message_id", "idempotency_keys", ["message_id"])


def _time(name: str, *, nullable: bool = False) -> sa.Column[Any]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def _flag(name: str, *, default: bool = False) -> sa.Column[Any]:
    return sa.Column(name, sa.Boolean, nullable=False, server_default=sa.true() if default else sa.false())


def _of(table: str, column: str, target: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [f"{target}.id"], name=f"fk_{table}_{column}", ondelete="CASCADE")


def _index(name: str, table: str, columns: list[str], where: str | None = None) -> None:
    condition = None if where is None else sa.text(where)
    op.create_index(name, table, columns, sqlite_where=condition, postgresql_where=condition)
