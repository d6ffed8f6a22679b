"""U8–U10, U27: an upstream that says nothing, or almost nothing, for long.

All waits run at once in the background, started by the first test that needs one.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from tests.wire.outcome import ROUTES, STREAM, AskFaulty, Outcome, assert_answered, assert_failed

# The limits of `SHORT_LIMITS`, and what a busy machine may add.
FIRST_TOKEN_S = STALL_S = 2
WHOLE_ANSWER_S = 6
SLACK_S = 1.5
MODELS = (
    "u08-hang",
    "u09-hang-after-headers",
    "u09-stall",
    "u10-drip",
    "u10-drip-bytes",
    "u10-drip-comments",
    "u10-drip-thoughts",
    "u10-drip-head",
    "u27-gaps",
)

Awaited = Callable[[str, str], Outcome]


@pytest.fixture(scope="module")
def awaited(ask_faulty: AskFaulty) -> Iterator[Awaited]:
    """Return the outcome of one wait; the first use starts them all."""
    with ThreadPoolExecutor(len(MODELS) * len(ROUTES)) as pool:
        pending: dict[tuple[str, str], Future[Outcome]] = {
            (model, route): pool.submit(ask_faulty, model, route) for model in MODELS for route in ROUTES
        }
        yield lambda model, route: pending[model, route].result(30)


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize(
    "model", [pytest.param("u08-hang", id="U8-hang"), pytest.param("u10-drip-head", id="U10-head")]
)
def test_an_upstream_that_never_answers_is_given_up(awaited: Awaited, route: str, model: str) -> None:
    """T8: the client library alone would wait ten minutes, or for ever when bytes drip."""
    outcome = awaited(model, route)

    assert_failed(outcome, "upstream_timeout", 504, is_retryable=True)
    assert FIRST_TOKEN_S - 0.1 <= outcome.reply.elapsed_s < FIRST_TOKEN_S + SLACK_S
    assert len(outcome.calls) == 1
    assert outcome.calls[0].left.wait(1)


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize(
    ("model", "limit_s"),
    [
        pytest.param("u09-hang-after-headers", FIRST_TOKEN_S, id="U9-after-headers"),
        pytest.param("u10-drip-bytes", WHOLE_ANSWER_S, id="U10-bytes"),
        pytest.param("u10-drip-comments", WHOLE_ANSWER_S, id="U10-comments"),
        pytest.param("u10-drip-thoughts", WHOLE_ANSWER_S, id="U10-thoughts"),
    ],
)
def test_headers_alone_are_no_answer(awaited: Awaited, route: str, model: str, limit_s: float) -> None:
    """Bytes that carry no token may keep a connection alive, but not for ever."""
    outcome = awaited(model, route)

    assert outcome.reply.problem["code"] in {"upstream_timeout", "upstream_stalled"}
    assert_failed(outcome, outcome.reply.problem["code"], 502, 504, is_retryable=True)
    assert outcome.reply.elapsed_s < limit_s + SLACK_S
    assert outcome.calls[-1].left.wait(1)
    if route == STREAM:
        assert outcome.reply.heartbeats >= 1


@pytest.mark.parametrize("route", ROUTES)
def test_an_answer_that_stalls_keeps_its_text_and_is_ended(awaited: Awaited, route: str) -> None:
    """U9: after the stall limit the reader gets what there is, and the reason."""
    outcome = awaited("u09-stall", route)

    assert_failed(outcome, "upstream_stalled", 502, 504, is_retryable=True)
    assert outcome.reply.elapsed_s < STALL_S + SLACK_S
    assert outcome.calls[0].left.wait(1)
    if route == STREAM:
        assert outcome.reply.answer == "partial"
        assert outcome.reply.heartbeats >= 1


@pytest.mark.parametrize("route", ROUTES)
def test_an_answer_that_drips_is_ended_by_the_total_limit(awaited: Awaited, route: str) -> None:
    """U10: no pause is ever long enough to count as a stall, so only a total limit ends it."""
    outcome = awaited("u10-drip", route)

    assert_failed(outcome, "upstream_timeout", 504)
    assert WHOLE_ANSWER_S - 0.2 <= outcome.reply.elapsed_s < WHOLE_ANSWER_S + SLACK_S
    assert outcome.calls[0].left.wait(1)
    if route == STREAM:
        assert set(outcome.reply.answer) == {"x"}


def test_while_the_upstream_is_silent_the_reader_hears_a_heartbeat(awaited: Awaited) -> None:
    """U8: the status is held back for one heartbeat, to be an honest 504 if it can; then the stream opens."""
    outcome = awaited("u08-hang", STREAM)

    assert outcome.reply.status == 200
    assert 0.9 <= outcome.reply.head_s < 1 + SLACK_S
    assert outcome.reply.heartbeats >= 1
    assert [name for name, _ in outcome.reply.events][-2:] == ["error", "done"]


@pytest.mark.parametrize("route", ROUTES)
def test_a_model_that_thinks_for_long_completes(awaited: Awaited, route: str) -> None:
    """U27: pauses within the limits are filled with heartbeats and harm nothing."""
    outcome = awaited("u27-gaps", route)

    assert_answered(outcome, "thought through")
    if route == STREAM:
        assert outcome.reply.heartbeats >= 2
