"""Words as the search knows them: folded, so that case and accents do not matter, and found again in a text."""

import re
import unicodedata
from collections.abc import Iterator, Sequence

import msgspec

MAX_WORDS = 20_000
MAX_CHARS = 200_000
MAX_WORD_CHARS = 40
MAX_QUERY_WORDS = 16
SNIPPET_CHARS = 160
# How much of a snippet stands before its first match.
LEAD_CHARS = 40

# Scripts that put no spaces between words: Thai, Lao, Burmese, Khmer, kana, Han.
_UNSPACED = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3005-\u3007\u3031-\u3035\u3040-\u30ff\u31f0-\u31ff"
    "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uff66-\uff9f\U00020000-\U0003ffff"
)
_HAS_UNSPACED = re.compile(f"[{_UNSPACED}]")
_PIECE = re.compile(f"[{_UNSPACED}]+|[^\\s{_UNSPACED}]+")
_SPACES = re.compile(r"\s+")


class Query(msgspec.Struct, frozen=True):
    """What is looked for: all of `words`, and something that begins with `prefix` unless that is empty.

    `shown` is what to mark in a text: as `words`, but runs of an unspaced script in one piece.
    """

    words: tuple[str, ...]
    prefix: str
    shown: tuple[str, ...]

    @property
    def is_empty(self) -> bool:
        return not self.words and not self.prefix


class Part(msgspec.Struct, frozen=True):
    """A piece of a text, and whether it is what was looked for."""

    text: str
    match: bool


class _Characters(dict[int, str | None]):
    """What becomes of a character, by its code; kept for the ones seen first, since there are a million."""

    def __init__(self, mark: str | None) -> None:
        super().__init__()
        self._mark = mark

    def __missing__(self, code: int) -> str | None:
        char = chr(code)
        kept: str | None = " "
        if unicodedata.combining(char):
            kept = self._mark and char
        # Vowel signs are marks too, and parts of words.
        elif char.isalnum() or unicodedata.category(char).startswith("M"):
            kept = char
        if len(self) < 10_000:
            self[code] = kept
        return kept


_FOLDED = _Characters(None)
_MASKED = _Characters("kept")


def fold(text: str) -> str:
    """Return the words of a text in the form in which they are compared, with spaces between them.

    Cost: linear. Accents go before the text is normalised, because sorting a long run of them would not be.
    """
    text = text.translate(_FOLDED)
    if text.isascii():
        return text.lower()
    text = unicodedata.normalize("NFKD", text).translate(_FOLDED).casefold()
    return unicodedata.normalize("NFKD", text).translate(_FOLDED)


def terms_of(text: str) -> list[str]:
    """Return the different words of a text, in the order in which they first appear.

    A run of a script without spaces gives its characters and its pairs of neighbours: so it is found by any part.
    """
    terms: dict[str, None] = {}
    size = 0
    for piece in _pieces(fold(text)):
        found = [piece[:MAX_WORD_CHARS]]
        if _HAS_UNSPACED.match(piece):
            found = [*piece, *_pairs(piece)]
        for term in found:
            if term in terms:
                continue
            size += len(term)
            if len(terms) >= MAX_WORDS or size > MAX_CHARS:
                return list(terms)
            terms[term] = None
    return list(terms)


def query_of(text: str) -> Query:
    """Read what a person looks for; a word may still be being typed, so the last one is a beginning."""
    pieces = [piece[:MAX_WORD_CHARS] for piece in _pieces(fold(text[:1000]))][:MAX_QUERY_WORDS]
    prefix = ""
    if pieces and not _HAS_UNSPACED.match(pieces[-1]):
        prefix = pieces.pop()
    words: dict[str, None] = {}
    for piece in pieces:
        is_run = len(piece) > 1 and _HAS_UNSPACED.match(piece)
        words.update(dict.fromkeys(_pairs(piece) if is_run else [piece]))
    return Query(tuple(words), prefix, tuple(dict.fromkeys(pieces)))


def marked(text: str, query: Query) -> list[Part]:
    """Return the whole of a short text with its matches marked."""
    return _parts(text, 0, len(text), list(_hits(text, query)))


