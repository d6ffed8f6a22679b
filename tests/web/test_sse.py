"""Answers as server-sent events, byte by byte."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatapp.core.events import SILENCE, THINKING, Block, Failed, Finished, Started, TextDelta
from chatapp.core.models import Model
from chatapp.errors import ProviderBusy
from chatapp.services.answering import Answer
from chatapp.services.metering import Meter, metered
from chatapp.web.sse import HEARTBEAT, encode_answer, encode_delta, encode_event
from tests.unit.services.scripted import FakeClock, Script, Step

MODEL = Model(id="m", name="m", provider="demo", context_window=100)
LINE_ENDS = "\n\r\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029"


def answer_of(clock: FakeClock, *steps: Step) -> Answer:
    meter = Meter(MODEL, count_prompt=lambda: 5, count=len, clock=clock)
    answer = Answer(model=MODEL, notices=("A note.",), omitted_messages=2, meter=meter)
    answer.events = metered(Script(*steps).events(), meter)
    return answer


def encoded(*steps: Step, clock: FakeClock | None = None) -> list[bytes]:
    """The pieces as they are written, heartbeats after 15 s."""
    clock = clock or FakeClock()
    answer = answer_of(clock, *steps)
    return list(encode_answer(answer, next(answer.events), "r1", heartbeat_s=15, clock=clock))


@pytest.mark.parametrize(
    ("text", "data"),
    [
        pytest.param("Hi", b'{"text":"Hi"}', id="plain"),
        pytest.param("a\nb\r\nc", b'{"text":"a\\nb\\r\\nc"}', id="line-ends"),
        pytest.param("\u2028\u2029\x85", b'{"text":"\\u2028\\u2029\\u0085"}', id="other-line-ends"),
        pytest.param('"\\\0', b'{"text":"\\"\\\\\\u0000"}', id="escapes"),
        pytest.param("naïve 🦊", '{"text":"naïve 🦊"}'.encode(), id="unicode"),
        pytest.param("\n\ndata: x", b'{"text":"\\n\\ndata: x"}', id="an-event-in-the-text"),
    ],
)
def test_a_piece_of_text_is_one_event_of_one_line(text: str, data: bytes) -> None:
    """A line end that slips through cuts the event in two for some readers."""
    assert encode_delta(text) == b"event: delta\ndata: " + data + b"\n\n"
    assert encode_delta(text) == encode_event("delta", {"text": text})


@given(st.text(st.characters(exclude_categories=["Cs"]) | st.sampled_from(LINE_ENDS)))
def test_any_text_survives_the_wire(text: str) -> None:
    """Read by the strictest and by the laxest reader alike."""
    wire = encode_delta(text).decode()

    assert wire.endswith("\n\n")
    lines = wire[:-2].splitlines()
    assert [line.partition(": ")[0] for line in lines] == ["event", "data"]
    assert json.loads(lines[1].removeprefix("data: ")) == {"text": text}


def test_an_answer_is_start_pieces_and_done() -> None:
    """The first piece travels with the start: one write, one packet."""
    first, second, done = encoded(Started("m"), TextDelta("Hel"), TextDelta("lo"), Finished("stop"))[1:]

    assert first == encode_delta("Hel")
    assert second == encode_delta("lo")
    name, data = done.decode().rstrip().split("\n")
    assert name == "event: done"
    figures = json.loads(data.removeprefix("data: "))
    assert figures["finish_reason"] == "stop"
    assert figures["usage"]["total_tokens"] == 10
    assert figures["context"] == {"window": 100, "used_tokens": 10, "omitted_messages": 2}


def test_the_start_says_what_is_known_before_the_first_word() -> None:
    """A page shows the notice while the model still thinks."""
    answer = answer_of(FakeClock(), TextDelta("Hi"), Finished("stop"))

    opening = next(encode_answer(answer, next(answer.events), "r1", heartbeat_s=15, clock=FakeClock()))

    start, delta = opening.decode().split("\n\n")[:2]
    assert start.startswith("event: start\ndata: ")
    assert json.loads(start.partition("data: ")[2]) == {
        "request_id": "r1",
        "model": "m",
        "notices": ["A note."],
        "context": {"window": 100, "omitted_messages": 2},
    }
    assert delta.encode() + b"\n\n" == encode_delta("Hi")


def test_a_failure_is_one_event_and_the_figures_still_follow() -> None:
    """What came before it was used and stays on the screen."""
    pieces = encoded(TextDelta("Half"), ProviderBusy("Busy.", retry_after_s=7))

    error, done = (piece.decode() for piece in pieces[1:])
    problem = json.loads(error.partition("data: ")[2])
    assert error.startswith("event: error\n")
    assert (problem["code"], problem["status"], problem["retryable"]) == ("upstream_busy", 429, True)
    assert (problem["request_id"], problem["retry_after"]) == ("r1", 7)
    assert json.loads(done.partition("data: ")[2])["finish_reason"] == "error"


def test_a_block_carries_what_is_not_yet_in_one() -> None:
    """So that a reader never shows a word twice."""
    block = encoded(Block(0, "<p>a</p>", "b"), Finished("stop"))[0].partition(b"event: block\n")[2]

    assert block == b'data: {"index":0,"html":"<p>a</p>","rest":"b"}\n\n'


def test_a_first_silence_opens_the_stream_at_once() -> None:
    """The reader learns that somebody is there."""
    assert encoded(SILENCE, Finished("stop"))[0].endswith(HEARTBEAT)


def test_heartbeats_fill_silence_and_nothing_else() -> None:
    """Every 15 s while nothing is said; a proxy gives up after 60."""
    clock = FakeClock()
    silence = [clock.passes(4), SILENCE, clock.passes(4), THINKING]

    pieces = encoded(TextDelta("a"), *silence * 6, TextDelta("b"), *silence, Finished("stop"), clock=clock)

    beats = [piece for piece in pieces if piece == HEARTBEAT]
    assert len(beats) == 2
    assert pieces.index(encode_delta("b")) == 1 + len(beats)


def test_leaving_the_stream_closes_the_answer() -> None:
    """From the outermost stage to the call upstream."""
    script = Script(Started("m"), TextDelta("a"), TextDelta("b"))
    clock = FakeClock()
    answer = answer_of(clock)
    answer.events = metered(script.events(), answer.meter)
    stream = encode_answer(answer, next(answer.events), "r1", heartbeat_s=15, clock=clock)
    next(stream)

    stream.close()  # type: ignore[attr-defined]  # a generator

    assert script.closings == 1
    assert answer.meter.usage is not None


def test_failed_is_never_left_without_its_end() -> None:
    """`error` is followed by `done`, always; readers wait for it."""
    pieces = encoded(Failed(ProviderBusy("Busy.")), Finished("error"))

    assert pieces[-1].startswith(b"event: done\n")
