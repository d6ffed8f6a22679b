"""The shapes of what routes answer, for the API's description."""

from datetime import date
from typing import Annotated, Literal

import msgspec

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
    """How full the model's window is, in tokens, and how many old messages had to stay out of it."""

    window: int | None
    used_tokens: int
    omitted_messages: int


class ChatOut(msgspec.Struct, kw_only=True):
    """A whole answer. `html` only with `?render=html`; `cost_usd` is null while the model's price is unknown."""

    text: str
    html: str | msgspec.UnsetType = msgspec.UNSET
    model: str
    usage: UsageOut
    cost_usd: float | None
    elapsed_ms: float
    first_token_ms: float | None
    finish_reason: Literal["stop", "length", "content_filter"]
    context: ContextOut
    notices: list[str]
    request_id: str


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
    retry_after: int | msgspec.UnsetType = msgspec.UNSET


StreamEvents = Annotated[
    str,
    msgspec.Meta(
        description=(
            "Server-sent events; each `data:` is one JSON object on one line. `start` {request_id, model, notices, "
            "context}; `delta` {text}, any number; `block` {index, html, rest}, only with ?render=html, when a block "
            "of Markdown closes, and while a list or table grows (the same index again replaces it); `error` (a "
            "Problem), at most one; `done` {usage, cost_usd, elapsed_ms, first_token_ms, finish_reason, context, "
            "notices}, always last. A comment is sent while nothing happens."
        )
    ),
]