def snippet_of(text: str, query: Query) -> list[Part]:
    """Return about `SNIPPET_CHARS` characters of a text from around the place that says most of what is looked for."""
    hits: list[tuple[int, int, str]] = []
    best, most, first = 0, 0, 0
    wanted = len(query.shown) + bool(query.prefix)
    for hit in _hits(text, query):
        hits.append(hit)
        while hit[1] - hits[first][0] > SNIPPET_CHARS - LEAD_CHARS and hits[first] is not hit:
            first += 1
        # The nearest of each will do.
        while any(later[2] == hits[first][2] for later in hits[first + 1 :]):
            first += 1
        told = len({term for *_, term in hits[first:]})
        if told > most:
            best, most = hits[first][0], told
        if most >= wanted:
            break
    start = _word_start(text, best - LEAD_CHARS) if best > LEAD_CHARS else 0
    end = _word_end(text, start + SNIPPET_CHARS)
    if len(hits) < 1000:
        hits += [hit for hit in _hits(text[:end], query) if hit[0] > (hits[-1][0] if hits else -1)]
    parts = _parts(text, start, end, hits)
    if start > 0:
        parts.insert(0, Part("…", False))  # noqa: FBT003
    if end < len(text):
        parts.append(Part("…", False))  # noqa: FBT003
    return _merged(parts)


def _pieces(folded: str) -> Sequence[str]:
    return folded.split() if folded.isascii() else _PIECE.findall(folded)


def _pairs(run: str) -> list[str]:
    return [run[place : place + 2] for place in range(len(run) - 1)]


def _hits(text: str, query: Query) -> Iterator[tuple[int, int, str]]:
    """Yield where the text says what is looked for, and which of it: start, end, term."""
    runs = [term for term in query.shown if _HAS_UNSPACED.match(term)]
    words = set(query.shown) - set(runs)
    known: dict[str, str | None] = {}
    for piece in _PIECE.finditer(text.translate(_MASKED)):
        raw = piece.group()
        if runs and _HAS_UNSPACED.match(raw):
            yield from _hits_in_run(raw, piece.start(), runs)
            continue
        if raw not in known:
            known[raw] = _term_in(raw, words, query.prefix)
        term = known[raw]
        if term is not None:
            yield piece.start(), piece.end(), term


def _term_in(raw: str, words: set[str], prefix: str) -> str | None:
    for folded in fold(raw).split():
        word = folded[:MAX_WORD_CHARS]
        if word in words:
            return word
        if prefix and word.startswith(prefix):
            return prefix
    return None


def _hits_in_run(raw: str, start: int, runs: list[str]) -> Iterator[tuple[int, int, str]]:
    known = {char: fold(char) for char in set(raw)}
    folded = "".join(known[char] for char in raw)
    places = [place for place, char in enumerate(raw) for _ in known[char]]
    found = [
        (start + places[match.start()], start + places[match.end() - 1] + 1, run)
        for run in runs
        for match in re.finditer(re.escape(run), folded)
    ]
    end = 0
    for hit in sorted(found):
        if hit[0] >= end:
            yield hit
            end = hit[1]


def _parts(text: str, start: int, end: int, hits: Sequence[tuple[int, int, str]]) -> list[Part]:
    parts = []
    at = start
    for hit_start, hit_end, _ in hits:
        if hit_start < at or hit_end > end:
            continue
        parts += [Part(text[at:hit_start], False), Part(text[hit_start:hit_end], True)]  # noqa: FBT003
        at = hit_end
    parts.append(Part(text[at:end], False))  # noqa: FBT003
    return _merged(parts)


def _merged(parts: list[Part]) -> list[Part]:
    """Join neighbours of a kind, drop empty ones, and make every run of white space one space."""
    merged: list[Part] = []
    for part in parts:
        text = _SPACES.sub(" ", part.text)
        if merged and merged[-1].match == part.match:
            merged[-1] = Part(merged[-1].text + text, part.match)
        elif text:
            merged.append(Part(text, part.match))
    return merged


def _word_start(text: str, place: int) -> int:
    """Return where the next word begins, unless it is far: then the place itself."""
    found = _SPACES.search(text, place, place + 20)
    return found.end() if found else place


def _word_end(text: str, place: int) -> int:
    if place >= len(text):
        return len(text)
    spaces = list(_SPACES.finditer(text, place - 20, place + 1))
    return spaces[-1].start() if spaces else place
