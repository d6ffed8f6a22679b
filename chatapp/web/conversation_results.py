"""The shapes of conversations as routes take and answer them, for the API's description."""

from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, UnsetType

from chatapp.web.results import UsageOut

Tag = Annotated[str, msgspec.Meta(min_length=1, max_length=50)]
Tags = Annotated[list[Tag], msgspec.Meta(max_length=20)]
Title = Annotated[str, msgspec.Meta(max_length=200)]
Folder = Annotated[str, msgspec.Meta(max_length=100)]


class ConversationIn(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """A conversation to make; `fork_of` is a message whose path it begins with."""

    title: Title | None = None
    folder: Folder | None = None
    tags: Tags = []
    fork_of: str | None = None


class ConversationChanges(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """What to change; a title of null is made automatically, a folder of null is none."""

    title: Title | UnsetType | None = UNSET
    pinned: bool | UnsetType = UNSET
    archived: bool | UnsetType = UNSET
    folder: Folder | UnsetType | None = UNSET
    tags: Tags | UnsetType = UNSET
    head_id: str | UnsetType = UNSET
    summarise: bool | UnsetType = UNSET


class MessageChanges(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """What to change of a message; only answers are rated."""

    rating: Literal["up", "down"] | UnsetType | None = UNSET
    pinned: bool | UnsetType = UNSET


class ConversationOut(msgspec.Struct):
    """One conversation; `head_id` is the newest message of the branch that is shown, `running` an answer's run."""

    id: str
    title: str
    has_own_title: bool
    created_at: datetime
    updated_at: datetime
    pinned: bool
    archived: bool
    folder: str | None
    tags: list[str]
    head_id: str | None
    running: str | None
    summarise: bool


class ConversationsOut(msgspec.Struct):
    """Part of a list: pinned ones first, then by last use; `next` is the cursor of the rest."""

    conversations: list[ConversationOut]
    next: str | None


class PartOut(msgspec.Struct):
    """A piece of a text, and whether it is what was looked for."""

    text: str
    match: bool


class MatchOut(msgspec.Struct):
    """A message in which something was found, and the words around it."""

    message_id: str
    role: Literal["user", "assistant"]
    snippet: list[PartOut]


class ResultOut(msgspec.Struct):
    """A conversation in which something was found: in its title, in messages, or both."""

    conversation: ConversationOut
    title: list[PartOut]
    matches: list[MatchOut]


class ResultsOut(msgspec.Struct):
    """Part of what was found, newest first; `next` is the cursor of the rest."""

    results: list[ResultOut]
    next: str | None


class LabelsOut(msgspec.Struct):
    """The names in use, in alphabetical order."""

    folders: list[str]
    tags: list[str]


class MessageOut(msgspec.Struct, kw_only=True):
    """One message. The figures are there for answers only, `html` only with `?render=html`.

    `siblings` are all messages that follow the same parent, itself included.
    """

    id: str
    parent_id: str | None
    role: Literal["user", "assistant"]
    text: str
    state: Literal["running", "complete", "stopped", "error", "interrupted"]
    created_at: datetime
    model: str | None
    rating: Literal["up", "down"] | None
    pinned: bool
    siblings: list[str]
    html: str | UnsetType = UNSET
    usage: UsageOut | UnsetType | None = UNSET
    cost_usd: float | UnsetType | None = UNSET
    elapsed_ms: float | UnsetType | None = UNSET
    first_token_ms: float | UnsetType | None = UNSET
    finish_reason: str | UnsetType | None = UNSET
    error_code: str | UnsetType | None = UNSET
    error: dict[str, Any] | UnsetType | None = UNSET
    notices: list[str] | UnsetType = UNSET
    context: dict[str, Any] | UnsetType | None = UNSET


class SummaryOut(msgspec.Struct):
    """What a model is told in place of the `covers` messages up to and including `until_id`."""

    text: str
    covers: int
    until_id: str
    model: str


class MessagesOut(msgspec.Struct):
    """Part of a path, oldest message first; `more` says that older ones come before."""

    messages: list[MessageOut]
    more: bool
    summary: SummaryOut | None
