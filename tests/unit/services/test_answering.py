"""The pipeline from question to events, with a provider that says what it is told."""

from datetime import date

import pytest

from chatapp.core.chat import ChatRequest, Message
from chatapp.core.events import Block, Failed, Finished, Started, TextDelta, Usage
from chatapp.core.models import Model
from chatapp.core.own_servers import Own
from chatapp.errors import BadInput, PayloadTooLarge, ProviderError
from chatapp.services.answering import Answering, Question
from chatapp.services.guarding import Limits
from chatapp.services.model_directory import ModelDirectory
from tests.unit.services.scripted import FakeClock, LetterCounter, ScriptedProvider, texts_of

LIMITS = Limits(first_token_timeout_s=10, stall_timeout_s=5, answer_timeout_s=60, max_answer_chars=1000)
KNOWN = [
    Model(id="demo", name="Demo", provider="demo", context_window=100),
    Model(id="old", name="Old", provider="openai", retires_on=date(2026, 1, 1), successor="new"),
    Model(id="new", name="New", provider="openai"),
    Model(id="odd", name="Odd", provider="nobody"),
]
HI = Message("user", "Hi")
OWN = Own(open_key=lambda: "sk-own")
ANSWER = (Started("m"), TextDelta("Hel"), TextDelta("lo"), Finished("stop"))


def answering_with(provider: ScriptedProvider) -> Answering:
    directory = ModelDirectory(
        {model.id: model for model in KNOWN},
        catalog_default="new",
        is_configured=False,
        is_openai_itself=True,
        today=lambda: date(2026, 6, 1),
    )
    return Answering(
        directory=directory,
        providers={"demo": provider, "openai": provider},
        counter=LetterCounter(),
        limits=LIMITS,
        clock=FakeClock(),
    )


def test_an_answer_goes_through_the_whole_pipeline() -> None:
    """Guarded and metered, whatever door it leaves by."""
    provider = ScriptedProvider(*ANSWER)

    answer = answering_with(provider).start(Question(messages=(HI,), temperature=0.5, max_tokens=20))
    events = list(answer.events)

    assert provider.asked == [(ChatRequest(messages=(HI,), model="demo", temperature=0.5, max_tokens=20), None)]
    assert texts_of(events) == answer.meter.text == "Hello"
    assert isinstance(events[-2], Usage)
    assert events[-1] == Finished("stop")
    assert (answer.model.id, answer.notices, answer.omitted_messages) == ("demo", (), 0)


def test_nothing_happens_before_the_first_event_is_asked_for() -> None:
    """An answer that is refused at the door must not have been paid for."""
    provider = ScriptedProvider(ProviderError("It was asked."))

    answer = answering_with(provider).start(Question(messages=(HI,)))

    assert answer.meter.usage is None
    assert isinstance(next(answer.events), Failed)


def test_the_persons_own_key_goes_to_the_provider_and_opens_its_models() -> None:
    """It is used for this one request, so it must arrive."""
    provider = ScriptedProvider(*ANSWER)

    answer = answering_with(provider).start(Question(messages=(HI,), model="new", own=OWN))

    assert texts_of(answer.events) == "Hello"
    assert [(request.model, key) for request, key in provider.asked] == [("new", "sk-own")]


def test_a_retired_model_is_answered_for_and_the_person_is_told() -> None:
    """Another model may answer otherwise, and at another price."""
    provider = ScriptedProvider(*ANSWER)

    answer = answering_with(provider).start(Question(messages=(HI,), model="old", own=OWN))
    list(answer.events)

    assert provider.asked[0][0].model == answer.model.id == "new"
    assert answer.notices == ("old was retired on 2026-01-01; new answers instead.",)


def test_what_does_not_fit_the_window_stays_behind_and_is_counted() -> None:
    """The person sees that the model no longer knows how it began."""
    provider = ScriptedProvider(*ANSWER)
    messages = (Message("user", "x" * 60), Message("assistant", "y"), HI)

    answer = answering_with(provider).start(Question(messages=messages))
    list(answer.events)

    assert answer.omitted_messages == 2
    assert provider.asked[0][0].messages == (HI,)
    assert answer.meter.usage is not None
    assert answer.meter.usage.prompt_tokens == len("Hi") + 4 + 3


def test_a_message_longer_than_the_window_is_refused() -> None:
    """Before the provider does it."""
    provider = ScriptedProvider(*ANSWER)

    with pytest.raises(PayloadTooLarge) as caught:
        answering_with(provider).start(Question(messages=(Message("user", "x" * 100),)))

    assert caught.value.code == "context_too_long"
    assert provider.asked == []


@pytest.mark.parametrize("model", ["odd", "nonsense", "new"], ids=["no-provider", "unknown", "no-key"])
def test_a_model_that_nobody_can_ask_is_refused(model: str) -> None:
    """With a code that says that another model would do."""
    with pytest.raises(BadInput) as caught:
        answering_with(ScriptedProvider()).start(Question(messages=(HI,), model=model))

    assert caught.value.code == "model_unavailable"
    assert model in caught.value.message


def test_a_rendered_answer_has_blocks_beside_its_text() -> None:
    """Text for programs and HTML for pages come from one run."""
    provider = ScriptedProvider(Started("m"), TextDelta("*a*\n\nb"), Finished("stop"))

    answer = answering_with(provider).start(Question(messages=(HI,), is_rendered=True))
    events = list(answer.events)

    blocks = [event for event in events if isinstance(event, Block)]
    assert [block.index for block in blocks] == [0, 1]
    assert "<em>a</em>" in blocks[0].html
    assert blocks[-1].rest == ""
    assert events.index(blocks[-1]) < len(events) - 1
    assert answer.meter.text == "*a*\n\nb"


@pytest.mark.parametrize("is_rendered", [False, True], ids=["plain", "rendered"])
def test_closing_the_answer_cancels_the_provider(is_rendered: bool) -> None:
    """Through every stage, and the bill is settled."""
    provider = ScriptedProvider(*ANSWER)
    answer = answering_with(provider).start(Question(messages=(HI,), is_rendered=is_rendered))
    next(answer.events)
    next(answer.events)

    answer.events.close()

    assert provider.script.closings == 1
    assert answer.meter.usage is not None
    assert answer.meter.finish_reason == "cancelled"


def test_the_persons_own_key_stays_away_from_other_servers() -> None:
    """A model server on the same machine has no business with a key for OpenAI."""
    provider = ScriptedProvider(*ANSWER)

    list(answering_with(provider).start(Question(messages=(HI,), model="demo", own=OWN)).events)

    assert [key for _, key in provider.asked] == [None]
