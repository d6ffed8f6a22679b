"""What must hold after every hostile request."""

from collections.abc import Iterator

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.applications import make_app
from tests.live_server import LiveServer


@pytest.fixture(autouse=True)
def surviving_workers(request: pytest.FixtureRequest) -> Iterator[None]:
    """No request, whatever is in it, ends a worker."""
    names = [name for name in ("site_server", "faulty_site", "listed_site") if name in request.fixturenames]
    servers: list[LiveServer] = [request.getfixturevalue(name) for name in names]
    workers = [server.worker_pids() for server in servers]
    yield
    assert [server.worker_pids() for server in servers] == workers


@pytest.fixture(scope="session")
def app() -> Flask:
    """The product within this process, with the demo answering at once; for what does not depend on a real server."""
    return make_app(demo_pace_ms=0)


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()
