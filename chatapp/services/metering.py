"""The stage that knows what an answer took: time, tokens, money."""

from collections.abc import Callable
from contextlib import closing

import msgspec

from chatapp.core.events import Events, Failed, Finished, FinishReason, Started, TextDelta, Usage
from chatapp.core.models import Model
from chatapp.core.pricing import cost_usd_micros
from chatapp.errors import AppError


class Meter:
    """The figures of one answer, growing while it is made.

    Units: milliseconds since the answer was asked for. `usage` is None until it is settled; `finish_reason` is
    "cancelled" until the answer ends by itself; `error_code` says why when that is "error".
    """

    def __init__(
        self, model: Model, *, count_prompt: Callable[[], int], count: Callable[[str], int], clock: Callable[[], float]
    ) -> None:
        self._model = model
        self._count_prompt = count_prompt
        self._count = count
        self._clock = clock
        self._started_at = clock()
        self._parts: list[str] = []
        self.is_accepted = False
        self.first_token_ms: float | None = None
        self.usage: Usage | None = None
        self.finish_reason: FinishReason = "cancelled"
        self.error_code: str | None = None

    @property
    def elapsed_ms(self) -> float:
        return (self._clock() - self._started_at) * 1000

    @property
    def text(self) -> str:
        return "".join(self._parts)

    def add(self, text: str) -> None:
        if self.first_token_ms is None:
            self.first_token_ms = self.elapsed_ms
        self._parts.append(text)

    def settle(self, reported: Usage | None) -> Usage:
        """Fix the usage: the provider's own, else what counting the texts gives, marked as an estimate.

        A request that the provider never accepted used nothing.
        """
        if reported is None and self.is_accepted:
            reported = Usage(
                prompt_tokens=self._count_prompt(), completion_tokens=self._count(self.text), estimated=True
            )
        usage = reported or Usage(prompt_tokens=0, completion_tokens=0)
        self.usage = msgspec.structs.replace(usage, cost_usd_micros=cost_usd_micros(usage, self._model))
        return self.usage


def metered(events: Events, meter: Meter) -> Events:
    """Pass events on and end, however the answer ends, with its settled `Usage` and `Finished`.

    An error becomes `Failed` before these two.
    """
    reported: Usage | None = None
    finished = Finished("error")
    failed: Failed | None = None
    try:
        with closing(events):
            for event in events:
                if type(event) is TextDelta:
                    meter.add(event.text)
                    yield event
                elif isinstance(event, Usage):
                    reported = event
                elif isinstance(event, Finished):
                    finished = event
                else:
                    meter.is_accepted = meter.is_accepted or isinstance(event, Started)
                    yield event
    except AppError as exc:
        failed = Failed(exc)
    finally:
        # Also when the reader left: what was used until then is still used.
        usage = meter.settle(reported)
    meter.finish_reason = finished.reason
    if failed is not None:
        meter.error_code = failed.error.code
        yield failed
    yield usage
    yield finished
