"""Answering one request: the pipeline that stands behind every door."""

import time
from collections.abc import Callable, Mapping
from functools import partial

import msgspec

from chatapp.core.chat import ChatRequest, Message
from chatapp.core.context_window import Fitted, count_prompt, fit
from chatapp.core.events import Events
from chatapp.core.models import Model
from chatapp.core.own_servers import NOTHING_OWN, Own
from chatapp.core.ports import ModelServers, Provider, TokenCounter
from chatapp.errors import BadInput
from chatapp.services.guarding import Halt, Limits, guarded
from chatapp.services.metering import Meter, metered
from chatapp.services.model_directory import OPENAI, ModelDirectory, Resolved
from chatapp.services.rendering import BlockRenderer, render_blocks


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """What a door asks of the pipeline; `model` None is the default one, `own` what the person brings."""

    messages: tuple[Message, ...]
    model: str | None = None
    temperature: float | None = None
    max_tokens: int | None = None
    own: Own = NOTHING_OWN
    is_rendered: bool = False
    # The messages have been fitted to the model's window already.
    is_fitted: bool = False


class Answer:
    """One answer in the making: iterate `events` to make it, close them to cancel it.

    `events` are those of the provider, guarded and metered: `Started`, `TextDelta`, `Silence`, `Block` (when rendered),
    perhaps `Failed`, then always `Usage` and `Finished`. They never raise for a fault of the provider.
    """

    def __init__(self, *, model: Model, notices: tuple[str, ...], omitted_messages: int, meter: Meter) -> None:
        self.model = model
        self.notices = notices
        self.omitted_messages = omitted_messages
        self.meter = meter
        self.renderer: BlockRenderer | None = None
        self.events: Events


class Answering:
    """The use case: read a question, fit it to the model, ask the provider, guard, meter and render the answer."""

    def __init__(
        self,
        *,
        directory: ModelDirectory,
        providers: Mapping[str, Provider],
        counter: TokenCounter,
        limits: Limits,
        own_servers: ModelServers | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._directory = directory
        self._providers = providers
        self._counter = counter
        self._limits = limits
        self._own_servers = own_servers
        self._clock = clock
        self._halt = Halt()

    def start(self, question: Question) -> Answer:
        """Return the answer, not yet begun: nothing is sent before its first event is asked for.

        Raises: `BadInput` (400 `model_unavailable`), `PayloadTooLarge` (413 `context_too_long`), `Conflict` (409
        `provider_key_unreadable`).
        """
        resolved = self.resolve(question.model, question.own)
        model = resolved.model
        count = partial(self._counter.count, encoding=model.encoding)
        fitted = Fitted(question.messages)
        if not question.is_fitted:
            fitted = fit(question.messages, window=model.context_window, max_tokens=question.max_tokens, count=count)
        meter = Meter(model, count_prompt=lambda: count_prompt(fitted.messages, count), count=count, clock=self._clock)
        answer = Answer(model=model, notices=resolved.notices, omitted_messages=fitted.omitted, meter=meter)
        request = ChatRequest(
            messages=fitted.messages,
            model=resolved.model_id,
            temperature=question.temperature,
            max_tokens=question.max_tokens,
        )
        provider, own_key = self._who_answers(resolved, question.own)
        events = provider.stream(request, api_key=own_key)
        events = metered(guarded(events, self._limits, self._clock, self._halt), meter)
        if question.is_rendered:
            answer.renderer = BlockRenderer()
            events = render_blocks(events, answer.renderer)
        answer.events = events
        return answer

    def interrupt_all(self) -> None:
        """End every answer in the making, as soon as its provider gives a sign of life or of silence."""
        self._halt.is_on = True

    def resolve(self, model: str | None, own: Own = NOTHING_OWN) -> Resolved:
        """Return the model that answers for a name, and what the reader is told of that.

        Raises: `BadInput` (400 `model_unavailable`).
        """
        return self._directory.resolve(model, own)

    def count(self, text: str, model: Model) -> int:
        """Return the tokens of `text` for `model`."""
        return self._counter.count(text, model.encoding)

    def _who_answers(self, resolved: Resolved, own: Own) -> tuple[Provider, str | None]:
        """Return the provider, and the key of the person's own that it is to be asked with.

        A key goes to the server it is for and to no other: not from a server of the person's own to the configured
        one, and never to a server that was found on this machine.
        Raises: `BadInput` (400 `model_unavailable`), `Conflict` (409 `provider_key_unreadable`).
        """
        model = resolved.model
        if resolved.server is not None and self._own_servers is not None:
            return self._own_servers.at(resolved.server.base_url), resolved.server.open_key()
        provider = None if resolved.server is not None else self._providers.get(model.provider)
        if provider is None:
            raise BadInput(f"Nothing here can answer for {model.id!r}.", code="model_unavailable")
        return provider, own.open_key() if model.provider == OPENAI and own.open_key is not None else None
