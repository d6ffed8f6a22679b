"""What each call costs in an archive of each size, and how that grows."""

import math
import time
from collections.abc import Sequence
from random import Random

import msgspec

from bench.spread import quantile
from bench.store.calls import Asking, Choose
from bench.store.databases import Filled, Kind
from chatapp.store.db import Database

_SEED = 5
_WARM_UPS = 20
# What a machine with one other busy program adds by chance to a ratio of two medians.
TOLERANCE = 1.5


class Cost(msgspec.Struct, frozen=True, kw_only=True):
    """What one kind of call took in one archive. Units: milliseconds."""

    kind: Kind
    size: int
    call: str
    p50_ms: float
    p95_ms: float


class StoreResults(msgspec.Struct, kw_only=True):
    """Everything found, by database and size; `sizes` grow."""

    command: str
    times: int
    sizes: Sequence[int]
    costs: list[Cost] = msgspec.field(default_factory=list)

    @property
    def calls(self) -> list[str]:
        return list(dict.fromkeys(cost.call for cost in self.costs))

    @property
    def kinds(self) -> list[Kind]:
        return list(dict.fromkeys(cost.kind for cost in self.costs))

    @property
    def most_growth(self) -> float:
        """Return by how much a cost may grow over all sizes: as their logarithms do, with a tolerance for chance."""
        return math.log(self.sizes[-1]) / math.log(self.sizes[0]) * TOLERANCE

    def of(self, kind: Kind, call: str) -> list[Cost]:
        """Return what the call took, by size."""
        return [cost for cost in self.costs if (cost.kind, cost.call) == (kind, call)]

    def growth(self, kind: Kind, call: str) -> float:
        """Return the cost in the largest archive as a multiple of that in the smallest."""
        costs = self.of(kind, call)
        return costs[-1].p50_ms / costs[0].p50_ms

    def growth_per_decade(self, kind: Kind, call: str) -> float:
        """Return by what the cost is multiplied each time that the archive becomes ten times as large."""
        decades = math.log10(self.sizes[-1] / self.sizes[0])
        return float(self.growth(kind, call) ** (1 / decades)) if decades else 1.0


def measure(archives: Sequence[Filled], *, times: int) -> list[Cost]:
    """Make every kind of call `times` times in each archive, warm.

    The archives take turns call by call, so that a slow minute of the machine hits all of them.
    """
    databases = [Database(filled.url) for filled in archives]
    try:
        pairs = zip(archives, databases, strict=True)
        asking = [Asking(filled, database, Random(_SEED)).calls() for filled, database in pairs]
        return [
            cost
            for call in asking[0]
            for cost in _costs_of(call, archives, [calls[call] for calls in asking], times=times)
        ]
    finally:
        for database in databases:
            database.close()


def _costs_of(call: str, archives: Sequence[Filled], choices: Sequence[Choose], *, times: int) -> list[Cost]:
    taken_ms: list[list[float]] = [[] for _ in archives]
    for number in range(_WARM_UPS + times):
        for choose, taken in zip(choices, taken_ms, strict=True):
            ask = choose()
            begin = time.perf_counter()
            ask()
            if number >= _WARM_UPS:
                taken.append((time.perf_counter() - begin) * 1000)
    return [
        Cost(
            kind=filled.kind,
            size=filled.size,
            call=call,
            p50_ms=quantile(sorted(taken), 0.5),
            p95_ms=quantile(sorted(taken), 0.95),
        )
        for filled, taken in zip(archives, taken_ms, strict=True)
    ]
