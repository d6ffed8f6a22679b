"""What must hold after every hostile request."""

from collections.abc import Iterator

import pytest

from tests.live_server import LiveServer


@pytest.fixture(autouse=True)
def surviving_workers(request: pytest.FixtureRequest) -> Iterator[None]:
    """No request, whatever is in it, ends a worker."""
    names = [name for name in ("site_server", "faulty_site", "listed_site") if name in request.fixturenames]
    servers: list[LiveServer] = [request.getfixturevalue(name) for name in names]
    workers = [server.worker_pids() for server in servers]
    yield
    assert [server.worker_pids() for server in servers] == workers
