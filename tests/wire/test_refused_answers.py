"""U4–U7, U11, U16: the upstream refuses, breaks off or sends us away before the first token."""

import json

import pytest

from tests.conftest import PROVIDER_KEY
from tests.live_server import LiveServer
from tests.wire.outcome import ROUTES, STREAM, AskFaulty, assert_answered, assert_failed
from tests.wire.upstream import GOOD_TEXT, Upstream

pytestmark = pytest.mark.parametrize("route", ROUTES)
OWN_KEY = "sk-own-key-of-one-person"


@pytest.mark.parametrize("model", [pytest.param("u04-400", id="U4-400"), pytest.param("u04-404", id="U4-404")])
def test_a_refused_model_is_named_unavailable_and_not_asked_twice(
    ask_faulty: AskFaulty, route: str, model: str
) -> None:
    """A 4xx does not change by asking again; each retry would only cost time."""
    outcome = ask_faulty(model, route)

    assert_failed(outcome, "model_unavailable", 400, 502, is_retryable=False)
    assert len(outcome.calls) == 1


@pytest.mark.parametrize("model", [pytest.param("u05-401", id="U5-401"), pytest.param("u05-403", id="U5-403")])
def test_a_refused_site_key_is_the_operators_matter(
    ask_faulty: AskFaulty, faulty_site: LiveServer, route: str, model: str
) -> None:
    """A 401 would tell browsers that the reader must log in; it is the site's key that is wrong."""
    outcome = ask_faulty(model, route)

    assert_failed(outcome, "provider_auth", 502, is_retryable=False)
    assert len(outcome.calls) == 1
    assert outcome.calls[0].headers["authorization"] == f"Bearer {PROVIDER_KEY}"
    alerts = [json.loads(line) for line in faulty_site.log().splitlines() if "provider.key_refused" in line]
    assert alerts, "the operator is not told"
    assert {alert["level"] for alert in alerts} == {"error"}


@pytest.mark.parametrize("model", [pytest.param("u05-401", id="U5-own-401"), pytest.param("u05-403", id="U5-own-403")])
def test_a_refused_own_key_is_told_to_its_owner(ask_faulty: AskFaulty, route: str, model: str) -> None:
    """Only the person who typed the key can mend it; the site's key is never tried instead."""
    outcome = ask_faulty(model, route, headers={"X-Provider-Key": OWN_KEY})

    assert_failed(outcome, "provider_auth", 502, is_retryable=False)
    assert "your" in outcome.reply.problem["detail"].lower()
    assert "key" in outcome.reply.problem["detail"].lower()
    assert OWN_KEY not in outcome.reply.text
    assert [call.headers["authorization"] for call in outcome.calls] == [f"Bearer {OWN_KEY}"]


@pytest.mark.parametrize(
    ("model", "retry_after"),
    [
        pytest.param("u06-429-7", {7}, id="U6-7"),
        pytest.param("u06-429-86400", range(7, 3601), id="U6-86400"),
        pytest.param("u06-429-garbage", None, id="U6-garbage"),
        pytest.param("u06-429-negative", None, id="U6-negative"),
        pytest.param("u06-429-digits", None, id="U6-5000-digits"),
        pytest.param("u06-429-date", None, id="U6-date"),
    ],
)
def test_a_busy_upstream_never_makes_anybody_wait_past_the_deadline(
    ask_faulty: AskFaulty, route: str, model: str, retry_after: set[int] | range | None
) -> None:
    """Retry-After is the upstream's wish: followed within our own deadline, capped, passed on, never slept out."""
    outcome = ask_faulty(model, route)

    assert_failed(outcome, "upstream_busy", 429, is_retryable=True)
    assert outcome.reply.elapsed_s < 3
    assert 1 <= len(outcome.calls) <= 3
    told = outcome.reply.problem.get("retry_after")
    assert told is None or 0 <= told <= 3600
    if retry_after is not None:
        assert told in retry_after
        if outcome.reply.status == 429:
            assert outcome.reply.headers["Retry-After"] == str(told)


@pytest.mark.parametrize(
    "model", [pytest.param("u06-429-once", id="U6-once"), pytest.param("u11-reset-once", id="U11-once")]
)
def test_one_failure_before_the_first_token_is_mended_unseen(ask_faulty: AskFaulty, route: str, model: str) -> None:
    """A hiccup of the upstream is none of the reader's business while nothing has been shown."""
    outcome = ask_faulty(model, route)

    assert_answered(outcome, GOOD_TEXT)
    assert len(outcome.calls) == 2
    assert outcome.calls[0].body == outcome.calls[1].body


@pytest.mark.parametrize(
    "model",
    [
        pytest.param("u07-500", id="U7-500"),
        pytest.param("u07-502-html", id="U7-502-html"),
        pytest.param("u07-503", id="U7-503"),
    ],
)
def test_a_failing_upstream_is_retried_then_told_in_our_words(ask_faulty: AskFaulty, route: str, model: str) -> None:
    """Someone else's error page, HTML or not, is never shown."""
    outcome = ask_faulty(model, route)

    assert_failed(outcome, "upstream_error", 502, is_retryable=True)
    assert "<" not in outcome.reply.problem["detail"]
    assert 2 <= len(outcome.calls) <= 3


@pytest.mark.parametrize(
    "model", [pytest.param("u11-close", id="U11-close"), pytest.param("u11-reset", id="U11-reset")]
)
def test_a_connection_lost_before_the_headers_is_tried_again(ask_faulty: AskFaulty, route: str, model: str) -> None:
    """A kept-alive connection may die at any time; a second one usually works, a fourth never does."""
    outcome = ask_faulty(model, route)

    assert_failed(outcome, "upstream_unreachable", 502, is_retryable=True)
    assert 2 <= len(outcome.calls) <= 3


@pytest.mark.parametrize("model", [pytest.param("u11-garbage", id="U11-garbage")])
def test_something_that_is_not_http_is_not_shown(ask_faulty: AskFaulty, route: str, model: str) -> None:
    outcome = ask_faulty(model, route)

    assert outcome.reply.problem["code"] in {"upstream_protocol", "upstream_unreachable"}
    assert_failed(outcome, outcome.reply.problem["code"], 502)


@pytest.mark.parametrize("model", ["u16-redirect-301", "u16-redirect-302", "u16-redirect-307", "u16-redirect-308"])
def test_a_redirect_is_not_followed(ask_faulty: AskFaulty, upstream: Upstream, route: str, model: str) -> None:
    """T3: a followed redirect lets an upstream read any address that our machine can reach."""
    outcome = ask_faulty(model, route)

    assert_failed(outcome, "upstream_error", 502)
    assert len(outcome.calls) <= 3
    assert all(call.path != "/internal" for call in upstream.calls)


def test_a_redirect_loop_ends_at_once(ask_faulty: AskFaulty, route: str) -> None:
    """U16: the loop would otherwise run until somebody's deadline."""
    outcome = ask_faulty("u16-loop", route)

    assert_failed(outcome, "upstream_error", 502)
    assert len(outcome.calls) <= 3
    assert outcome.reply.elapsed_s < 3


def test_retries_stop_at_the_first_token(ask_faulty: AskFaulty, route: str) -> None:
    """A second call after shown text would say everything twice and bill it twice."""
    outcome = ask_faulty("u12-reset", route)

    assert len(outcome.calls) == 1
    assert outcome.reply.status == (200 if route == STREAM else 502)
