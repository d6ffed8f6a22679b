"""What the tests of durability share: two servers on each kind of database."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.databases import postgresql_copy, sqlite_copy
from tests.durability.pairs import Pair, launch_pair
from tests.durability.readers import Guest
from tests.durability.scripted import ScriptedUpstream


@pytest.fixture(scope="session")
def scripted() -> Iterator[ScriptedUpstream]:
    upstream = ScriptedUpstream()
    yield upstream
    upstream.close()


@pytest.fixture(scope="session", params=["sqlite", "postgresql"])
def pair(
    request: pytest.FixtureRequest, scripted: ScriptedUpstream, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Pair]:
    """Two servers on a database of their own; no test may leave one of them dead."""
    directory: Path = tmp_path_factory.mktemp(request.param)
    if request.param == "sqlite":
        yield from _running(sqlite_copy(request.getfixturevalue("sqlite_template"), directory), scripted, directory)
        return
    with postgresql_copy(request.getfixturevalue("postgresql_url")) as url:
        yield from _running(url, scripted, directory)


def _running(url: str, upstream: ScriptedUpstream, directory: Path) -> Iterator[Pair]:
    pair = launch_pair(url, upstream, directory)
    try:
        pair.wait_until_ready()
        yield pair
    finally:
        pair.stop()


@pytest.fixture
def guest(pair: Pair) -> Guest:
    """Somebody who has no conversation yet."""
    return pair.guest()
