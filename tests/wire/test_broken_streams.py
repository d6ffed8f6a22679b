"""U12–U15, U17, U20: the stream breaks, ends too early or is no stream at all."""

import pytest

from tests.wire.outcome import ROUTES, STREAM, AskFaulty, assert_answered, assert_failed
from tests.wire.upstream import GOOD_TEXT

pytestmark = pytest.mark.parametrize("route", ROUTES)


@pytest.mark.parametrize(
    ("model", "code"),
    [
        pytest.param("u12-reset", "upstream_cut", id="U12-reset"),
        pytest.param("u12-chunk-cut", "upstream_cut", id="U12-chunk-cut"),
        pytest.param("u12-no-last-chunk", "upstream_cut", id="U12-no-last-chunk"),
        pytest.param("u13-eof", "upstream_truncated", id="U13-eof"),
        pytest.param("u13-mid-event", "upstream_truncated", id="U13-mid-event"),
        pytest.param("u17-malformed-later", "upstream_protocol", id="U17-later"),
        pytest.param("u20-error-later", "upstream_error", id="U20-later"),
    ],
)
def test_a_broken_stream_keeps_its_text_and_says_that_it_broke(
    ask_faulty: AskFaulty, route: str, model: str, code: str
) -> None:
    """T4: taken for complete, half an answer is a wrong answer; and what was said is charged, as an estimate."""
    outcome = ask_faulty(model, route)

    assert_failed(outcome, code, 502, is_retryable=True)
    assert len(outcome.calls) == 1
    if route == STREAM:
        assert outcome.reply.answer == "partial"
        assert outcome.usage["estimated"] is True
        assert outcome.usage["completion_tokens"] > 0
        assert [name for name, _ in outcome.reply.events][-2:] == ["error", "done"]


@pytest.mark.parametrize(
    ("model", "code"),
    [
        pytest.param("u14-empty-body", "empty_response", id="U14-empty-body"),
        pytest.param("u14-done-only", "empty_response", id="U14-done-only"),
        pytest.param("u14-no-content", "empty_response", id="U14-no-content"),
        pytest.param("u15-html", "upstream_protocol", id="U15-html"),
        pytest.param("u17-malformed-first", "upstream_protocol", id="U17-first"),
        pytest.param("u20-error-first", "upstream_error", id="U20-first"),
    ],
)
def test_a_stream_without_an_answer_is_an_error_not_an_empty_bubble(
    ask_faulty: AskFaulty, route: str, model: str, code: str
) -> None:
    """T4, T5: nothing has been shown yet, so the status line itself can tell."""
    outcome = ask_faulty(model, route)

    assert_failed(outcome, code, 502)
    assert 1 <= len(outcome.calls) <= 3


def test_an_error_in_place_of_a_stream_is_an_error(ask_faulty: AskFaulty, route: str) -> None:
    """U15: some servers answer 200 and put the error into the body."""
    outcome = ask_faulty("u15-json-error", route)

    assert outcome.reply.problem["code"] in {"upstream_error", "upstream_protocol"}
    assert_failed(outcome, outcome.reply.problem["code"], 502)


def test_a_whole_completion_in_place_of_a_stream_is_taken_or_refused(ask_faulty: AskFaulty, route: str) -> None:
    """U15: a server that cannot stream is either served as one piece or named as the reason, never an empty answer."""
    outcome = ask_faulty("u15-json", route)

    if outcome.reply.status == 200:
        assert_answered(outcome, GOOD_TEXT)
        assert outcome.usage["estimated"] is False
    else:
        assert_failed(outcome, "upstream_protocol", 502)
