"""Two servers on one database: one with two workers, one with one, all of them strangers to each other."""

import os
import signal
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import psycopg

from tests.databases import run
from tests.durability.readers import Guest
from tests.durability.scripted import MODEL, ScriptedUpstream
from tests.live_server import LiveServer

LEASE_S = 1.2
SETTINGS = {
    "OPENAI_API_KEY": "sk-test-canary-0123456789",
    "DEFAULT_MODEL": MODEL,
    "SECRET_KEY": "one secret for all servers of this database",
    "RUN_LEASE_S": str(LEASE_S),
    "HEARTBEAT_S": "1",
    "GRACEFUL_TIMEOUT_S": "2",
}


@dataclass(frozen=True)
class Pair:
    """Servers `a` and `b` on the database at `url`, in front of `upstream`."""

    url: str
    upstream: ScriptedUpstream
    a: LiveServer
    b: LiveServer

    @property
    def servers(self) -> tuple[LiveServer, LiveServer]:
        return (self.a, self.b)

    @property
    def is_sqlite(self) -> bool:
        return self.url.startswith("sqlite")

    def guest(self) -> Guest:
        return Guest(self.a)

    def wait_until_ready(self) -> None:
        for server in self.servers:
            server.wait_until_ready()

    def stop(self) -> None:
        for server in self.servers:
            server.stop()


def launch_pair(url: str, upstream: ScriptedUpstream, directory: Path, **settings: str) -> Pair:
    """Start two servers on one database without waiting for them."""
    common = {**SETTINGS, "DATABASE_URL": url, "OPENAI_BASE_URL": f"{upstream.base_url}/v1", **settings}
    a = LiveServer(directory / "a", {**common, "WEB_CONCURRENCY": "2", "TZ": "Pacific/Kiritimati"})
    b = LiveServer(directory / "b", {**common, "WEB_CONCURRENCY": "1", "TZ": "America/Adak"})
    return Pair(url, upstream, a, b)


def kill_worker(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)


def worker_that_serves(server: LiveServer, client_port: int) -> int | None:
    """Return the process that holds the other end of a client's connection; None when nobody does any more.

    Source: proc(5), `/proc/net/tcp`: local and remote address in hexadecimal, the inode in the tenth column.
    """
    ends = f":{server.port:04X}", f":{client_port:04X}"
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        columns = line.split()
        if (columns[1][8:], columns[2][8:]) == ends:
            held = f"socket:[{columns[9]}]"
            return next((pid for pid in server.worker_pids() if held in _descriptors_of(pid)), None)
    return None


def _descriptors_of(pid: int) -> set[str]:
    found = set()
    for descriptor in Path(f"/proc/{pid}/fd").iterdir():
        try:
            found.add(str(descriptor.readlink()))
        except FileNotFoundError:
            continue
    return found


def rows(url: str, statement: str) -> list[tuple[object, ...]]:
    """Ask the database itself, past the server."""
    if not url.startswith("sqlite"):
        with psycopg.connect(url) as server:
            return server.execute(statement.encode()).fetchall()
    with closing(sqlite3.connect(url.removeprefix("sqlite:///"), timeout=10)) as connection:
        return connection.execute(statement).fetchall()


def change(url: str, statement: str) -> None:
    """Change something in the database itself, past the server."""
    if not url.startswith("sqlite"):
        run(url, statement)
        return
    with closing(sqlite3.connect(url.removeprefix("sqlite:///"), timeout=10, isolation_level=None)) as connection:
        connection.execute(statement)
