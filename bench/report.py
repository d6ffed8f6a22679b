"""The tables: what was measured, in Markdown, beside what the project asks of itself."""

import os
import platform
import re
import subprocess
from collections.abc import Callable, Iterable, Sequence
from importlib.metadata import version
from pathlib import Path
from statistics import median

import msgspec

from bench.scenarios import Run, Scenario
from bench.servers import NGINX, OLD_WAY, PRODUCT, nginx_binary

_FULL_MACHINE = 0.95  # of all cores: beyond that, waiting times are the machine's
_LATE_MS = 20


class Start(msgspec.Struct, kw_only=True):
    """How fast each start was, and what the whole server weighs (PSS, MB of 10^6 bytes)."""

    subject: str
    ready_s: list[float] = msgspec.field(default_factory=list)
    ready_cpu_s: list[float] = msgspec.field(default_factory=list)
    idle_pss_mb: float = 0.0
    warm_pss_mb: float = 0.0


class Results(msgspec.Struct, kw_only=True):
    """Everything found. `notes` say what a reader should know, `troubles` what went wrong."""

    command: str
    scenarios: dict[str, Scenario]
    starts: list[Start] = msgspec.field(default_factory=list)
    runs: list[Run] = msgspec.field(default_factory=list)
    notes: list[str] = msgspec.field(default_factory=list)
    troubles: list[str] = msgspec.field(default_factory=list)

    @property
    def is_broken(self) -> bool:
        return bool(self.troubles) or any(run.load.complete < run.load.requests for run in self.runs)

    def runs_of(self, scenario: str, subject: str) -> list[Run]:
        """Return the runs of one scenario against one server, by round; none if it was not asked for."""
        return [run for run in self.runs if (run.scenario, run.subject) == (scenario, subject)]

    def values_of(self, scenario: str, subject: str, value: Callable[[Run], float]) -> list[float]:
        return [value(run) for run in self.runs_of(scenario, subject)]

    def subjects_of(self, scenario: str) -> list[str]:
        """Return the servers that the scenario was run against, in the order of the first round."""
        return list(dict.fromkeys(run.subject for run in self.runs if run.scenario == scenario))


def us_per_token(run: Run) -> float:
    return run.us_per_token


def cpu_ms_per_request(run: Run) -> float:
    return run.cpu_ms_per_request


def ratios(results: Results, scenario: str, subject: str, other: str) -> list[float]:
    """Return, for each round, the CPU per token of one server as a multiple of another's."""
    pairs = zip(
        results.values_of(scenario, subject, us_per_token),
        results.values_of(scenario, other, us_per_token),
        strict=False,
    )
    return [mine / theirs for mine, theirs in pairs if theirs]


def token_and_stream_costs(results: Results, subject: str) -> tuple[list[float], list[float]]:
    """Return, for each round, µs CPU of one more token and ms CPU of a stream beyond its tokens.

    Two lengths of stream give two equations: the long ones of relay40 and the short ones of ttft1.
    """
    marginal_us, stream_ms = [], []
    for long, short in zip(results.runs_of("relay40", subject), results.runs_of("ttft1", subject), strict=False):
        tokens = results.scenarios["relay40"].tokens, results.scenarios["ttft1"].tokens
        per_token_ms = (long.cpu_ms_per_request - short.cpu_ms_per_request) / (tokens[0] - tokens[1])
        marginal_us.append(per_token_ms * 1000)
        stream_ms.append(short.cpu_ms_per_request - tokens[1] * per_token_ms)
    return marginal_us, stream_ms


def added_first_token_ms(results: Results, scenario: str, subject: str, *, share: str) -> list[float]:
    """Return, for each round, how much later the first token comes than straight from the upstream."""

    def wait_ms(run: Run) -> float:
        spread = run.load.first_token
        return spread.p50 if share == "p50" else spread.p99

    through = results.values_of(scenario, subject, wait_ms)
    return [
        mine - straight for mine, straight in zip(through, results.values_of(scenario, "direct", wait_ms), strict=False)
    ]


def kb_per_stream(run: Run) -> float:
    """Return the memory (PSS, 1,000 bytes) that each open stream added to the idle server."""
    return (run.peak_pss_mb - run.idle_pss_mb) * 1000 / run.load.requests


def render_report(results: Results) -> str:
    """Return the whole report. A number is a median over the rounds; the brackets hold the least and the most."""
    parts = [
        _heading(results),
        _goals(results),
        *(_relay(results, name) for name in ("relay40", "relay200")),
        _streams(results),
        _first_token(results),
        _hold(results),
        _starts(results),
        _remarks(results),
    ]
    return "\n\n".join(part for part in parts if part)


