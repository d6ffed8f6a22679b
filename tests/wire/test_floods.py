"""U22, C3: more than anybody asked for, from either side, costs bounded memory.

One server with one worker, so that its memory tells about the one thing that is going on.
"""

import socket
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.conftest import SHORT_LIMITS, StartServer, wait_for_models
from tests.live_server import LiveServer
from tests.wire.outcome import ROUTES, STREAM, WHOLE, Outcome, ask_with_record, assert_answered, assert_failed
from tests.wire.reader import get, marker
from tests.wire.upstream import GOOD_TEXT, Upstream

GROWTH_LIMIT_BYTES = 50_000_000
WRITE_LIMIT_S = 2


@pytest.fixture(scope="module")
def flooded_site(start_server: StartServer, upstream: Upstream) -> LiveServer:
    env = {**SHORT_LIMITS, "WEB_CONCURRENCY": "1", "OPENAI_BASE_URL": f"{upstream.base_url}/v1"}
    server = start_server({**env, "FIRST_TOKEN_TIMEOUT_S": "5", "ANSWER_TIMEOUT_S": "5"})
    wait_for_models(server)
    return server


@pytest.fixture
def ask_flooded(flooded_site: LiveServer, upstream: Upstream) -> Callable[[str, str], Outcome]:
    """Ask, and check that memory hardly grew, the worker lives and the next reader is served."""

    def ask_one(model: str, route: str) -> Outcome:
        assert_answered(ask_with_record(flooded_site, upstream, "good", route), GOOD_TEXT)
        workers = flooded_site.worker_pids()
        flooded_site.forget_peaks()
        outcome = ask_with_record(flooded_site, upstream, model, route)
        assert flooded_site.peak_growth_bytes() < GROWTH_LIMIT_BYTES
        assert flooded_site.worker_pids() == workers
        assert_answered(ask_with_record(flooded_site, upstream, "good", route), GOOD_TEXT)
        return outcome

    return ask_one


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize(
    "model",
    [
        pytest.param("u22-big-event", id="U22-big-event"),
        pytest.param("u22-endless-line", id="U22-endless-line"),
        pytest.param("u22-endless-comment", id="U22-endless-comment"),
        pytest.param("u22-endless-head", id="U22-endless-head"),
        pytest.param("u22-big-error", id="U22-big-error"),
        pytest.param("u22-gzip-bomb", id="U22-gzip-bomb"),
    ],
)
def test_a_flood_is_cut_off_and_not_kept(ask_flooded: Callable[[str, str], Outcome], route: str, model: str) -> None:
    """T7: the client library alone turned 58 KB of gzip into 287 MB of memory."""
    outcome = ask_flooded(model, route)

    code = outcome.reply.problem["code"]
    assert code in {
        "answer_too_long",
        "upstream_protocol",
        "upstream_error",
        "model_unavailable",
        "upstream_unreachable",
    }
    assert_failed(outcome, code, 400, 502)
    assert len(outcome.reply.body) < 10_000
    assert outcome.calls[-1].over.wait(2)
    if model != "u22-gzip-bomb":  # its 58 KB are gone before anybody could hang up
        assert outcome.calls[-1].left.is_set()


@pytest.mark.parametrize("route", ROUTES)
def test_an_answer_without_end_is_ended_at_the_limit(ask_flooded: Callable[[str, str], Outcome], route: str) -> None:
    """U22: each of a million tiny pieces is harmless, so only their sum can be limited."""
    outcome = ask_flooded("u22-many-events", route)

    assert_failed(outcome, "answer_too_long", 502)
    assert outcome.calls[0].left.wait(2)
    if route == STREAM:
        assert 190_000 <= len(outcome.reply.answer) <= 200_000


def test_events_without_text_hold_nobody_else_up(
    flooded_site: LiveServer, ask_flooded: Callable[[str, str], Outcome]
) -> None:
    """U22: there is no answer to be too long, so time ends it; until then the other readers get theirs."""
    with ThreadPoolExecutor(1) as pool:
        flood = pool.submit(ask_flooded, "u22-endless-nothing", STREAM)
        slowest_s = 0.0
        while not flood.done():
            slowest_s = max(slowest_s, get(flooded_site.base_url, "/health").elapsed_s)

    assert slowest_s < 1
    assert_failed(flood.result(), "upstream_timeout", 504)
    assert flood.result().calls[0].left.wait(2)


def test_a_reader_that_never_reads_is_cut_off(start_server: StartServer, upstream: Upstream) -> None:
    """C3: the answer waits in a bounded place, and not for ever; others are served meanwhile."""
    env = {**SHORT_LIMITS, "WEB_CONCURRENCY": "1", "OPENAI_BASE_URL": f"{upstream.base_url}/v1"}
    site = start_server({**env, "MAX_ANSWER_CHARS": "50000000", "ANSWER_TIMEOUT_S": "60", "STALL_TIMEOUT_S": "30"})
    wait_for_models(site)
    assert_answered(ask_with_record(site, upstream, "good", WHOLE), GOOD_TEXT)
    site.forget_peaks()
    message = marker()
    body = b'{"model": "c3-endless", "message": "%s"}' % message.encode()

    with socket.socket() as reader:
        reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        reader.connect(("127.0.0.1", site.port))
        reader.sendall(
            b"POST /chat/stream HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
            b"Content-Length: %d\r\n\r\n%s" % (len(body), body)
        )
        call = upstream.wait_for_call(message)
        started = time.monotonic()
        other = ask_with_record(site, upstream, "good", STREAM)
        is_cut = call.left.wait(WRITE_LIMIT_S + 3)
        waited_s = time.monotonic() - started

    assert_answered(other, GOOD_TEXT)
    assert other.reply.elapsed_s < 1
    assert is_cut
    assert waited_s > WRITE_LIMIT_S - 0.5
    assert site.peak_growth_bytes() < GROWTH_LIMIT_BYTES
