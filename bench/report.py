"""The tables: what was measured, in Markdown, beside what the project asks of itself."""

import os
import subprocess
from collections.abc import Iterable, Sequence
from importlib.metadata import version
from statistics import median

from bench.goals import product_goals
from bench.machine import machine_line
from bench.results import (
    Results,
    added_first_token_ms,
    cpu_ms_per_request,
    kb_per_stream,
    ratios,
    token_and_stream_costs,
)
from bench.scenarios import DIRECT, Run
from bench.servers import NGINX, OLD_WAY, nginx_binary

_FULL_MACHINE = 0.95  # of all cores: beyond that, waiting times are the machine's
_LATE_MS = 20
_QUIET_CORES = 0.3


def render_report(results: Results) -> str:
    """Return the whole report. A number is a median over the rounds; the brackets hold the least and the most."""
    parts = [
        _heading(results),
        _goals(results),
        *(_relay(results, name) for name in ("relay40", "relay200")),
        _streams(results),
        _first_token(results),
        *(_hold(results, name) for name in ("hold5000", "hold1000")),
        _starts(results),
        _remarks(results),
    ]
    return "\n\n".join(part for part in parts if part)


def _heading(results: Results) -> str:
    versions = [f"{name} {version(name)}" for name in ("gunicorn", "gevent", "flask", "openai", "httptools", "msgspec")]
    if binary := nginx_binary():
        shown = subprocess.run([binary, "-v"], capture_output=True, text=True, check=False).stderr
        versions.append("nginx " + shown.strip().rpartition("/")[2])
    return (
        f"Command: `{results.command}`. {machine_line()}.\n"
        f"{', '.join(versions)}.\n"
        "CPU is user + system time of the server's whole process tree. A number is the median over the rounds, "
        "with (least to most) behind it; a ratio is taken within a round."
    )


def _goals(results: Results) -> str:
    # How long something took says nothing about the product while others hold the processors.
    is_quiet = results.cores_of_others <= _QUIET_CORES
    rows = [
        [
            goal.what,
            f"{_value(goal.values)} {goal.unit}".strip(),
            f"{goal.most:g} {goal.unit}".strip(),
            "cannot say: busy machine" if goal.is_timed and not is_quiet else "yes" if goal.is_met else "**no**",
        ]
        for goal in product_goals(results)
        if goal.values
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
                _value([run.checkpoints_per_s for run in runs if run.checkpoints_per_s is not None]),
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
        "checkpoints/s, one worker",
    ]
    return _table(title, columns, rows)


def _streams(results: Results) -> str:
    rows = []
    for subject in [name for name in results.subjects_of("ttft1") or results.subjects_of("json") if name != DIRECT]:
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
                    *(("-", "-") if subject == DIRECT else (_value(values) for values in added)),
                    _complete(runs),
                    _cores(runs),
                ]
            )
    columns = ["beside", "server", "p50 ms", "p99 ms", "added p50 ms", "added p99 ms", "complete", "cores busy"]
    return _table("Time to the first token (ttft1, ttft200)", columns, rows)


def _hold(results: Results, scenario: str) -> str:
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
        if run.scenario == scenario
    ]
    shape = results.scenarios[scenario]
    columns = ["server", "live at once", "complete", "tokens late > 1 s", "lag p50 / p99 / max ms", "KB PSS/stream"]
    return _table(
        f"Open streams: {shape.title}, a token every {shape.pace_ms} ms ({scenario})",
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
        others = f"{results.cores_of_others:.1f} of {cores} cores"
        remarks.append(f"Programs that are no part of this kept {others} busy in the middle one of the runs.")
    full = sum(run.cores_busy > _FULL_MACHINE * cores for run in results.runs)
    if full:
        remarks.append(
            f"All cores, which the upstream and the load generator share with the server, were full in {full} of "
            f"{len(results.runs)} runs: what waits there, waits for the machine. CPU per token changes less with it; "
            "late tokens come in bunches, and a bunch is cheaper."
        )
    late = sum(run.upstream_late_p99_ms > _LATE_MS for run in results.runs)
    if late:
        remarks.append(
            f"The upstream itself was over {_LATE_MS} ms late with 1 % of its tokens in {late} of "
            f"{len(results.runs)} runs."
        )
    remarks += [
        f"**Broken:** {run.scenario} with {run.subject}: {run.load.complete} of {run.load.requests} complete, "
        f"{run.load.failures}; {run.load.example}"
        for run in results.runs
        if run.load.complete < run.load.requests
    ]
    lines = [f"- {remark}" for remark in remarks]
    lines += [f"\n**Broken:**\n```\n{trouble}\n```" for trouble in results.troubles]
    return "\n".join(lines)


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