def _heading(results: Results) -> str:
    cpu = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())
    memory_kib = re.search(r"MemTotal:\s*(\d+)", Path("/proc/meminfo").read_text())
    versions = [f"Python {platform.python_version()}"]
    versions += [
        f"{name} {version(name)}" for name in ("gunicorn", "gevent", "flask", "openai", "httptools", "msgspec")
    ]
    if binary := nginx_binary():
        shown = subprocess.run([binary, "-v"], capture_output=True, text=True, check=False).stderr
        versions.append("nginx " + shown.strip().rpartition("/")[2])
    return (
        f"Command: `{results.command}`. {os.cpu_count()} cores ({cpu[1] if cpu else 'unknown processor'}), "
        f"{int(memory_kib[1]) / 2**20 if memory_kib else 0:.0f} GiB, Linux {platform.release()}.\n"
        f"{', '.join(versions)}.\n"
        "CPU is user + system time of the server's whole process tree. A number is the median over the rounds, "
        "with (least to most) behind it; a ratio is taken within a round."
    )


def _goals(results: Results) -> str:
    name = PRODUCT.name
    _, stream_ms = token_and_stream_costs(results, name)
    json_ms = results.values_of("json", name, cpu_ms_per_request)
    alone_ms = added_first_token_ms(results, "ttft1", name, share="p50")
    among_200_ms = added_first_token_ms(results, "ttft200", name, share="p99")
    held = results.runs_of("hold5000", name)
    started = [start for start in results.starts if start.subject == name]
    goals: list[tuple[str, Sequence[float], float, str]] = [
        *(
            (
                f"CPU per token, {results.scenarios[relay].title}: {word}",
                ratios(results, relay, name, other),
                most,
                "times",
            )
            for relay in ("relay40", "relay200")
            for word, other, most in (("to nginx", NGINX.name, 3.0), ("to the old way", OLD_WAY.name, 0.25))
        ),
        ("CPU per stream beyond its tokens", stream_ms, 2.5, "ms"),
        ("CPU per `POST /chat`, not streamed", json_ms, 2.0, "ms"),
        ("open streams: p99 lag", [run.load.lag.p99 for run in held], 250.0, "ms"),
        ("open streams: lost", [float(run.load.requests - run.load.complete) for run in held], 0.0, ""),
        ("open streams: memory of each", [kb_per_stream(run) for run in held], 60.0, "KB"),
        ("start to the first 200 on /health", started[0].ready_s if started else [], 1.0, "s"),
        ("memory, tokenizers loaded", [start.warm_pss_mb for start in started], 180.0, "MB"),
        ("added to the first token, alone: median", alone_ms, 1.5, "ms"),
        ("added to the first token, 200 streams: p99", among_200_ms, 15.0, "ms"),
    ]
    rows = [
        [
            what,
            f"{_value(values)} {unit}",
            f"{most:g} {unit}",
            _verdict(values, most, is_timed=is_busy and unit in "ms"),
        ]
        for what, values, most, unit in goals
        if values
    ]
    return _table("What is asked of the product", ["", "measured", "at most", "met"], rows)


def _relay(results: Results, scenario: str) -> str:
    rows = []
    for subject in results.subjects_of(scenario):
        runs = results.runs_of(scenario, subject)
        rows.append(
            [
                subject,
                _value([run.us_per_token for run in runs]),
                _value(ratios(results, scenario, subject, NGINX.name)),
                _value(ratios(results, scenario, subject, OLD_WAY.name)),
                _value([run.load.lag.p50 for run in runs]),
                _value([run.load.lag.p99 for run in runs]),
                _complete(runs),
                _cores(runs),
            ]
        )
    shape = results.scenarios[scenario]
    title = f"Relay: {shape.title} of {shape.tokens} tokens, one every {shape.pace_ms} ms ({scenario})"
    columns = [
        "server",
        "µs CPU/token",
        "times nginx",
        "times old way",
        "lag p50 ms",
        "lag p99 ms",
        "complete",
        "cores busy",
    ]
    return _table(title, columns, rows)


def _streams(results: Results) -> str:
    rows = []
    for subject in [name for name in results.subjects_of("ttft1") or results.subjects_of("json") if name != "direct"]:
        marginal_us, stream_ms = token_and_stream_costs(results, subject)
        answers = results.runs_of("json", subject)
        rows.append(
            [
                subject,
                _value(results.values_of("ttft1", subject, cpu_ms_per_request)),
                _value(marginal_us),
                _value(stream_ms),
                _value([run.cpu_ms_per_request for run in answers]),
                _value([run.load.complete / run.load.wall_s for run in answers]),
                _complete(answers),
            ]
        )
    columns = ["server", "stream of 5, ms CPU", "one more token, µs CPU", "stream beyond its tokens, ms CPU"]
    return _table(
        "Streams and whole answers (ttft1, relay40, json)",
        [*columns, "JSON answer, ms CPU", "JSON answers/s", "complete"],
        rows,
    )


