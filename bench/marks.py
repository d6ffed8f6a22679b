"""The marks that stand for tokens: each says which token of its answer it is and when the upstream sent it."""

import re
import time

# `k000012.!!!#$%&()*+-!#$; `: every mark has the same length, so that every chunk of one model has too. It is one word
# and signs, as a token is about a word: what keeps answers also makes a list of their words.
WIDTH = 25
_SIGNS = b"!#$%&()*+-"
_WRITTEN = bytes.maketrans(b"0123456789", _SIGNS)
_READ = bytes.maketrans(_SIGNS, b"0123456789")
_MARK = re.compile(rb"k(\d{6})\.([!#$%&()*+-]{15});")


def now_us() -> int:
    """Return the time in microseconds on a clock that all processes of this machine share."""
    return time.monotonic_ns() // 1000


def write_mark(number: int, sent_us: int) -> bytes:
    """Return the text of token `number` (from 1 on), sent at `sent_us`."""
    return b"k%06d.%b; " % (number, (b"%015d" % sent_us).translate(_WRITTEN))


class MarkReader:
    """Finds the marks in a text that comes in pieces, whatever stands around them (SSE, JSON, plain text).

    It keeps the unfinished mark at the end of a piece for the next one. Kept small: a bench holds thousands.
    """

    __slots__ = ("_tail",)

    def __init__(self) -> None:
        self._tail = b""

    def feed(self, piece: bytes) -> list[tuple[bytes, bytes]]:
        """Return (number, time sent in µs) of each mark that `piece` completes, as digits."""
        text = self._tail + piece if self._tail else piece
        # A mark holds one semicolon, its end: what stands before the last one needs no second look.
        tail = text[text.rfind(b";") + 1 :]
        start = tail.rfind(b"k", -WIDTH)
        self._tail = tail[start:] if start >= 0 else b""
        return [(number, sent.translate(_READ)) for number, sent in _MARK.findall(text)]
