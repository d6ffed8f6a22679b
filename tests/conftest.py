"""What all tests share: running servers, databases, the misbehaving upstream, the browser."""

import os
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from xdist.scheduler import LoadFileScheduling

from chatapp.store.db import Database
from tests.databases import postgresql_copy, prepare_sqlite, prepare_template, running_postgresql, sqlite_copy
from tests.live_server import LiveServer
from tests.wire.behaviours import BEHAVIOURS
from tests.wire.reader import get
from tests.wire.upstream import Upstream

PROVIDER_KEY = "sk-test-canary-0123456789"
SHORT_LIMITS = {
    "OPENAI_API_KEY": PROVIDER_KEY,
    "DEFAULT_MODEL": "good",
    "CONNECT_TIMEOUT_S": "1",
    "FIRST_TOKEN_TIMEOUT_S": "2",
    "STALL_TIMEOUT_S": "2",
    "ANSWER_TIMEOUT_S": "6",
    "HEARTBEAT_S": "1",
    "BODY_TIMEOUT_S": "2",
    "WRITE_TIMEOUT_S": "2",
    "MAX_ANSWER_CHARS": "200000",
}

# First what Playwright switches off itself, since a second list takes the place of its own; then what would give each
# page a process or two more: one to spare, and those of the address bar, which nobody sees here.
CHROMIUM_FEATURES_OFF = (
    "AimEnabled,AvoidCorsURLLoaderRestartOnRedirect,AvoidUnnecessaryBeforeUnloadCheckSync,DestroyProfileOnBrowserClose,"
    "HttpsFirstBalancedModeAutoEnable,HttpsUpgrades,LensOverlay,MediaRouter,NetworkTimeServiceQuerying,"
    "OptimizationHints,PaintHolding,PreconnectToSearch,ThirdPartyStoragePartitioning,"
    "SpareRendererForSitePerProcess,WebUIOmniboxAimPopup,WebUIOmniboxFullPopup,WebUIOmniboxPopup"
)

StartServer = Callable[[dict[str, str]], LiveServer]


class ByServers(LoadFileScheduling):
    """Gives each process whole files, and those of one folder together if they share servers of their own."""

    def _split_scope(self, nodeid: str) -> str:
        return "tests/durability" if nodeid.startswith("tests/durability/") else super()._split_scope(nodeid)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadFileScheduling:
    return ByServers(config, log)


@pytest.fixture(scope="session")
def launch_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StartServer]:
    """Start a server with these settings without waiting for it; all of them are stopped in the end."""
    servers: list[LiveServer] = []

    def launch(env: dict[str, str]) -> LiveServer:
        server = LiveServer(tmp_path_factory.mktemp("server"), env)
        servers.append(server)
        return server

    yield launch
    for server in servers:
        server.stop()


@pytest.fixture(scope="session")
def start_server(launch_server: StartServer) -> StartServer:
    """Start a server with these settings and wait until it answers."""

    def start(env: dict[str, str]) -> LiveServer:
        server = launch_server(env)
        server.wait_until_ready()
        return server

    return start


@pytest.fixture(scope="session")
def site_server(start_server: StartServer) -> LiveServer:
    """The product as it starts for somebody who set nothing up: the demo provider answers."""
    return start_server({})


@pytest.fixture(scope="session")
def site(site_server: LiveServer) -> str:
    """The base URL of `site_server`."""
    return site_server.base_url


@pytest.fixture(scope="session")
def upstream() -> Iterator[Upstream]:
    """A model server whose behaviour is chosen by the model's name."""
    server = Upstream(BEHAVIOURS)
    yield server
    server.close()


@pytest.fixture(scope="session")
def faulty_site(start_server: StartServer, upstream: Upstream) -> LiveServer:
    """The product in front of `upstream`, with limits short enough to be waited for."""
    server = start_server({**SHORT_LIMITS, "OPENAI_BASE_URL": f"{upstream.base_url}/v1"})
    wait_for_models(server)
    return server


@pytest.fixture(scope="session")
def postgresql_url() -> Iterator[str]:
    """The URL of a real PostgreSQL server's first database; starts when a test first asks for it."""
    with running_postgresql() as url:
        prepare_template(url)
        yield url


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A prepared SQLite file to copy."""
    return prepare_sqlite(tmp_path_factory.mktemp("sqlite") / "template.sqlite3")


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of a fresh, prepared database of the test's own: the test runs once on each kind."""
    if request.param == "sqlite":
        yield sqlite_copy(request.getfixturevalue("sqlite_template"), tmp_path)
        return
    with postgresql_copy(request.getfixturevalue("postgresql_url")) as url:
        yield url


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """`database_url`, opened."""
    opened = Database(database_url)
    yield opened
    opened.close()


def wait_for_models(server: LiveServer) -> None:
    """Return when all workers know the upstream's models, which each asks for itself."""
    give_up_at = time.monotonic() + 30
    while server.log().count('"event":"models.found"') < len(server.worker_pids()):
        time.sleep(0.01)
        assert time.monotonic() < give_up_at, "not all workers found the upstream's models"
    assert "u08-hang" in get(server.base_url, "/models").text


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any]) -> dict[str, Any]:
    """Use the Chromium of this machine, and keep it from calling anybody."""
    names = ("chromium", "chromium-browser", "google-chrome")
    found = next((path for path in map(shutil.which, names) if path), None)
    arguments = [
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-default-apps",
        f"--disable-features={CHROMIUM_FEATURES_OFF}",
        "--disable-sync",
        "--no-first-run",
        # A page of a new tab goes on in the process of that tab, where its policy would ask for another.
        "--renderer-process-limit=1",
    ]
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        arguments.append("--no-sandbox")  # Chromium refuses to sandbox for root
    own = {"executable_path": found} if found else {}
    return {**browser_type_launch_args, **own, "args": arguments}
