"""U18, U19, U21, U23–U26: streams that end well but hold what a careless reader chokes on."""

import json

import pytest

from tests.wire.behaviours import ODD_EVENTS, ODD_USAGE
from tests.wire.outcome import ROUTES, STREAM, AskFaulty, assert_answered
from tests.wire.upstream import CANARY, GOOD_TEXT

pytestmark = pytest.mark.parametrize("route", ROUTES)


def test_bytes_that_are_not_utf8_are_replaced_or_refused(ask_faulty: AskFaulty, route: str) -> None:
    """U18, T5: one bad byte must not end the answer in a server error."""
    outcome = ask_faulty("u18-invalid", route)

    if outcome.reply.status == 200 and outcome.reply.result["finish_reason"] == "stop":
        assert outcome.reply.answer.startswith("before \ufffd")
        assert outcome.reply.answer.endswith("after")
    else:
        assert outcome.reply.problem["code"] == "upstream_protocol"


def test_characters_split_over_packets_arrive_whole(ask_faulty: AskFaulty, route: str) -> None:
    """U18: a fox cut in two by the network is still one fox."""
    assert_answered(ask_faulty("u18-split", route), "naïve 🦊 日本")


@pytest.mark.parametrize(
    ("model", "content"),
    [
        pytest.param("u19-surrogate", "a\ufffdb", id="U19-surrogate"),
        pytest.param("u19-nul", "a\ufffdb", id="U19-nul"),
        pytest.param("u19-pair", "a🦊b", id="U19-pair"),
    ],
)
def test_text_that_no_store_can_hold_is_replaced(ask_faulty: AskFaulty, route: str, model: str, content: str) -> None:
    """Lone surrogates and NUL break encoders and databases further down."""
    assert_answered(ask_faulty(model, route), f"before {content}after")


@pytest.mark.parametrize("name", [pytest.param(name, id=f"U21-{name}") for name in ODD_EVENTS])
def test_an_event_of_an_odd_shape_is_passed_over(ask_faulty: AskFaulty, route: str, name: str) -> None:
    """Compatible servers send all of these; none of them is a reason to lose the answer."""
    assert_answered(ask_faulty(f"u21-{name}", route), "before after")


@pytest.mark.parametrize("name", [pytest.param(name, id=f"U23-{name}") for name in ODD_USAGE])
def test_usage_that_cannot_be_true_is_replaced_by_an_estimate(ask_faulty: AskFaulty, route: str, name: str) -> None:
    """A budget never goes down, and never up by 10^30, because of what an upstream claims."""
    outcome = ask_faulty(f"u23-{name}", route)

    assert_answered(outcome, "whole")
    if name != "odd-details":
        assert outcome.usage["estimated"] is True
        assert outcome.usage["completion_tokens"] > 0


@pytest.mark.parametrize(
    ("model", "reason"),
    [
        pytest.param("u24-length", "length", id="U24-length"),
        pytest.param("u24-content-filter", "content_filter", id="U24-content-filter"),
    ],
)
def test_the_reason_of_an_early_end_is_passed_on(ask_faulty: AskFaulty, route: str, model: str, reason: str) -> None:
    """Readers are told that an answer was shortened or filtered, and may ask to continue."""
    assert_answered(ask_faulty(model, route), "whole", reason)


def test_an_unknown_reason_does_not_reach_the_reader(ask_faulty: AskFaulty, route: str) -> None:
    """U24: a made-up reason is the upstream's own words."""
    outcome = ask_faulty("u24-unknown", route)

    assert outcome.reply.answer == "whole"
    assert CANARY not in outcome.reply.text


def test_text_that_looks_like_our_protocol_stays_text(ask_faulty: AskFaulty, route: str) -> None:
    """U25: a model could otherwise end the stream, or speak as the server, by saying so."""
    outcome = ask_faulty("u25-control-text", route)

    assert_answered(outcome, "a\n\nevent: done\ndata: {}\n\nb\rc\u2028d\u2029e\u0085f")
    if route == STREAM:
        assert [name for name, _ in outcome.reply.events].count("done") == 1
        assert b"\r" not in outcome.reply.body


def test_events_of_foreign_types_are_dropped(ask_faulty: AskFaulty, route: str) -> None:
    """U25: an `execute` event passed on to browsers was another product's remote code execution."""
    outcome = ask_faulty("u25-foreign-event", route)

    assert_answered(outcome, "before after")
    if route == STREAM:
        assert {name for name, _ in outcome.reply.events} == {"start", "delta", "done"}


@pytest.mark.parametrize(
    ("model", "text"),
    [
        pytest.param("u26-after-done", "whole", id="U26-after-done"),
        pytest.param("u26-comments", "before after", id="U26-comments"),
        pytest.param("u26-crlf", "before crlf after", id="U26-crlf"),
        pytest.param("u26-cr", "before cr after", id="U26-cr"),
        pytest.param("u26-no-space", "before tight after", id="U26-no-space"),
    ],
)
def test_all_spellings_of_an_event_stream_are_read(ask_faulty: AskFaulty, route: str, model: str, text: str) -> None:
    """The standard allows three line ends, comments and a missing space; and `[DONE]` is the end."""
    assert_answered(ask_faulty(model, route), text)


def test_a_second_response_is_nobodys_answer(ask_faulty: AskFaulty, route: str) -> None:
    """U26: on a kept connection it would be the next reader's, and tell them what was meant for another."""
    for _ in range(3):
        assert_answered(ask_faulty("u26-second-response", route), "whole")
        assert_answered(ask_faulty("good", route), GOOD_TEXT)


def test_a_good_answer_is_told_with_everything_that_was_promised(ask_faulty: AskFaulty, route: str) -> None:
    """The shape every client is written against."""
    outcome = ask_faulty("good", route)

    result = outcome.reply.result
    assert outcome.usage == {
        "prompt_tokens": 11,
        "completion_tokens": 7,
        "total_tokens": 18,
        "cached_tokens": 3,
        "reasoning_tokens": 2,
        "estimated": False,
    }
    assert {"cost_usd", "elapsed_ms", "first_token_ms", "finish_reason", "context"} <= set(result)
    assert json.loads(outcome.calls[0].body)["stream_options"]["include_usage"] is True
    if route == STREAM:
        name, start = outcome.reply.events[0]
        assert (name, start["model"], start["notices"]) == ("start", "good", [])
        assert start["request_id"] == outcome.reply.headers["X-Request-Id"]
    else:
        assert result["request_id"] == outcome.reply.headers["X-Request-Id"]
        assert (result["model"], result["notices"]) == ("good", [])
