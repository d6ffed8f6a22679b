"""The stage that keeps an answer within its limits of time and length."""

import time
from collections.abc import Callable
from contextlib import closing

import msgspec

from chatapp.core.events import Events, Silence, TextDelta
from chatapp.errors import Interrupted, ProviderError, ProviderRejected, ProviderTimeout


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """Units: seconds and characters."""

    first_token_timeout_s: float
    stall_timeout_s: float
    answer_timeout_s: float
    max_answer_chars: int


class Halt:
    """Whether all answers are to end now, because the server stops."""

    is_on = False


def guarded(
    events: Events, limits: Limits, clock: Callable[[], float] = time.monotonic, halt: Halt | None = None
) -> Events:
    """Pass events on until a limit is reached, or the server stops.

    Raises: `ProviderTimeout` (504) while nothing came at all or when the whole answer takes too long,
    `ProviderError` (502) `upstream_stalled` after a pause inside the answer and `answer_too_long`, `Interrupted` (503).
    """
    halt = halt or Halt()
    started_at = clock()
    heard_at: float | None = None
    chars = 0
    with closing(events):
        for event in events:
            if halt.is_on:
                raise Interrupted("The server stopped in the middle of this answer. Ask again in a moment.")
            now = clock()
            if now - started_at > limits.answer_timeout_s:
                raise ProviderTimeout("The answer took too long and was ended.")
            if type(event) is TextDelta:
                heard_at = now
                chars += len(event.text)
                if chars > limits.max_answer_chars:
                    # What still fits is kept; what is over the limit is not worth splitting a delta for.
                    raise ProviderRejected("The answer grew too long and was cut.", code="answer_too_long")
            elif type(event) is Silence and not event.is_alive:
                _check_silence(now, started_at, heard_at, limits)
            else:
                heard_at = now
            yield event


def _check_silence(now: float, started_at: float, heard_at: float | None, limits: Limits) -> None:
    if heard_at is None:
        if now - started_at > limits.first_token_timeout_s:
            raise ProviderTimeout("The model did not begin to answer in time.")
    elif now - heard_at > limits.stall_timeout_s:
        raise ProviderError("The model stopped in mid-answer.", code="upstream_stalled")
