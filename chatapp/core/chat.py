"""A chat as the pipeline sees it: who said what, and what is asked of which model."""

from typing import Literal

import msgspec

Role = Literal["system", "user", "assistant"]


class Message(msgspec.Struct, frozen=True):
    """One turn of a conversation."""

    role: Role
    text: str


class ChatRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What one answer is asked for. The last message is the user's.

    Units: `temperature` 0 to 2; `max_tokens` caps the answer. None leaves the choice to the provider.
    """

    messages: tuple[Message, ...]
    model: str
    temperature: float | None = None
    max_tokens: int | None = None
