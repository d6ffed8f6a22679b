"""`make fuzz`: malformed requests and broken connections by the thousand, on both databases.

Ends with an error when anything came back that should not have.
"""

import argparse
import os
import platform
import random
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.databases import postgresql_copy, prepare_sqlite, prepare_template, running_postgresql
from tests.fuzz.campaign import MOST_FAULTS_SHOWN, Campaign, Tally
from tests.fuzz.pages import pages_of
from tests.live_server import LiveServer
from tests.wire.keyed_upstream import KeyedUpstream

SETTINGS = {
    "OPENAI_API_KEY": "sk-canary-of-the-site-0123456789",
    "DEFAULT_MODEL": "good",
    "TRUSTED_PROXIES": "1",  # each request names another address, or after a few all would be refused
    "FIRST_TOKEN_TIMEOUT_S": "2",
    "STALL_TIMEOUT_S": "2",
    "ANSWER_TIMEOUT_S": "4",
    "BODY_TIMEOUT_S": "2",
}


def main() -> int:
    arguments = _arguments()
    _say(f"seed {arguments.seed}")
    pages, is_clean = pages_of(), True
    machine = f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}"
    report = [
        f"{time.strftime('%Y-%m-%d')}, {machine}, 2 workers, seed {arguments.seed}:",
        "",
        "| Database | What | Sent | 2xx, 3xx | 4xx | 500 | Other 5xx | No answer | Slowest | Faults |",
        "|:--|:--|--:|--:|--:|--:|--:|--:|--:|--:|",
    ]
    for database in arguments.databases:
        with tempfile.TemporaryDirectory(prefix="fuzz-") as folder, _url(database, folder) as url:
            upstream = KeyedUpstream()
            env = {**SETTINGS, "OPENAI_BASE_URL": f"{upstream.base_url}/v1", "DATABASE_URL": url}
            server = LiveServer(Path(folder) / "server", env)
            try:
                server.wait_until_ready()
                campaign = Campaign(server, url, seed=arguments.seed, pages=pages)
                campaign.run(requests=arguments.requests, raw=arguments.raw, say=_say)
                campaign.close()
            finally:
                server.stop()
                upstream.close()
        for what, tally in (("requests", campaign.tally), ("raw bytes", campaign.raw)):
            report.append(_row(database, what, tally))
            is_clean = is_clean and not tally.faults
            for fault in tally.faults[:MOST_FAULTS_SHOWN]:
                _say(fault)
            _say(f"{database}, {what}: {dict(sorted(tally.statuses.items()))}")
        _say(f"{database}: new credentials {campaign.credentials.renewed} times")
    sys.stdout.write("\n".join(report) + "\n")
    return 0 if is_clean else 1


def _row(database: str, what: str, tally: Tally) -> str:
    def count(*begins: str, but: str = "") -> int:
        return sum(number for status, number in tally.statuses.items() if status.startswith(begins) and status != but)

    cells = [
        database,
        what,
        f"{tally.sent:,}",
        f"{count('2', '3'):,}",
        f"{count('4'):,}",
        f"{count('500'):,}",
        f"{count('5', but='500'):,}",
        f"{count('none'):,}",
        f"{tally.slowest_s:.1f} s" if tally.slowest_s else "",
        f"{len(tally.faults):,}",
    ]
    return f"| {' | '.join(cells)} |"


@contextmanager
def _url(database: str, folder: str) -> Iterator[str]:
    if database == "sqlite":
        yield f"sqlite:///{prepare_sqlite(Path(folder) / 'chatapp.sqlite3')}"
        return
    with running_postgresql() as server_url:
        prepare_template(server_url)
        with postgresql_copy(server_url) as url:
            yield url


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--requests", type=int, default=20_000, help="malformed requests on each database")
    parser.add_argument("--raw", type=int, default=4_000, help="broken connections on each database")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(2**32))
    parser.add_argument("--databases", nargs="+", default=["sqlite", "postgresql"], choices=["sqlite", "postgresql"])
    return parser.parse_args()


def _say(what: str) -> None:
    sys.stderr.write(f"{time.strftime('%H:%M:%S')} {what}\n")


if __name__ == "__main__":
    sys.exit(main())
