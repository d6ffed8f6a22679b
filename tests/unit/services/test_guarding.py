"""The limits of an answer's time and length."""

import pytest

from chatapp.core.events import SILENCE, THINKING, Event, Finished, Started, TextDelta
from chatapp.errors import ProviderError, ProviderTimeout
from chatapp.services.guarding import Limits, guarded
from tests.unit.services.scripted import FakeClock, Script, Step

LIMITS = Limits(first_token_timeout_s=10, stall_timeout_s=5, answer_timeout_s=60, max_answer_chars=10)
HELLO = TextDelta("Hello")


def play(clock: FakeClock, *steps: Step) -> tuple[list[Event], ProviderError | None]:
    """What came through, and the error that ended it; the source must be closed in any case."""
    script = Script(*steps)
    passed: list[Event] = []
    error: ProviderError | None = None
    try:
        passed.extend(guarded(script.events(), LIMITS, clock))
    except ProviderError as exc:
        error = exc
    assert script.closings == 1
    return passed, error


def test_an_answer_within_its_limits_passes_unchanged() -> None:
    """The guard is no filter."""
    clock = FakeClock()
    steps = [SILENCE, Started("m"), SILENCE, THINKING, HELLO, HELLO, Finished("stop")]

    assert play(clock, *steps) == (steps, None)


@pytest.mark.parametrize(
    ("before", "silent_s", "code", "kind"),
    [
        pytest.param([], 10.1, "upstream_timeout", ProviderTimeout, id="no-answer-at-all"),
        pytest.param([Started("m"), HELLO], 5.1, "upstream_stalled", ProviderError, id="stall"),
        pytest.param([Started("m")], 5.1, "upstream_stalled", ProviderError, id="stall-after-headers"),
    ],
)
def test_a_silence_that_is_too_long_ends_the_answer(
    before: list[Event], silent_s: float, code: str, kind: type[ProviderError]
) -> None:
    """Nobody waits for ever, and what came before is kept."""
    clock = FakeClock()

    passed, error = play(clock, *before, clock.passes(silent_s), SILENCE, HELLO)

    assert passed == before
    assert error is not None
    assert (type(error), error.code) == (kind, code)


@pytest.mark.parametrize(
    ("before", "silent_s"),
    [pytest.param([], 9.9, id="before-the-answer"), pytest.param([Started("m"), HELLO], 4.9, id="in-the-answer")],
)
def test_a_silence_within_the_limit_is_borne(before: list[Event], silent_s: float) -> None:
    """Slow is not broken."""
    clock = FakeClock()

    passed, error = play(clock, *before, clock.passes(silent_s), SILENCE, HELLO)

    assert error is None
    assert passed == [*before, SILENCE, HELLO]


def test_hidden_reasoning_counts_as_a_sign_of_life() -> None:
    """Models that think for minutes send something all the while, only no text."""
    clock = FakeClock()
    thinking = [clock.passes(4), THINKING, clock.passes(4), SILENCE] * 3

    _, error = play(clock, Started("m"), *thinking, HELLO)

    assert error is None


@pytest.mark.parametrize("sign", [HELLO, THINKING, SILENCE], ids=["text", "thinking", "silence"])
def test_no_answer_outlasts_the_whole_limit(sign: Event) -> None:
    """A drip is never silent for long enough to count as a stall."""
    clock = FakeClock()

    _, error = play(clock, Started("m"), *([clock.passes(4.5), THINKING] * 14), sign)

    assert type(error) is ProviderTimeout


def test_an_answer_that_grows_too_long_is_cut() -> None:
    """A model that repeats itself would do so for as long as somebody pays."""
    passed, error = play(FakeClock(), Started("m"), HELLO, HELLO, TextDelta("!"), HELLO)

    assert passed == [Started("m"), HELLO, HELLO]
    assert error is not None
    assert error.code == "answer_too_long"


def test_closing_the_guard_closes_what_is_behind_it() -> None:
    """Else the call upstream would go on without a reader."""
    script = Script(HELLO, HELLO)
    events = guarded(script.events(), LIMITS, FakeClock())
    next(events)

    events.close()

    assert script.closings == 1
