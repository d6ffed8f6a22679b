"""U1–U3: nobody listens, the name is unknown, or the secure connection fails. Each needs a server of its own."""

import socket
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import pytest

from tests.conftest import SHORT_LIMITS, StartServer
from tests.live_server import LiveServer
from tests.wire.behaviours import BEHAVIOURS
from tests.wire.certificate import self_signed_context
from tests.wire.outcome import ROUTES, STREAM, WHOLE, Outcome, ask_with_record, assert_answered, assert_failed
from tests.wire.reader import ask, get
from tests.wire.upstream import GOOD_TEXT, Upstream, bound_socket

BREAKER_PAUSE_S = 10


@dataclass(frozen=True)
class Site:
    """A server and the upstream it should not be able to reach."""

    server: LiveServer
    upstream: Upstream


@pytest.fixture(scope="module")
def sites(
    launch_server: StartServer, upstream: Upstream, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, Site]]:
    """Servers with one unreachable upstream each, started at once."""
    secure = Upstream(BEHAVIOURS, tls=self_signed_context(tmp_path_factory.mktemp("tls")))
    targets = {
        "U2-dns": ("http://no-such-host.invalid", upstream),
        "U3-plain-port": (f"https://127.0.0.1:{upstream.port}", upstream),
        "U3-untrusted": (secure.base_url, secure),
    }
    running = {
        name: Site(launch_server({**SHORT_LIMITS, "WEB_CONCURRENCY": "1", "OPENAI_BASE_URL": f"{url}/v1"}), target)
        for name, (url, target) in targets.items()
    }
    for site in running.values():
        site.server.wait_until_ready()
    yield running
    secure.close()


def ask_site(site: Site, route: str) -> Outcome:
    return ask_with_record(site.server, site.upstream, "good", route)


@pytest.mark.parametrize("route", ROUTES)
def test_an_unknown_host_is_told_soon(sites: dict[str, Site], route: str) -> None:
    """U2: the connect limit, not the answer's, bounds the wait."""
    outcome = ask_site(sites["U2-dns"], route)

    assert_failed(outcome, "upstream_unreachable", 502, is_retryable=True)
    assert outcome.reply.elapsed_s < 6


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("name", ["U3-plain-port", "U3-untrusted"])
def test_a_broken_secure_connection_is_never_replaced_by_an_open_one(
    sites: dict[str, Site], route: str, name: str
) -> None:
    """The key would otherwise go to whoever answers on that address."""
    outcome = ask_site(sites[name], route)

    assert_failed(outcome, "upstream_tls", 502)
    assert outcome.calls == []


def test_looking_up_an_unknown_host_holds_nobody_else_up(sites: dict[str, Site]) -> None:
    """U2: a resolver that blocks would freeze every stream of the worker."""
    site = sites["U2-dns"]

    with ThreadPoolExecutor(4) as pool:
        pending = [pool.submit(ask_site, site, STREAM) for _ in range(4)]
        health = get(site.server.base_url, "/health")
        outcomes = [each.result() for each in pending]

    assert health.elapsed_s < 1
    assert {outcome.reply.problem["code"] for outcome in outcomes} == {"upstream_unreachable"}


@dataclass(frozen=True)
class Revival:
    """What became of questions to an upstream that refuses five times and then comes to life.

    Units: seconds from the last failure to the first answer.
    """

    refused: list[Outcome]
    at_once: Outcome
    healed: Outcome
    healed_after_s: float


@pytest.fixture(scope="module", autouse=True)
def revival(launch_server: StartServer) -> Iterator[Future[Revival]]:
    """Begin the long wait before the other tests of this file, so that they fill it."""
    with ThreadPoolExecutor(1) as pool, bound_socket() as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/v1"
        server = launch_server({**SHORT_LIMITS, "WEB_CONCURRENCY": "1", "OPENAI_BASE_URL": url})
        yield pool.submit(revive, server, listener)


def revive(server: LiveServer, listener: socket.socket) -> Revival:
    server.wait_until_ready()
    refused = [
        Outcome(ask(server.base_url, route, model="good"), [], route) for route in (WHOLE, STREAM, WHOLE, STREAM, WHOLE)
    ]
    failed_at = time.monotonic()
    upstream = Upstream(BEHAVIOURS, listener=listener)
    at_once = ask_with_record(server, upstream, "good", WHOLE)
    while (later := ask_with_record(server, upstream, "good", WHOLE)).reply.status != 200:
        assert time.monotonic() - failed_at < BREAKER_PAUSE_S + 5, later.reply.text
        time.sleep(0.25)
    return Revival(refused, at_once, later, time.monotonic() - failed_at)


def test_an_upstream_that_refuses_is_told_soon_by_both_routes(revival: Future[Revival]) -> None:
    """U1: nobody listens, so nobody waits."""
    for outcome in revival.result(60).refused:
        assert_failed(outcome, "upstream_unreachable", 502, is_retryable=True)
        assert outcome.reply.elapsed_s < 6


def test_after_five_failures_no_connection_is_tried_for_a_while(revival: Future[Revival]) -> None:
    """U1: a dead upstream costs each reader nothing but a message, and a live one is found again."""
    result = revival.result(60)

    assert_failed(result.at_once, "upstream_unreachable", 502, 503, is_retryable=True)
    assert result.at_once.reply.elapsed_s < 0.5
    assert result.at_once.calls == []
    assert_answered(result.healed, GOOD_TEXT)
    assert BREAKER_PAUSE_S / 2 < result.healed_after_s < BREAKER_PAUSE_S + 2
