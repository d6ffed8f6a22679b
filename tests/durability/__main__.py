"""`make durability`: kill servers under writers, many times over, and count what is lost.

Ends with an error when anything was lost, doubled or damaged.
"""

import argparse
import platform
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.databases import postgresql_copy, prepare_sqlite, prepare_template, running_postgresql
from tests.durability.campaign import MOMENTS, WAYS, Campaign
from tests.durability.crowding import WRITERS as CROWD
from tests.durability.crowding import Crowd, crowd
from tests.durability.pairs import Pair, launch_pair
from tests.durability.scripted import ScriptedUpstream
from tests.durability.verifying import Findings, findings_of

KILLS_PER_BATCH = 25
# Of a hundred kills. A whole server takes seconds to come back, a worker a tenth of one.
WEIGHTS = {"worker": 56, **dict.fromkeys(MOMENTS, 8), "reload": 4, "machine": 3, "master": 2, "terminate": 3}


@dataclass
class Result:
    """What the kills on one kind of database came to."""

    database: str
    kills: Counter[str] = field(default_factory=Counter)
    findings: Findings = field(default_factory=Findings)
    elapsed_s: float = 0.0


def main() -> int:
    arguments = _arguments()
    results = []
    busy: Crowd | None = None
    for database in arguments.databases:
        with tempfile.TemporaryDirectory(prefix=f"durability-{database}-") as folder, _url(database, folder) as url:
            upstream = ScriptedUpstream()
            pair = launch_pair(url, upstream, Path(folder))
            try:
                pair.wait_until_ready()
                results.append(_kill_many(pair, database, arguments.kills, arguments.writers, arguments.seed))
                if pair.is_sqlite and arguments.crowd_s:
                    _say(f"{CROWD} writers for {arguments.crowd_s:g} s")
                    busy = crowd(pair, arguments.crowd_s)
            finally:
                pair.stop()
                upstream.close()
                if results and not results[-1].findings.is_clean:
                    _say(f"logs end:\n{pair.a.log()[-3000:]}\n{pair.b.log()[-3000:]}")
    sys.stdout.write(_report(results, busy, arguments) + "\n")
    return int(any(not result.findings.is_clean for result in results) or bool(busy and (busy.refused or busy.missing)))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.durability", description=__doc__)
    parser.add_argument("--kills", type=int, default=500, help="kills on each database")
    parser.add_argument("--writers", type=int, default=20, help="writers at once")
    parser.add_argument("--databases", nargs="+", choices=["sqlite", "postgresql"], default=["sqlite", "postgresql"])
    parser.add_argument("--crowd-s", type=float, default=60, help=f"how long {CROWD} writers crowd SQLite; 0 for not")
    parser.add_argument("--seed", default="1", help="the same seed kills in the same order")
    return parser.parse_args()


@contextmanager
def _url(database: str, folder: str) -> Iterator[str]:
    if database == "sqlite":
        yield f"sqlite:///{prepare_sqlite(Path(folder) / 'chatapp.sqlite3')}"
        return
    with running_postgresql() as server:
        prepare_template(server)
        with postgresql_copy(server) as url:
            yield url


def _kill_many(pair: Pair, database: str, kills: int, writers: int, seed: str) -> Result:
    result = Result(database)
    chance = random.Random(f"{seed} {database}")
    started_at = time.monotonic()
    left = kills
    while left > 0 and result.findings.is_clean:
        campaign = Campaign(pair, writers=writers, seed=f"{seed} {database} {left}")
        with campaign.writing():
            for kind in chance.choices(list(WEIGHTS), list(WEIGHTS.values()), k=min(left, KILLS_PER_BATCH)):
                campaign.kill(kind)
        result.kills.update(campaign.kills)
        result.findings.add(findings_of(campaign))
        left -= KILLS_PER_BATCH
        found = result.findings
        _say(
            f"{database}: {result.kills.total()} kills, {found.acknowledged} acknowledged, "
            f"{len(found.lost)} lost, {len(found.doubled)} doubled, {len(found.wrong)} wrong, "
            f"{time.monotonic() - started_at:.0f} s"
        )
    result.elapsed_s = time.monotonic() - started_at
    return result


def _report(results: list[Result], busy: Crowd | None, arguments: argparse.Namespace) -> str:
    lines = [
        f"Python {platform.python_version()}, {platform.system()} {platform.release()}, seed {arguments.seed}",
        "",
        "| database | kills | acknowledged | lost | doubled | answers checked | interrupted | wrong | time |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for each in results:
        found = each.findings
        lines.append(
            f"| {each.database} | {each.kills.total()} | {found.acknowledged} | {len(found.lost)} | "
            f"{len(found.doubled)} | {found.answers} | {found.interrupted} | {len(found.wrong)} | "
            f"{each.elapsed_s:.0f} s |"
        )
    for each in results:
        kinds = ", ".join(f"{each.kills[kind]} {kind}" for kind in (*MOMENTS, *WAYS) if each.kills[kind])
        lines += ["", f"Kills on {each.database}: {kinds}."]
        lines += [f"- {fault}" for fault in (*each.findings.lost, *each.findings.doubled, *each.findings.wrong)]
    if busy is not None:
        told = f"{busy.written} writes, {len(busy.refused)} refused, {len(busy.missing)} missing"
        lines += ["", f"{CROWD} writers on sqlite for {arguments.crowd_s:g} s: {told}."]
        lines += [f"- {fault}" for fault in (*busy.refused, *busy.missing)]
    return "\n".join(lines)


def _say(text: str) -> None:
    sys.stderr.write(text + "\n")
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main())
