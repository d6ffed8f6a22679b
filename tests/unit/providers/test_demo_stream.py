"""The demo as a source of events: order, pace, limits, cancellation."""

import time

import pytest

from chatapp.core.chat import ChatRequest, Message
from chatapp.core.events import Event, Finished, Silence, Started, TextDelta, Usage
from chatapp.providers.demo import DemoProvider
from chatapp.providers.demo.provider import first_tokens, pieces


def count_words(text: str) -> int:
    return len(text.split())


def events_of(text: str, *, max_tokens: int | None = None, pace_s: float = 0.0) -> list[Event]:
    provider = DemoProvider((), count=count_words, pace_s=pace_s)
    return list(provider.stream(request_for(text, max_tokens=max_tokens)))


def request_for(text: str, *, max_tokens: int | None = None) -> ChatRequest:
    return ChatRequest(messages=(Message("user", text),), model="demo", max_tokens=max_tokens)


def text_of(events: list[Event]) -> str:
    return "".join(event.text for event in events if isinstance(event, TextDelta))


def test_an_answer_is_started_text_usage_finished() -> None:
    """The pipeline relies on this order, whoever answers."""
    events = events_of("count to 5")

    assert events[0] == Started("demo")
    assert text_of(events) == "1, 2, 3, 4, 5"
    assert events[-2:] == [Usage(prompt_tokens=3, completion_tokens=5, cost_usd_micros=0), Finished("stop")]
    assert all(isinstance(event, TextDelta) for event in events[1:-2])


def test_nothing_is_done_before_the_first_event_is_asked_for() -> None:
    """A request that is cancelled at once costs nothing: the provider is not even looked at."""
    counted: list[str] = []
    provider = DemoProvider((), count=lambda text: len(counted.append(text) or text), pace_s=0)  # type: ignore[func-returns-value]

    provider.stream(request_for("hello", max_tokens=1))

    assert counted == []


def test_an_answer_comes_in_pieces_of_a_few_words() -> None:
    """People see it being written; a wall of text at once would not show streaming."""
    deltas = [event.text for event in events_of("tell me a long story") if isinstance(event, TextDelta)]

    assert len(deltas) > 100
    assert max(len(delta.split()) for delta in deltas) <= 4


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="nothing"),
        pytest.param("   ", id="spaces"),
        pytest.param("  a  b\n\n c ", id="spaces around"),
        pytest.param("https://example.com/" + "x" * 500, id="a very long word"),
        pytest.param("日本語のテキストには空白がありません。" * 20, id="no spaces at all"),
        pytest.param("one\n\n```\ncode\n```\n", id="code"),
    ],
)
def test_pieces_joined_are_the_text(text: str) -> None:
    """Not a space may be lost: Markdown lives on them."""
    assert "".join(pieces(text)) == text


def test_a_word_without_end_still_comes_in_pieces() -> None:
    """Languages without spaces stream too."""
    assert max(map(len, pieces("日本語" * 100))) <= 4 * 14


def test_max_tokens_cuts_the_answer_and_says_so() -> None:
    """Callers pay by the token and rely on both."""
    events = events_of("count to 50", max_tokens=7)

    assert text_of(events) == "1, 2, 3, 4, 5, 6, 7,"
    assert events[-2:] == [Usage(prompt_tokens=3, completion_tokens=7, cost_usd_micros=0), Finished("length")]


@pytest.mark.parametrize("limit", [1, 2, 3, 10, 99, 100, 101, 1_000])
def test_as_many_tokens_as_allowed_are_given(limit: int) -> None:
    """The cut lies exactly at the limit, not somewhere before it."""
    text = " ".join(f"word{number}" for number in range(100))

    assert count_words(first_tokens(text, limit, count_words)) == min(limit, 100)


def test_an_answer_is_never_empty_even_for_one_token() -> None:
    """An empty answer would read as a fault of the provider."""
    assert first_tokens("word", 1, len) == "w"


def test_closing_the_answer_stops_it() -> None:
    """Who leaves must not keep a worker busy."""
    answer = DemoProvider((), count=count_words, pace_s=0.001).stream(request_for("tell me a long story"))
    next(answer)
    next(answer)

    answer.close()

    assert next(answer, None) is None


def test_a_long_wait_is_broken_by_silence() -> None:
    """The stages behind look at the clock only when something comes by."""
    provider = DemoProvider((), count=count_words, pace_s=0, first_token_s=1.05)

    events = list(provider.stream(request_for("ping")))

    assert [type(event) for event in events] == [Started, Silence, TextDelta, Usage, Finished]


def test_the_pace_is_kept_between_pieces() -> None:
    """The setting does what it says; only a lower bound, since a busy machine may be slower."""
    started_at = time.monotonic()
    events = events_of("count to 20", pace_s=0.004)

    gaps = sum(isinstance(event, TextDelta) for event in events) - 1 + 5
    assert time.monotonic() - started_at >= gaps * 0.004 * 0.9


def test_the_same_conversation_gets_the_same_answer() -> None:
    """Tests, screenshots and "continue" rely on it."""
    assert text_of(events_of("tell me a story")) == text_of(events_of("tell me a story"))
