"""Fixtures of the wire tests: how a question is asked, and what must hold after each test."""

from collections.abc import Iterator

import pytest

from tests.live_server import LiveServer
from tests.wire.outcome import SECRET_KEY_PART, AskFaulty, Outcome, ask_with_record
from tests.wire.upstream import CANARY, Upstream


@pytest.fixture(scope="session")
def ask_faulty(faulty_site: LiveServer, upstream: Upstream) -> AskFaulty:
    """Ask the site about one model of the misbehaving upstream."""

    def ask_one(model: str, route: str, *, headers: dict[str, str] | None = None, query: str = "") -> Outcome:
        return ask_with_record(faulty_site, upstream, model, route, headers=headers, query=query)

    return ask_one


@pytest.fixture(scope="session")
def first_workers(faulty_site: LiveServer) -> set[int]:
    return faulty_site.worker_pids()


@pytest.fixture(autouse=True)
def unharmed(request: pytest.FixtureRequest) -> Iterator[None]:
    """After every fault the same workers run, and neither key nor words of the upstream are in the log."""
    if "faulty_site" not in request.fixturenames:
        yield
        return
    site: LiveServer = request.getfixturevalue("faulty_site")
    workers: set[int] = request.getfixturevalue("first_workers")
    said_before = len(site.log())
    yield
    assert site.worker_pids() == workers
    log = site.log()[said_before:]
    assert CANARY not in log
    assert SECRET_KEY_PART not in log
