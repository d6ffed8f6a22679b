"""What an answer took, however it ended."""

import gevent
import pytest

from chatapp.core.events import SILENCE, Event, Failed, Finished, Started, TextDelta, Usage
from chatapp.core.models import Model
from chatapp.errors import ProviderBusy, ProviderError
from chatapp.services.metering import Meter, metered
from tests.unit.services.scripted import FakeClock, Script, Step

PRICED = Model(id="m", name="m", provider="openai", input_usd_per_million=1.0, output_usd_per_million=10.0)
REPORTED = Usage(prompt_tokens=11, completion_tokens=7, cached_tokens=3, reasoning_tokens=2)
PROMPT_TOKENS = 100


def meter_for(clock: FakeClock, model: Model = PRICED) -> Meter:
    return Meter(model, count_prompt=lambda: PROMPT_TOKENS, count=len, clock=clock)


def play(*steps: Step, clock: FakeClock | None = None) -> tuple[list[Event], Meter]:
    script = Script(*steps)
    meter = meter_for(clock or FakeClock())
    passed = list(metered(script.events(), meter))
    assert script.closings == 1
    return passed, meter


def test_the_providers_own_count_is_what_is_billed() -> None:
    """And it comes just before the end, with its price."""
    passed, meter = play(Started("m"), SILENCE, TextDelta("Hi"), REPORTED, Finished("length"))

    assert passed[:3] == [Started("m"), SILENCE, TextDelta("Hi")]
    usage, finished = passed[3:]
    assert usage == meter.usage
    assert meter.usage is not None
    assert (meter.usage.prompt_tokens, meter.usage.cached_tokens, meter.usage.estimated) == (11, 3, False)
    assert meter.usage.cost_usd_micros == 81
    assert finished == Finished("length")
    assert (meter.finish_reason, meter.error_code, meter.text) == ("length", None, "Hi")


def test_without_the_providers_count_the_texts_are_counted_and_marked() -> None:
    """Many servers report nothing; a guess must not pass for a bill."""
    _, meter = play(Started("m"), TextDelta("Hel"), TextDelta("lo"), Finished("stop"))

    assert meter.usage == Usage(
        prompt_tokens=PROMPT_TOKENS, completion_tokens=5, estimated=True, cost_usd_micros=PROMPT_TOKENS + 50
    )


def test_a_request_that_was_never_accepted_used_nothing() -> None:
    """A refused request costs nothing at the provider either."""
    passed, meter = play(SILENCE, ProviderBusy("Busy."))

    assert meter.usage == Usage(prompt_tokens=0, completion_tokens=0, cost_usd_micros=0)
    assert isinstance(passed[1], Failed)


def test_a_failure_is_told_before_the_figures_and_keeps_the_text() -> None:
    """What the model wrote before it broke off was paid for and is worth reading."""
    error = ProviderError("Broken.", code="upstream_cut")

    passed, meter = play(Started("m"), TextDelta("Half"), error)

    assert passed == [Started("m"), TextDelta("Half"), Failed(error), meter.usage, Finished("error")]
    assert (meter.text, meter.finish_reason, meter.error_code) == ("Half", "error", "upstream_cut")
    assert meter.usage is not None
    assert (meter.usage.completion_tokens, meter.usage.estimated) == (4, True)


def test_a_count_that_came_before_the_failure_is_kept() -> None:
    """The provider knows better than we do."""
    _, meter = play(Started("m"), TextDelta("Half"), REPORTED, ProviderError("Broken."))

    assert meter.usage is not None
    assert (meter.usage.prompt_tokens, meter.usage.estimated) == (11, False)


@pytest.mark.parametrize("has_text", [False, True], ids=["no-text", "text"])
def test_when_the_reader_leaves_what_was_used_is_still_settled(has_text: bool) -> None:
    """The provider bills it all the same."""
    script = Script(Started("m"), TextDelta("Half"), TextDelta("never read"))
    meter = meter_for(FakeClock())
    events = metered(script.events(), meter)
    next(events)
    if has_text:
        next(events)

    events.close()

    assert script.closings == 1
    assert meter.finish_reason == "cancelled"
    assert meter.usage is not None
    assert (meter.usage.prompt_tokens, meter.usage.completion_tokens) == (PROMPT_TOKENS, 4 if has_text else 0)
    assert meter.usage.estimated


def test_a_reader_who_leaves_while_the_model_is_silent_is_settled_too() -> None:
    """The server then ends the waiting itself, from below, and not by closing the answer."""
    script = Script(Started("m"), TextDelta("Half"), gevent.GreenletExit())
    meter = meter_for(FakeClock())

    with pytest.raises(gevent.GreenletExit):
        list(metered(script.events(), meter))

    assert meter.finish_reason == "cancelled"
    assert meter.usage is not None
    assert (meter.usage.completion_tokens, meter.usage.estimated) == (4, True)


def test_times_are_counted_from_the_question_on() -> None:
    """First token and whole answer, in milliseconds; silence and start are no token."""
    clock = FakeClock()

    _, meter = play(
        clock.passes(0.5), Started("m"), SILENCE, clock.passes(1), TextDelta("a"), clock.passes(2), TextDelta("b"),
        Finished("stop"), clock=clock,
    )  # fmt: skip

    assert meter.first_token_ms == pytest.approx(1500)
    assert meter.elapsed_ms == pytest.approx(3500)


def test_an_answer_that_just_ends_is_an_error() -> None:
    """Every answer ends with a reason, also when its source forgot to give one."""
    passed, meter = play(Started("m"), TextDelta("a"))

    assert passed[-1] == Finished("error")
    assert meter.finish_reason == "error"


def test_an_unknown_price_stays_unknown() -> None:
    """Never shown as free."""
    meter = meter_for(FakeClock(), Model(id="l", name="l", provider="ollama"))

    assert meter.settle(REPORTED).cost_usd_micros is None
