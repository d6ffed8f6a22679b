"""The few statistics that the tables need."""

from collections.abc import Sequence

import msgspec


def quantile(ordered: Sequence[float], share: float) -> float:
    """Return the value below which `share` of the `ordered` values lie; 0 for none."""
    return float(ordered[min(len(ordered) - 1, int(share * len(ordered)))]) if ordered else 0.0


class Spread(msgspec.Struct, frozen=True):
    """Where many measured values lie. Units: milliseconds."""

    p50: float = 0.0
    p99: float = 0.0
    max: float = 0.0


def spread_of_us(values_us: Sequence[int]) -> Spread:
    """Return the spread of values that are given in microseconds."""
    ordered = sorted(values_us)
    return Spread(quantile(ordered, 0.5) / 1000, quantile(ordered, 0.99) / 1000, quantile(ordered, 1.0) / 1000)
