"""The demo as a provider: an answer composed at once and given at a human pace."""

import re
from collections.abc import Callable, Iterator, Sequence
from itertools import cycle

import gevent

from chatapp.core.chat import ChatRequest
from chatapp.core.events import SILENCE, Events, Finished, FinishReason, Silence, Started, TextDelta, Usage
from chatapp.providers.demo.answering import Answerer
from chatapp.providers.demo.documents import Section

MODEL = "demo"

_WORD = re.compile(r"\s*\S{1,14}|\s+")
_WORDS_PER_PIECE = (2, 3, 2, 4, 3)
# A reader far behind is told at least this often that the answer is still coming.
_LONGEST_SILENCE_S = 1.0
# Without a pace, the other greenlets of the worker still get their turn this often.
_PIECES_PER_TURN = 8


class DemoProvider:
    """Answers without a model and without the network.

    Units: `pace_s` is the time between two pieces of two to four words, `first_token_s` the time before the first.
    """

    def __init__(
        self,
        sections: Sequence[Section],
        *,
        count: Callable[[str], int],
        pace_s: float = 0.03,
        first_token_s: float | None = None,
    ) -> None:
        self._answerer = Answerer(sections)
        self._count = count
        self._pace_s = pace_s
        self._first_token_s = 5 * pace_s if first_token_s is None else first_token_s

    def stream(self, request: ChatRequest, *, api_key: str | None = None) -> Events:
        """Yield the answer piece by piece; a key is not needed and not looked at."""
        yield Started(MODEL)
        answer = self._answerer.answer(request.messages)
        text = first_tokens(answer, request.max_tokens, self._count)
        yield from self._pause(self._first_token_s)
        for number, piece in enumerate(pieces(text)):
            if number and (self._pace_s or number % _PIECES_PER_TURN == 0):
                yield from self._pause(self._pace_s)
            yield TextDelta(piece)
        reason: FinishReason = "stop" if text == answer else "length"
        yield Usage(
            prompt_tokens=sum(self._count(message.text) for message in request.messages),
            completion_tokens=self._count(text),
            cost_usd_micros=0,
        )
        yield Finished(reason)

    def _pause(self, seconds: float) -> Iterator[Silence]:
        while seconds > _LONGEST_SILENCE_S:
            gevent.sleep(_LONGEST_SILENCE_S)
            seconds -= _LONGEST_SILENCE_S
            yield SILENCE
        gevent.sleep(seconds)


def pieces(text: str) -> Iterator[str]:
    """Yield `text` in pieces of two to four words, spaces kept; joined they are the text again."""
    sizes = cycle(_WORDS_PER_PIECE)
    held: list[str] = []
    size = next(sizes)
    for match in _WORD.finditer(text):
        held.append(match[0])
        if len(held) == size:
            yield "".join(held)
            held.clear()
            size = next(sizes)
    if held:
        yield "".join(held)


def first_tokens(text: str, limit: int | None, count: Callable[[str], int]) -> str:
    """Return as much of `text` as has at most `limit` tokens, cut between words where possible; at least one character.

    Cost: one count of the text, and one for each halving when it is too long.
    """
    if limit is None or count(text) <= limit:
        return text
    ends = [match.end() for match in _WORD.finditer(text)]
    fitting, too_long = 0, len(ends)
    while too_long - fitting > 1:
        middle = (fitting + too_long) // 2
        if count(text[: ends[middle - 1]]) <= limit:
            fitting = middle
        else:
            too_long = middle
    return text[: ends[fitting - 1]] if fitting else text[:1]
