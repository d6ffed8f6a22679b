"""Where one Markdown block ends and the next begins, decided line by line and only once."""

import re
from typing import NamedTuple

SOFT_CHARS = 4_000  # a list longer than this is cut before its next item, so that it shows while it grows
HARD_CHARS = 16_000  # anything else is cut at a line
MAX_CHUNKS = 1_500  # each costs something of its own; after so many they are joined up to HARD_CHARS
MATH_CHARS = 4_000  # a formula that has not closed by then is no formula

FENCE = re.compile(r" {0,3}(?:(`{3,})[^`]*|(~{3,}).*)$")
_HEADING = re.compile(r"#{1,6}(?:[ \t]|$)")
_MARKER = re.compile(r" {0,3}(?:(?:[-*+]|[0-9]{1,9}[.)])(?:[ \t]+|$)|\[\^[^\s\]]+\]:)")
_RULE = re.compile(r" {0,3}(?:(?:-[ \t]*){3,}|(?:\*[ \t]*){3,})$")
_MARKER_IN_THE_MAKING = re.compile(r"[-*+]?$|[0-9]{1,9}[.)]?$|\[")
_TABLE_RULE = re.compile(r" {0,3}[|:-][|: \t-]*$")
_MATH_CLOSERS = {"$$": "$$", "\\[": "\\]"}


class Chunk(NamedTuple):
    """One or more whole Markdown blocks that do not depend on what follows."""

    source: str
    is_code: bool = False


