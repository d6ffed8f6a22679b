"""What a whole run of the bench found, and what follows from it."""

from collections.abc import Callable
from statistics import median

import msgspec

from bench.scenarios import Run, Scenario


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

    @property
    def cores_of_others(self) -> float:
        """Return how many processors other programs kept busy in the middle one of the runs."""
        return median(run.cores_of_others for run in self.runs) if self.runs else 0.0

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
