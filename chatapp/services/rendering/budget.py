"""How much work an answer may cause: counted before it is done, never timed, so that the result is always the same."""

import re

_START_UNITS = 40_000
_UNITS_PER_CHAR = 1.0
_START_OUTPUT_CHARS = 64_000
_OUTPUT_PER_CHAR = 4
_START_LINK_CHARS = 16_000
_LINK_CHARS_PER_CHAR = 2

_MARKERS = re.compile(r"(?:^|(?<=[ \t>]))(?:[-*+]|[0-9]{1,9}[.)])(?=[ \t\n])")
# What each occurrence of these costs at the worst, measured by repeating it (docs/rendering.md).
_COSTS = {
    **dict.fromkeys('`~>&|\\$#-+=(]"', 4.0),
    **dict.fromkeys("*_:!", 10.0),
    "<": 16.0,
    "@": 16.0,
    "[": 22.0,
    "://": 16.0,
    "\n": 22.0,
}
_TABLE_RULE_CHARS = " \t>*+0123456789.)-|:"
_CODE_WORDS = re.compile(r"[A-Za-z0-9]+|\S")


class Budget:
    """What is left for one answer; it grows with the text.

    Units: one unit of work is about a microsecond of one core (docs/rendering.md says how that was measured).
    """

    def __init__(self) -> None:
        self._units = float(_START_UNITS)
        self._output_chars = _START_OUTPUT_CHARS
        self._link_chars = _START_LINK_CHARS

    def earn(self, chars: int) -> None:
        """Add the allowance of `chars` more characters of the answer."""
        self._units += _UNITS_PER_CHAR * chars
        self._output_chars += _OUTPUT_PER_CHAR * chars
        self._link_chars += _LINK_CHARS_PER_CHAR * chars

    def take_units(self, units: float) -> bool:
        """Take `units` of work, if there are as many."""
        if units > self._units:
            return False
        self._units -= units
        return True

    def take_output(self, chars: int) -> bool:
        """Take room for `chars` characters of HTML, if there is as much."""
        if chars > self._output_chars:
            return False
        self._output_chars -= chars
        return True

    def take_link(self, chars: int) -> bool:
        """Take room for one link's address of `chars` characters, if there is as much."""
        if chars > self._link_chars:
            return False
        self._link_chars -= chars
        return True


def markdown_units(source: str) -> float:
    """Return an upper estimate of the work of parsing, rendering and cleaning `source`."""
    units = 80 + 0.3 * len(source) + sum(cost * source.count(text) for text, cost in _COSTS.items())
    units += 40 * sum(1 for _ in _MARKERS.finditer(source))
    # Every row of a table is filled up to the width of its head.
    return units + 8 * _table_columns(source) * source.count("\n")


def _table_columns(source: str) -> int:
    """Return the columns of the widest table that `source` may hold, 0 if there is none."""
    if "|" not in source:
        return 0
    rules = (line for line in source.split("\n") if "-" in line and not line.strip(_TABLE_RULE_CHARS))
    return max((rule.count("|") for rule in rules), default=-1) + 1


def code_units(source: str) -> float:
    """Return the work of showing a code block without colours."""
    return 60 + 0.15 * len(source) + 2 * source.count("\n")


def highlight_units(code: str) -> float:
    """Return an upper estimate of the work of colouring `code`."""
    return 20 + 8 * sum(1 for _ in _CODE_WORDS.finditer(code))
