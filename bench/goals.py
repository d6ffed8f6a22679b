"""What the project asks of its own speed."""

from collections.abc import Sequence
from statistics import median

import msgspec

from bench.results import (
    Results,
    added_first_token_ms,
    cpu_ms_per_request,
    kb_per_stream,
    ratios,
    token_and_stream_costs,
)
from bench.servers import KEPT, NGINX, OLD_WAY, PRODUCT

_MOST_TIMES_NGINX = 3.0
_MOST_TIMES_OLD_WAY = 0.25
# The pause between two is 1 to 1.1 s.
_MOST_CHECKPOINTS_PER_S = 1.0


class Goal(msgspec.Struct, frozen=True):
    """A figure that must not exceed `most`; no values if it was not measured. Timed ones need a quiet machine."""

    what: str
    values: Sequence[float]
    most: float
    unit: str
    is_timed: bool = False

    @property
    def is_met(self) -> bool:
        return median(self.values) <= self.most


def product_goals(results: Results) -> list[Goal]:
    """Return every goal with what was measured of it, round by round."""
    return [
        *_cpu_goals(results),
        *_kept_goals(results),
        *_hold_goals(results),
        *_start_goals(results),
        *_first_token_goals(results),
    ]


def _cpu_goals(results: Results) -> list[Goal]:
    name = PRODUCT.name
    goals = []
    for relay in ("relay40", "relay200"):
        what = f"CPU per token, {results.scenarios[relay].title}: to"
        to_nginx, to_old_way = (ratios(results, relay, name, other.name) for other in (NGINX, OLD_WAY))
        goals.append(Goal(f"{what} nginx", to_nginx, _MOST_TIMES_NGINX, "times"))
        goals.append(Goal(f"{what} the old way", to_old_way, _MOST_TIMES_OLD_WAY, "times"))
    _, stream_ms = token_and_stream_costs(results, name)
    json_ms = results.values_of("json", name, cpu_ms_per_request)
    goals.append(Goal("CPU per stream beyond its tokens", stream_ms, 2.5, "ms"))
    goals.append(Goal("CPU per `POST /chat`, not streamed", json_ms, 2.0, "ms"))
    return goals


def _kept_goals(results: Results) -> list[Goal]:
    name = KEPT.name
    goals = []
    for relay in ("relay40", "relay200"):
        title = results.scenarios[relay].title.replace("streams", "kept streams")
        to_nginx = ratios(results, relay, name, NGINX.name)
        goals.append(Goal(f"CPU per token, {title}: to nginx", to_nginx, _MOST_TIMES_NGINX, "times"))
        often = [run.checkpoints_per_s or 0.0 for run in results.runs_of(relay, name)]
        goals.append(Goal(f"checkpoints of a worker, {title}", often, _MOST_CHECKPOINTS_PER_S, "a second"))
    _, kept_ms = token_and_stream_costs(results, name)
    _, stream_ms = token_and_stream_costs(results, PRODUCT.name)
    more_ms = [kept - plain for kept, plain in zip(kept_ms, stream_ms, strict=False)]
    goals.append(Goal("CPU per kept stream beyond one that is not kept", more_ms, 0.7, "ms"))
    return goals


def _hold_goals(results: Results) -> list[Goal]:
    held = results.runs_of("hold5000", PRODUCT.name)
    what = f"{results.scenarios['hold5000'].title}: "
    return [
        Goal(f"{what}not complete", [float(run.load.requests - run.load.complete) for run in held], 0.0, ""),
        Goal(f"{what}p99 lag", [run.load.lag.p99 for run in held], 250.0, "ms", is_timed=True),
        Goal(f"{what}memory of each", [kb_per_stream(run) for run in held], 60.0, "KB"),
    ]


def _start_goals(results: Results) -> list[Goal]:
    starts = [start for start in results.starts if start.subject == PRODUCT.name]
    ready_s = [value for start in starts for value in start.ready_s]
    return [
        Goal("start to the first 200 on /health", ready_s, 1.0, "s", is_timed=True),
        Goal("memory, tokenizers loaded", [start.warm_pss_mb for start in starts], 180.0, "MB"),
    ]


def _first_token_goals(results: Results) -> list[Goal]:
    alone_ms = added_first_token_ms(results, "ttft1", PRODUCT.name, share="p50")
    among_200_ms = added_first_token_ms(results, "ttft200", PRODUCT.name, share="p99")
    return [
        Goal("added to the first token, alone: median", alone_ms, 1.5, "ms", is_timed=True),
        Goal("added to the first token, 200 streams: p99", among_200_ms, 15.0, "ms", is_timed=True),
    ]
