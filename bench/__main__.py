"""Measures what a relayed token costs, and prints the tables: `python -m bench`; `python -m bench store`: the store."""

import argparse
import shlex
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import FrameType

import msgspec

from bench.processes import pss_mb, raise_open_files, session_pids
from bench.report import render_report
from bench.results import Results, Start
from bench.scenarios import (
    FULL,
    QUICK,
    ClientFailed,
    Run,
    Scenario,
    direct_target,
    measure,
    new_folder,
    target_of,
    warm,
)
from bench.servers import NGINX, SUBJECTS, Companion, Server, ServerFailed, Subject, nginx_binary
from bench.store import command

START = "start"
_FULL_ROUNDS = 3
_FULL_STARTS = 5
_SETTLE_S = 1.0  # the first worker may answer before the second one is there
_OPEN_FILES = 16384  # if one worker takes all of 5,000 streams, it has two sockets for each


class Bench:
    """The parts that every measurement shares: the upstream, the leash, a folder, and what was found so far."""

    def __init__(self, *, upstream: Companion, leash: Companion, folder: Path, results: Results) -> None:
        self._upstream = upstream
        self._upstream_port = int(upstream.output.readline())
        self._leash = leash
        self._folder = folder
        self._servers_made = 0
        self.results = results

    def measure_starts(self, subject: Subject, *, times: int) -> None:
        """Start the subject alone, again and again; weigh the last one, idle and after some requests."""
        start = Start(subject=subject.name)
        for number in range(times):
            say(f"start {number + 1}/{times}: {subject.name}")
            with ExitStack() as stack:
                server = self._find_server(stack, subject)
                if server is None:
                    return
                start.ready_s.append(server.ready_s)
                start.ready_cpu_s.append(server.ready_cpu_s)
                if number + 1 == times:
                    time.sleep(_SETTLE_S)
                    start.idle_pss_mb = pss_mb(server.session_id)
                    self._warm(server)
                    start.warm_pss_mb = pss_mb(server.session_id)
        self.results.starts.append(start)

    def measure_rounds(self, subjects: Sequence[Subject], scenarios: dict[str, Scenario], *, rounds: int) -> None:
        """Start all subjects, then go round: each scenario against one after the other, so that drifts hit all."""
        with ExitStack() as stack:
            started = [self._find_server(stack, subject) for subject in subjects]
            servers = [server for server in started if server is not None]
            for server in servers:
                self._warm(server)
                # For those who want to look into one of them while it works.
                say(f"{server.subject.name}: processes {', '.join(map(str, session_pids(server.session_id)))}")
            for number in range(rounds):
                for name, scenario in scenarios.items():
                    say(f"round {number + 1}/{rounds}: {name}")
                    self._measure_all(name, scenario, servers)

    def _find_server(self, stack: ExitStack, subject: Subject) -> Server | None:
        """Start a server that ends with the stack; None, and a trouble to report, when it does not start."""
        self._servers_made += 1
        folder = new_folder(self._folder, f"{self._servers_made}-{subject.name}")
        try:
            server = Server(subject, upstream_port=self._upstream_port, folder=folder, leash=self._leash.input)
        except ServerFailed as exc:
            self._report(str(exc))
            return None
        return stack.enter_context(server)

    def _warm(self, server: Server) -> None:
        if trouble := warm(server):
            self._report(trouble)

    def _report(self, trouble: str) -> None:
        if trouble not in self.results.troubles:
            self.results.troubles.append(trouble)

    def _measure_all(self, name: str, scenario: Scenario, servers: Sequence[Server]) -> None:
        targets = [target_of(server, scenario) for server in servers if server.subject.name in scenario.subjects]
        if scenario.is_timed_directly:
            targets.insert(0, direct_target(self._upstream_port, scenario))
        for target in targets:
            run = measure(
                name,
                scenario,
                target,
                upstream_port=self._upstream_port,
                upstream_session=self._upstream.session_id,
            )
            self.results.runs.append(run)
            say(_line(run))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what is asked for, print the report. Return 1 when something broke, else 0, however slow it was."""
    arguments = sys.argv[1:] if arguments is None else arguments
    if arguments[:1] == ["store"]:
        return command.main(arguments[1:])
    options = read_options(arguments)
    results = Results(
        command=shlex.join(["python", "-m", "bench", *arguments]),
        scenarios=dict(QUICK if options.quick else FULL),
    )
    if (limit := raise_open_files(_OPEN_FILES)) < _OPEN_FILES:
        results.notes.append(f"Only {limit} open files are allowed; {_OPEN_FILES} were wanted.")
    subjects = [subject for subject in SUBJECTS if subject.name in options.subjects]
    if NGINX in subjects and nginx_binary() is None:
        subjects.remove(NGINX)
        results.notes.append("nginx was not found (Debian: nginx-light), so there is no ratio to it.")
    with _bench(results) as bench:
        try:
            _measure_everything(bench, subjects, options)
        except (ServerFailed, ClientFailed) as exc:
            results.troubles.append(str(exc))
    if options.json:
        Path(options.json).write_bytes(msgspec.json.format(msgspec.json.encode(results)))
    print(render_report(results))
    return 1 if results.is_broken else 0


def _measure_everything(bench: Bench, subjects: Sequence[Subject], options: argparse.Namespace) -> None:
    asked = options.only or [START, *FULL]
    if START in asked:
        # What is kept is kept by the same server.
        for subject in [subject for subject in subjects if not subject.is_kept]:
            bench.measure_starts(subject, times=1 if options.quick else _FULL_STARTS)
    chosen = {name: scenario for name, scenario in bench.results.scenarios.items() if name in asked}
    paced = {name: scenario for name, scenario in chosen.items() if not scenario.is_memory_watched}
    if paced:
        bench.measure_rounds(subjects, paced, rounds=options.rounds or (1 if options.quick else _FULL_ROUNDS))
    for name, scenario in chosen.items():
        if scenario.is_memory_watched:
            # Each alone and fresh: pages shared with another server would be counted by half.
            for subject in subjects:
                if subject.name in scenario.subjects:
                    bench.measure_rounds([subject], {name: scenario}, rounds=1)


def read_options(arguments: Sequence[str]) -> argparse.Namespace:
    """Read the command line; a scenario or subject that does not exist ends with one line that names it."""
    names = [subject.name.replace(" ", "-") for subject in SUBJECTS]
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a look in under a minute; too short for a record")
    parser.add_argument("--rounds", type=int, help=f"rounds of each scenario (default {_FULL_ROUNDS}, quick 1)")
    parser.add_argument("--only", type=_list_of([START, *FULL]), help=f"of {', '.join([START, *FULL])}")
    parser.add_argument("--subjects", type=_list_of(names), default=names, help=f"of {', '.join(names)}")
    parser.add_argument("--json", metavar="FILE", help="also write every measured value here")
    options = parser.parse_args(arguments)
    options.subjects = [name.replace("-", " ") for name in options.subjects]
    return options


def say(text: str) -> None:
    """Tell how far it is, beside the report."""
    print(text, file=sys.stderr, flush=True)


def _list_of(allowed: Sequence[str]) -> Callable[[str], list[str]]:
    """Return the reader of an argument that holds names of `allowed` with commas between them."""

    def read(text: str) -> list[str]:
        names = text.split(",")
        unknown = [name for name in names if name not in allowed]
        if unknown:
            raise argparse.ArgumentTypeError(f"no such name: {', '.join(unknown)}")
        return names

    return read


@contextmanager
def _bench(results: Results) -> Iterator[Bench]:
    """Start the companions; whatever happens, nothing that was started stays."""
    signal.signal(signal.SIGTERM, _leave)
    with (
        tempfile.TemporaryDirectory(prefix="chatapp-bench-") as folder,
        Companion("leash") as leash,
        Companion("upstream") as upstream,
    ):
        yield Bench(upstream=upstream, leash=leash, folder=Path(folder), results=results)


def _leave(number: int, _: FrameType | None) -> None:
    raise SystemExit(128 + number)


def _line(run: Run) -> str:
    load = run.load
    return (
        f"  {run.subject:8} {load.complete}/{load.requests} complete in {load.wall_s:.1f} s, "
        f"{run.us_per_token:.1f} us/token, {run.cpu_ms_per_request:.2f} ms/request, "
        f"first token {load.first_token.p50:.2f}/{load.first_token.p99:.2f} ms, "
        f"lag {load.lag.p50:.2f}/{load.lag.p99:.2f}/{load.lag.max:.0f} ms, {run.cores_busy:.2f} cores busy"
        + (f"; {load.failures} {load.example}" if load.failures else "")
    )


if __name__ == "__main__":
    sys.exit(main())
