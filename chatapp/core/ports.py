"""What services need of the world outside, as protocols."""

from typing import Protocol

from chatapp.core.chat import ChatRequest
from chatapp.core.events import Events
from chatapp.core.identities import Arrival, Claims, Departure


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

    def model_ids(self, *, api_key: str | None = None, patience_s: float | None = None) -> list[str]:
        """Return the models' names, in the server's order, as it tells them to whoever has `api_key`.

        Units: `patience_s` is the time for all of it. Raises: `ProviderError`.
        """
        ...


class ModelServer(Provider, ModelSource, Protocol):
    """A server that has models and answers with them."""


class ModelServers(Protocol):
    """The model servers that people name."""

    def at(self, base_url: str) -> ModelServer:
        """Return the one at an address of `own_servers.checked_base_url`; nothing is connected to yet."""
        ...


class IdentityProvider(Protocol):
    """Somebody else who can say who a person is; `issuer` is its address and `name` what people call it."""

    issuer: str
    name: str

    def address(self, departure: Departure) -> str:
        """Return where the browser has to go.

        Raises: `IdentityProviderError` (502).
        """
        ...

    def claims(self, departure: Departure, arrival: Arrival) -> Claims:
        """Return who it is that came back with a code.

        Raises: `IdentityProviderError` (502), also for what is not signed as it must be.
        """
        ...
