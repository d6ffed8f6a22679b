"""The shapes of what routes answer, for the API's description."""

from datetime import date
from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, UnsetType

from chatapp.core.models import ModelStatus
from chatapp.services.model_directory import Integration


class UsageOut(msgspec.Struct):
    """Tokens of one answer; `estimated` when the provider did not count them."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int
    cached_tokens: int
    reasoning_tokens: int
    estimated: bool


class ContextOut(msgspec.Struct):
    """How full the model's window is, in tokens, and how many old messages had to stay out of it.

    In a conversation that is kept also: how many messages a summary stood for, and the tokens of the memory's facts.
    """

    window: int | None
    used_tokens: int
    omitted_messages: int
    summarised_messages: int | UnsetType = UNSET
    memory_tokens: int | UnsetType = UNSET


class ChatOut(msgspec.Struct, kw_only=True):
    """A whole answer. `html` only with `?render=html`; `cost_usd` is null while the model's price is unknown.

    In a conversation that is kept also: its id and title, the answer's own id, and whether the answer is saved. There,
    `cancelled` says that it was stopped, and `usage` is null if that was before it began.
    """

    text: str
    html: str | UnsetType = UNSET
    model: str
    usage: UsageOut | None
    cost_usd: float | None
    elapsed_ms: float
    first_token_ms: float | None
    finish_reason: Literal["stop", "length", "content_filter", "cancelled"]
    context: ContextOut
    notices: list[str]
    saved: bool | UnsetType = UNSET
    request_id: str
    conversation_id: str | UnsetType = UNSET
    message_id: str | UnsetType = UNSET
    title: str | UnsetType = UNSET


class TokensOut(msgspec.Struct):
    """The size of a text; `estimated` when the model counts in a way of its own."""

    tokens: int
    characters: int
    model: str
    window: int | None
    estimated: bool


class ModelOut(msgspec.Struct):
    """One model; prices in US dollars per million tokens, windows in tokens, null where unknown."""

    id: str
    name: str
    provider: str
    context_window: int | None
    max_output_tokens: int | None
    input_usd_per_million: float | None
    cached_input_usd_per_million: float | None
    output_usd_per_million: float | None
    abilities: list[str]
    status: ModelStatus
    retires_on: date | None
    successor: str | None


class ModelsOut(msgspec.Struct):
    """All models and the id of the one that answers when none is named."""

    default: str
    models: list[ModelOut]


class HealthOut(msgspec.Struct):
    """Whether the server is up, and what it is set up with; never a secret."""

    status: Literal["ok"]
    integration: Integration
    version: str
    default_model: str
    configured: dict[str, bool]


class EndpointOut(msgspec.Struct):
    """One route."""

    method: str
    path: str
    summary: str


class ApiOut(msgspec.Struct):
    """Name, version and routes of this API."""

    name: str
    version: str
    openapi: str
    docs: str
    endpoints: list[EndpointOut]


class Problem(msgspec.Struct):
    """An error as RFC 9457 has it; `code` is stable, `retry_after` is seconds."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    request_id: str
    retryable: bool
    retry_after: int | UnsetType = UNSET


class RunOut(msgspec.Struct):
    """How far an answer is: `position` counts the characters of its text."""

    id: str
    conversation_id: str
    state: Literal["running", "complete", "stopped", "error", "interrupted"]
    position: int


RunEvents = Annotated[
    str,
    msgspec.Meta(
        description=(
            "Server-sent events as of `POST /chat/stream` with a `conversation_id`. `start` says by `position` how "
            "many characters the reader keeps of what it has; it may come a second time, with position 0. The `id` of "
            "each `delta` is the position after it: send the last one as `Last-Event-ID` to go on there."
        )
    ),
]

StreamEvents = Annotated[
    str,
    msgspec.Meta(
        description=(
            "Server-sent events; each `data:` is one JSON object on one line. `start` {request_id, model, notices, "
            "context}; `delta` {text}, any number; `block` {index, html, rest}, only with ?render=html, when a block "
            "of Markdown closes, and while a list or table grows (the same index again replaces it); `error` (a "
            "Problem), at most one; `done` {usage, cost_usd, elapsed_ms, first_token_ms, finish_reason, context, "
            "notices}, always last, unless the reader was signed out, who gets `error` last. A comment is sent in "
            "silence. With a `conversation_id`, `start` also has {run_id, message_id, user_message_id, "
            "conversation_id, title, position}; `progress` {stage} may come before the answer, each `delta` has an "
            "`id`, and `done` has {saved}; see `GET /runs/{run_id}/events`."
        )
    ),
]
