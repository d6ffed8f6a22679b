"""Conversations as they are kept: a tree of messages, and the branch of it that is shown."""

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

import msgspec

from chatapp.core.events import Usage

MessageRole = Literal["user", "assistant"]
MessageState = Literal["running", "complete", "stopped", "error", "interrupted"]
Rating = Literal["up", "down"]


class Conversation(msgspec.Struct, frozen=True, kw_only=True):
    """One thread. `head_id` is the newest message of the branch that is shown, None while it is empty."""

    id: UUID
    owner_id: UUID
    title: str
    has_own_title: bool
    created_at: datetime
    updated_at: datetime
    activity: int
    head_id: UUID | None
    is_pinned: bool
    is_archived: bool
    is_summarised: bool
    folder: str | None
    deleted_at: datetime | None


class Place(msgspec.Struct, frozen=True, array_like=True):
    """Where a conversation stands in a list: what the list is ordered by, all descending."""

    is_pinned: bool
    activity: int
    id: UUID


class StoredMessage(msgspec.Struct, frozen=True, kw_only=True):
    """One message of a thread.

    `text` of a running answer is what was saved of it so far. Units: milliseconds. `remarks` are what the reader is
    told beside the text: `notices`, `context`, `error`.
    """

    id: UUID
    conversation_id: UUID
    parent_id: UUID | None
    seq: int
    role: MessageRole
    text: str
    html: str | None
    html_version: int | None
    state: MessageState
    created_at: datetime
    model: str | None
    rating: Rating | None
    is_pinned: bool
    usage: Usage | None
    elapsed_ms: int | None
    first_token_ms: int | None
    finish_reason: str | None
    error_code: str | None
    remarks: dict[str, Any]