class BlockScanner:
    """Cuts growing text into chunks.

    Shape: the chunks depend on the text alone, never on how it was split into pieces, and parsing them one by one
    gives the same blocks as parsing the text at once (but for the cuts of overlong blocks above).
    Cost: each line is looked at once; text without a line end is only kept.
    """

    def __init__(self) -> None:
        self._line_pieces: list[str] = []
        self._line_size = 0
        self._chunks = 0
        self._open_at_new_chunk()

    def _open_at_new_chunk(self, heading_lines: tuple[str, ...] = ()) -> None:
        self._heading_lines = heading_lines
        self._table_head: tuple[str, ...] = ()
        self._lines: list[str] = []
        self._size = 0
        self._fence = ""  # the marker that closes the open fence
        self._math = ""  # the marker that closes the open formula
        self._math_end = 0
        self._content_indent = 0  # of the outermost open list item or footnote; 0 is none
        self._ends_in_code = False
        self._is_waiting = False  # a blank line came; the next line tells whether the block goes on

    @property
    def rest(self) -> str:
        """The text that is in no chunk yet."""
        lines = "".join(f"{line}\n" for line in self._lines)
        return (lines + "".join(self._line_pieces)).lstrip("\n")

    @property
    def growing(self) -> str:
        """The whole lines of an open list, table or quote, which is worth showing before it closes; else ""."""
        is_worth_it = self._content_indent or self._table_head or (self._lines and self._lines[0].startswith(">"))
        if not is_worth_it or self._fence or self._math or self._size > SOFT_CHARS:
            return ""
        return "".join(f"{line}\n" for line in (*self._heading_lines, *self._lines))

    @property
    def line(self) -> str:
        """The line that is not yet whole."""
        return "".join(self._line_pieces)

    def push(self, text: str) -> list[Chunk]:
        """Take the next piece and return the chunks that it closes."""
        closed: list[Chunk] = []
        if "\n" not in text:
            self._line_pieces.append(text)
            self._line_size += len(text)
        else:
            first, *lines, last = text.split("\n")
            self._take_line("".join([*self._line_pieces, first]), closed)
            for line in lines:
                self._take_line(line, closed)
            self._line_pieces = [last]
            self._line_size = len(last)
        # A list ends with the first letters of a paragraph; its reader need not wait for the paragraph's end.
        if self._is_waiting and self._line_size <= 64:
            start = "".join(self._line_pieces)
            if not _MARKER_IN_THE_MAKING.match(start.lstrip(" \t")) and not self._continues(start):
                self._close(closed)
        return closed

    def finish(self) -> list[Chunk]:
        """Close what is open; the text is over."""
        closed: list[Chunk] = []
        line = "".join(self._line_pieces)
        self._line_pieces = []
        if line:
            self._take_line(line, closed)
        self._close(closed, is_code=bool(self._fence), is_last=True)
        return closed

    def _take_line(self, line: str, closed: list[Chunk]) -> None:
        if self._fence:
            self._keep(line)
            bare = line.strip(" \t")
            if len(bare) >= len(self._fence) and not bare.strip(self._fence[0]) and _indent(line) <= 3:
                self._fence = ""
                self._close(closed, is_code=True)
        elif not line.strip(" \t"):
            self._take_blank(line, closed)
        else:
            if self._is_waiting:
                self._is_waiting = False
                if not self._continues(line):
                    self._close(closed)
            self._take_text(line, closed)

    def _take_blank(self, line: str, closed: list[Chunk]) -> None:
        self._math = ""
        if not self._lines:
            return
        self._keep(line)
        if self._content_indent or self._ends_in_code:
            self._is_waiting = True
        else:
            self._close(closed)

    def _continues(self, line: str) -> bool:
        indent = _indent(line)
        if self._content_indent:
            return indent >= self._content_indent or _MARKER.match(line) is not None
        return indent >= 4

    def _take_text(self, line: str, closed: list[Chunk]) -> None:
        first = line.lstrip(" \t")[0]
        fence = FENCE.match(line) if first in "`~" else None
        if self._math and not fence:
            self._keep(line)
            if self._math in line or self._size > self._math_end:
                self._math = ""
            marker = _MARKER.match(line)
            if marker and (not self._content_indent or _indent(line) < self._content_indent):
                self._content_indent = _content_indent(marker[0])  # in case that it turns out to be no formula
            return
        indent = _indent(line)
        is_outermost = indent <= 3 and (not self._content_indent or indent < self._content_indent)
        if fence and is_outermost:
            self._close(closed)
            self._fence = fence[1] or fence[2]
        elif first == "#" and _HEADING.match(line):
            self._close(closed)
            self._keep(line)
            self._close(closed)
            return
        elif is_outermost:
            self._take_outermost(line, first, closed)
        elif self._size > HARD_CHARS:
            self._close(closed)
        self._keep(line)
        self._ends_in_code = indent >= 4

    def _take_outermost(self, line: str, first: str, closed: list[Chunk]) -> None:
        marker = _MARKER.match(line)
        if marker and not _RULE.match(line):
            if self._content_indent and self._size > SOFT_CHARS:
                self._close(closed)
            self._content_indent = _content_indent(marker[0])
        elif self._size > HARD_CHARS:
            self._close(closed, next_heading=self._table_head if "|" in line else ())
        elif first == ">":
            self._content_indent = 0  # a quote ends a list
        elif "|" in line and _TABLE_RULE.match(line) and self._lines and "|" in self._lines[-1]:
            self._table_head = (self._lines[-1], line)
        if first in "$\\":
            bare = line.lstrip(" ")
            closer = _MATH_CLOSERS.get(bare[:2], "")
            if closer and closer not in bare[2:]:
                self._math = closer
                self._math_end = self._size + MATH_CHARS

    def _keep(self, line: str) -> None:
        self._lines.append(line)
        self._size += len(line) + 1

    def _close(
        self,
        closed: list[Chunk],
        *,
        is_code: bool = False,
        is_last: bool = False,
        next_heading: tuple[str, ...] = (),
    ) -> None:
        are_many = self._chunks >= MAX_CHUNKS
        if are_many and not is_last and self._size <= HARD_CHARS:
            return
        if self._lines:
            source = "".join(f"{line}\n" for line in (*self._heading_lines, *self._lines))
            closed.append(Chunk(source, is_code and not are_many))
            self._chunks += 1
        self._open_at_new_chunk(next_heading)
        self._table_head = next_heading


def _indent(line: str) -> int:
    """Return the columns of white space that `line` begins with; a tab reaches to the next multiple of four."""
    if not line or line[0] not in " \t":
        return 0
    blank = line[: len(line) - len(line.lstrip(" \t"))]
    return len(blank.expandtabs(4))


def _content_indent(marker: str) -> int:
    if marker.endswith(":"):
        return 4  # a footnote
    bare = marker.rstrip(" \t")
    gap = len(marker.expandtabs(4)) - len(bare)
    return len(bare) + (gap if 1 <= gap <= 4 else 1)
