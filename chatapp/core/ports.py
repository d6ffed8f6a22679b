"""What services need of the world outside, as protocols."""

from typing import Protocol

from chatapp.core.chat import ChatRequest
from chatapp.core.events import Events


class Provider(Protocol):
    """A source of answers."""

    def stream(self, request: ChatRequest, *, api_key: str | None = None) -> Events:
        """Yield `Started`, then `TextDelta`s, at most one `Usage`, and `Finished` last.

        Nothing is sent before the first `next()`; closing the iterator cancels the call upstream. `Silence` comes
        at least every few seconds while there is nothing else to say. `api_key` is the person's own key.
        Raises: `ProviderError` at any point; what was yielded before stays valid.
        """
        ...


class TokenCounter(Protocol):
    """Counts text the way a model does."""

    def count(self, text: str, encoding: str) -> int:
        """Return the tokens of `text`; special-token spellings count as plain text."""
        ...


class ModelSource(Protocol):
    """A server that can say which models it has."""

    def model_ids(self) -> list[str]:
        """Return the models' names, in the server's order.

        Raises: `ProviderError`.
        """
        ...
