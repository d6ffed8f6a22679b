"""What is asked of every server, and the measuring of one run."""

import subprocess
import sys
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec

from bench.checkpoints import beats_of, most_beats
from bench.client import Job, LoadResult
from bench.processes import cpu_s, machine_busy_s, pss_mb
from bench.servers import KEPT, NGINX, OLD_WAY, PRODUCT, ROOT, Server, ServerFailed, ask

DIRECT = "direct"  # the upstream, asked without a server before it
_WARM_UP_TIMES = 20
_WARM_UP_AT_ONCE = 8
_AFTERMATH_S = 0.2  # a server may still close and log when the last byte has arrived
_SAMPLE_S = 2.0  # reading the memory of a big server takes it some milliseconds

_STATELESS = (NGINX.name, PRODUCT.name, OLD_WAY.name)
_ALL = (NGINX.name, PRODUCT.name, KEPT.name, OLD_WAY.name)


class ClientFailed(Exception):
    """The load generator did not come to its end."""


class Scenario(msgspec.Struct, frozen=True, kw_only=True):
    """`requests` answers of `tokens` tokens, `at_once` at any time. Units: `pace_ms` between two tokens of a stream."""

    title: str
    tokens: int
    pace_ms: int
    requests: int
    at_once: int
    ramp_ms: float = 0
    stream: bool = True
    subjects: tuple[str, ...] = _STATELESS
    is_timed_directly: bool = False
    is_memory_watched: bool = False

    @property
    def model(self) -> str:
        return f"bench-{self.tokens}x{self.pace_ms}ms"

    @property
    def expected_s(self) -> float:
        """How long it takes if nothing is late."""
        turns = -(-self.requests // self.at_once)
        return (self.ramp_ms * self.at_once + turns * self.tokens * self.pace_ms) / 1000


FULL: Mapping[str, Scenario] = {
    "relay40": Scenario(
        title="40 streams", tokens=200, pace_ms=20, requests=120, at_once=40, ramp_ms=20, subjects=_ALL
    ),
    "relay200": Scenario(
        title="200 streams", tokens=200, pace_ms=20, requests=400, at_once=200, ramp_ms=10, subjects=_ALL
    ),
    "ttft1": Scenario(
        title="1 stream", tokens=5, pace_ms=2, requests=400, at_once=1, is_timed_directly=True, subjects=_ALL
    ),
    "ttft200": Scenario(
        title="200 streams", tokens=40, pace_ms=50, requests=800, at_once=200, ramp_ms=10, is_timed_directly=True
    ),
    "json": Scenario(title="JSON", tokens=50, pace_ms=0, requests=1000, at_once=16, stream=False),
    "hold5000": Scenario(
        title="5,000 streams",
        tokens=32,
        pace_ms=1000,
        requests=5000,
        at_once=5000,
        ramp_ms=2,
        subjects=(NGINX.name, PRODUCT.name),
        is_memory_watched=True,
    ),
    "hold1000": Scenario(
        title="1,000 streams",
        tokens=32,
        pace_ms=1000,
        requests=1000,
        at_once=1000,
        ramp_ms=2,
        subjects=(PRODUCT.name, KEPT.name),
        is_memory_watched=True,
    ),
}
QUICK: Mapping[str, Scenario] = {
    "relay40": Scenario(title="40 streams", tokens=100, pace_ms=20, requests=40, at_once=40, ramp_ms=10, subjects=_ALL),
    "relay200": Scenario(
        title="200 streams", tokens=100, pace_ms=20, requests=200, at_once=200, ramp_ms=5, subjects=_ALL
    ),
    "ttft1": Scenario(
        title="1 stream", tokens=5, pace_ms=2, requests=60, at_once=1, is_timed_directly=True, subjects=_ALL
    ),
    "ttft200": Scenario(
        title="200 streams", tokens=20, pace_ms=50, requests=300, at_once=200, ramp_ms=5, is_timed_directly=True
    ),
    "json": Scenario(title="JSON", tokens=50, pace_ms=0, requests=200, at_once=16, stream=False),
    "hold5000": Scenario(
        title="1,000 streams",
        tokens=5,
        pace_ms=1000,
        requests=1000,
        at_once=1000,
        ramp_ms=2,
        subjects=(PRODUCT.name,),
        is_memory_watched=True,
    ),
    "hold1000": Scenario(
        title="1,000 streams",
        tokens=5,
        pace_ms=1000,
        requests=1000,
        at_once=1000,
        ramp_ms=2,
        subjects=(PRODUCT.name, KEPT.name),
        is_memory_watched=True,
    ),
}


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """One scenario against one server in one round. The peak of memory is watched in some scenarios only.

    Units: `cores_busy` of the whole machine, `cores_of_others` by what is no part of the bench, both averages.
    `checkpoints_per_s` of the worker that made most of them, None where nothing is kept.
    """

    subject: str
    scenario: str
    load: LoadResult
    cpu_s: float
    idle_pss_mb: float
    peak_pss_mb: float
    upstream_cpu_s: float
    upstream_late_p99_ms: float
    cores_busy: float
    cores_of_others: float
    checkpoints_per_s: float | None = None

    @property
    def us_per_token(self) -> float:
        return self.cpu_s / self.load.tokens * 1e6 if self.load.tokens else 0.0

    @property
    def cpu_ms_per_request(self) -> float:
        return self.cpu_s / self.load.complete * 1e3 if self.load.complete else 0.0


class Target(msgspec.Struct, frozen=True):
    """Where a load goes. No session for the upstream itself, whose cost is nobody's."""

    name: str
    port: int
    session_id: int | None
    path: str
    body: str
    headers: Mapping[str, str] = {}
    database: Path | None = None


def target_of(server: Server, scenario: Scenario) -> Target:
    subject = server.subject
    path = subject.stream_path if scenario.stream else subject.json_path
    body = subject.body(scenario.model, stream=scenario.stream)
    return Target(
        subject.name, server.port, server.session_id, path, body, headers=server.headers, database=server.database
    )


def direct_target(upstream_port: int, scenario: Scenario) -> Target:
    """Return the upstream without a server before it: what every added time is counted from."""
    body = NGINX.body(scenario.model, stream=scenario.stream)
    return Target(DIRECT, upstream_port, None, NGINX.stream_path, body)


def warm(server: Server) -> str | None:
    """Let every worker load what it loads late. Return what went wrong, if anything did.

    Several requests at a time, each on a connection of its own: one after the other might all reach the same worker.
    """
    subject = server.subject
    try:
        headers = server.headers
    except ServerFailed as exc:
        return str(exc)
    asked = [
        *subject.warm_up,
        (subject.json_path, subject.body("bench-50x0ms", stream=False)),
        (subject.stream_path, subject.body("bench-5x2ms", stream=True)),
    ]

    def fault_of(question: tuple[str, str]) -> str | None:
        path, body = question
        try:
            status, answer = ask(server.port, path, body, headers=headers)
        except ServerFailed as exc:
            return f"{subject.name}: {exc}"
        return None if status == 200 else f"{subject.name} answered {status} to POST {path}: {answer[:200]!r}"

    with ThreadPoolExecutor(_WARM_UP_AT_ONCE) as threads:
        faults = list(threads.map(fault_of, asked * _WARM_UP_TIMES))
    return next((fault for fault in faults if fault), None)


def measure(name: str, scenario: Scenario, target: Target, *, upstream_port: int, upstream_session: int) -> Run:
    """Put the scenario's load on the target and return what it cost."""
    job = Job(
        port=target.port,
        path=target.path,
        body=target.body,
        headers=dict(target.headers),
        tokens=scenario.tokens,
        requests=scenario.requests,
        at_once=scenario.at_once,
        ramp_ms=scenario.ramp_ms,
        timeout_s=30 + 3 * scenario.expected_s,
    )
    ask(upstream_port, "/lateness")  # what was late before is not this run's
    session = target.session_id
    idle_mb = pss_mb(session) if session else 0.0
    beats = {} if target.database is None else beats_of(target.database)
    server_s, upstream_s = cpu_s(session) if session else 0.0, cpu_s(upstream_session)
    busy_s, begin = machine_busy_s(), time.monotonic()
    load, peak_mb = _run_client(job, watched=session if scenario.is_memory_watched else None)
    time.sleep(_AFTERMATH_S)
    busy_s, elapsed_s = machine_busy_s() - busy_s, time.monotonic() - begin
    server_s = cpu_s(session) - server_s if session else 0.0
    upstream_s = cpu_s(upstream_session) - upstream_s
    lateness = msgspec.json.decode(ask(upstream_port, "/lateness")[1], type=dict[str, float])
    return Run(
        subject=target.name,
        scenario=name,
        load=load,
        cpu_s=server_s,
        idle_pss_mb=idle_mb,
        peak_pss_mb=max(peak_mb, idle_mb),
        upstream_cpu_s=upstream_s,
        upstream_late_p99_ms=lateness["late_p99_ms"],
        cores_busy=busy_s / elapsed_s,
        checkpoints_per_s=(
            None if target.database is None else most_beats(beats, beats_of(target.database)) / elapsed_s
        ),
        cores_of_others=max(0.0, busy_s - server_s - upstream_s - load.client_cpu_s) / elapsed_s,
    )


def _run_client(job: Job, *, watched: int | None) -> tuple[LoadResult, float]:
    """Run the load generator; return its result and the most memory (MB) that the watched session had meanwhile.

    Raises: `ClientFailed` when it crashes, or outlasts its own timeout and is killed.
    """
    peak_mb = 0.0
    question: bytes | None = msgspec.json.encode(job)
    deadline = time.monotonic() + job.timeout_s + 10
    with subprocess.Popen(
        [sys.executable, "-m", "bench.client"], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as client:
        while True:
            try:
                answer, _ = client.communicate(question, timeout=_SAMPLE_S)
                break
            except subprocess.TimeoutExpired:
                question = None
                if watched is not None:
                    peak_mb = max(peak_mb, pss_mb(watched))
                if time.monotonic() > deadline:
                    client.kill()
    if client.returncode != 0:
        raise ClientFailed(f"the load generator ended with {client.returncode}")
    return msgspec.json.decode(answer, type=LoadResult), peak_mb


def new_folder(parent: Path, name: str) -> Path:
    """Return a new empty folder."""
    folder = parent / name.replace(" ", "-")
    folder.mkdir()
    return folder