def _first_token(results: Results) -> str:
    rows = []
    for scenario in ("ttft1", "ttft200"):
        for subject in results.subjects_of(scenario):
            runs = results.runs_of(scenario, subject)
            added = [added_first_token_ms(results, scenario, subject, share=share) for share in ("p50", "p99")]
            rows.append(
                [
                    results.scenarios[scenario].title,
                    subject,
                    _value([run.load.first_token.p50 for run in runs]),
                    _value([run.load.first_token.p99 for run in runs]),
                    *(("-", "-") if subject == "direct" else (_value(values) for values in added)),
                    _complete(runs),
                    _cores(runs),
                ]
            )
    columns = ["beside", "server", "p50 ms", "p99 ms", "added p50 ms", "added p99 ms", "complete", "cores busy"]
    return _table("Time to the first token (ttft1, ttft200)", columns, rows)


def _hold(results: Results) -> str:
    rows = [
        [
            run.subject,
            f"{run.load.most_live}",
            f"{run.load.complete}/{run.load.requests}",
            f"{run.load.tokens_late_1s}",
            f"{run.load.lag.p50:.1f} / {run.load.lag.p99:.1f} / {run.load.lag.max:.0f}",
            f"{kb_per_stream(run):.1f}",
            f"{run.us_per_token:.1f}",
            f"{run.cores_busy:.2f}",
        ]
        for run in results.runs
        if run.scenario == "hold5000"
    ]
    shape = results.scenarios["hold5000"]
    columns = ["server", "live at once", "complete", "tokens late > 1 s", "lag p50 / p99 / max ms", "KB PSS/stream"]
    return _table(
        f"Open streams: {shape.title}, a token every {shape.pace_ms} ms (hold5000)",
        [*columns, "µs CPU/token, set-up included", "cores busy"],
        rows,
    )


def _starts(results: Results) -> str:
    rows = [
        [
            start.subject,
            _value(start.ready_s),
            _value(start.ready_cpu_s),
            f"{start.idle_pss_mb:.0f}",
            f"{start.warm_pss_mb:.0f}",
        ]
        for start in results.starts
    ]
    columns = ["server", "first 200 after s", "CPU until then, s", "PSS idle, MB", "PSS after requests, MB"]
    return _table("Start and memory (start)", columns, rows)


def _remarks(results: Results) -> str:
    cores = os.cpu_count() or 1
    remarks = list(results.notes)
    if results.runs:
        others = max(run.cores_of_others for run in results.runs)
        remarks.append(f"Programs that are no part of this kept up to {others:.1f} of {cores} cores busy meanwhile.")
    full = _named([run for run in results.runs if run.cores_busy > _FULL_MACHINE * cores])
    if full:
        remarks.append(
            f"All cores, which the upstream and the load generator share with the server, were full in {full}: "
            "what waits there, waits for the machine. CPU per token does not depend on it."
        )
    late = _named([run for run in results.runs if run.upstream_late_p99_ms > _LATE_MS])
    if late:
        remarks.append(f"The upstream itself was over {_LATE_MS} ms late with 1 % of its tokens in {late}.")
    remarks += [
        f"**Broken:** {run.scenario} with {run.subject}: {run.load.complete} of {run.load.requests} complete, "
        f"{run.load.failures}; {run.load.example}"
        for run in results.runs
        if run.load.complete < run.load.requests
    ]
    lines = [f"- {remark}" for remark in remarks]
    lines += [f"\n**Broken:**\n```\n{trouble}\n```" for trouble in results.troubles]
    return "\n".join(lines)


def _named(runs: Iterable[Run]) -> str:
    """Return which runs these are, without telling the rounds apart."""
    return ", ".join(dict.fromkeys(f"{run.scenario} with {run.subject}" for run in runs))


def _table(title: str, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [f"| {' | '.join(row)} |" for row in rows]
    if not lines:
        return ""
    return "\n".join([f"**{title}**", "", f"| {' | '.join(columns)} |", "|---" * len(columns) + "|", *lines])


def _value(values: Sequence[float]) -> str:
    """Return the median, and the range if there is one."""
    if not values:
        return "-"
    shown = [_number(value) for value in (median(values), min(values), max(values))]
    return shown[0] if len(values) == 1 else f"{shown[0]} ({shown[1]} to {shown[2]})"


def _number(value: float) -> str:
    if value == 0:
        return "0"
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


def _complete(runs: Sequence[Run]) -> str:
    return f"{sum(run.load.complete for run in runs)}/{sum(run.load.requests for run in runs)}" if runs else "-"


def _cores(runs: Sequence[Run]) -> str:
    return _value([run.cores_busy for run in runs])
