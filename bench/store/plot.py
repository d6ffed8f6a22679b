"""The plot: a small panel per call, milliseconds over the number of messages, both on logarithmic axes."""

import math
from collections.abc import Iterator, Sequence
from html import escape

from bench.store.databases import Kind
from bench.store.measuring import StoreResults
from bench.store.report import name_of, size_of

_COLUMNS = 4
_PANEL = (176, 150)  # width and height, in pixels, with what stands around it
_INSIDE = (30, 26, 14, 26)  # left, top, right, bottom
_HEAD = 34
_DASHES: dict[Kind, str] = {"sqlite": "none", "postgresql": "5 3"}

# Text and lines take the page's colour; as a picture of its own it follows the reader's system.
_STYLE = (
    "svg{color:#1f2328;font:11px system-ui,sans-serif}"
    "@media(prefers-color-scheme:dark){svg{color:#e6edf3}}"
    "text{fill:currentColor}.name{font-weight:600}.axis{font-size:9px;opacity:.75}"
    ".grid{stroke:currentColor;opacity:.15}.line{stroke:currentColor;fill:none;stroke-width:1.5}"
    ".dot{fill:currentColor}"
)


def render_plot(results: StoreResults) -> str:
    """Return an SVG document that needs nothing from outside."""
    rows = -(-len(results.calls) // _COLUMNS)
    width, height = _COLUMNS * _PANEL[0], _HEAD + rows * _PANEL[1]
    scale = _Scale(results)
    size = f'viewBox="0 0 {width} {height}" width="{width}" height="{height}"'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img" aria-labelledby="title">',
        '<title id="title">Milliseconds per call over the number of messages, both logarithmic</title>',
        f"<style>{_STYLE}</style>",
        *_legend(results.kinds),
    ]
    for number, call in enumerate(results.calls):
        left, top = number % _COLUMNS * _PANEL[0], _HEAD + number // _COLUMNS * _PANEL[1]
        parts.append(f'<g transform="translate({left} {top})">')
        parts += _panel(results, call, scale)
        parts.append("</g>")
    return "\n".join([*parts, "</svg>"]) + "\n"


class _Scale:
    """Where sizes and milliseconds lie within a panel; the same in all, so that they compare."""

    def __init__(self, results: StoreResults) -> None:
        self.sizes = results.sizes
        all_ms = [cost.p50_ms for cost in results.costs]
        self.decades = range(math.floor(math.log10(min(all_ms))), math.ceil(math.log10(max(all_ms))) + 1)
        left, top, right, bottom = _INSIDE
        self.left, self.right = left, _PANEL[0] - right
        self.top, self.bottom = top, _PANEL[1] - bottom

    def x(self, size: int) -> float:
        first, last = math.log10(self.sizes[0]), math.log10(self.sizes[-1])
        share = (math.log10(size) - first) / (last - first) if last > first else 0.5
        return round(self.left + share * (self.right - self.left), 1)

    def y(self, ms: float) -> float:
        share = (math.log10(ms) - self.decades[0]) / (self.decades[-1] - self.decades[0])
        return round(self.bottom - share * (self.bottom - self.top), 1)


def _legend(kinds: Sequence[Kind]) -> Iterator[str]:
    for number, kind in enumerate(kinds):
        left = 30 + number * 120
        yield f'<line class="line" stroke-dasharray="{_DASHES[kind]}" x1="{left}" y1="14" x2="{left + 26}" y2="14"/>'
        yield f'<text x="{left + 32}" y="18">{name_of(kind)}</text>'


def _panel(results: StoreResults, call: str, scale: _Scale) -> Iterator[str]:
    yield f'<text class="name" x="{scale.left}" y="14">{escape(call)}</text>'
    for decade in scale.decades:
        y = scale.y(10.0**decade)
        yield f'<line class="grid" x1="{scale.left}" y1="{y}" x2="{scale.right}" y2="{y}"/>'
        yield f'<text class="axis" text-anchor="end" x="{scale.left - 4}" y="{y + 3}">{10.0**decade:g}</text>'
    for size in scale.sizes:
        x, y = scale.x(size), scale.bottom + 12
        yield f'<text class="axis" text-anchor="middle" x="{x}" y="{y}">{size_of(size)}</text>'
    for kind in results.kinds:
        points = [(scale.x(cost.size), scale.y(cost.p50_ms)) for cost in results.of(kind, call)]
        shape = " ".join(f"{x},{y}" for x, y in points)
        yield f'<polyline class="line" stroke-dasharray="{_DASHES[kind]}" points="{shape}"/>'
        for x, y in points:
            yield f'<circle class="dot" cx="{x}" cy="{y}" r="2"/>'
