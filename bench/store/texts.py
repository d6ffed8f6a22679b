"""Texts like those of a chat: words of a made-up language, as often as words are said in a real one."""

from collections.abc import Iterator
from itertools import accumulate
from random import Random

_CONSONANTS = "bcdfghklmnprstvz"
_VOWELS = "aeiou"
_VOCABULARY = 30_000
_POOL = 6_000
_WORDS = (30, 72)  # per text: about 300 characters with the spaces between
# Every so-manieth word is long, however often it is said: beginnings of any length are looked for.
_LONG_EVERY = 5


class Language:
    """The words from the most common to the rarest, and a pool of texts.

    The word of rank r is said with a chance in proportion to 1/r (Zipf's law). The pool saves time: where a text comes
    up again, so do its words, at their own frequency.
    """

    def __init__(self, random: Random) -> None:
        self.words = list(_make_words(random))
        chances = list(accumulate(1 / rank for rank in range(1, _VOCABULARY + 1)))
        self.texts = [
            " ".join(random.choices(self.words, cum_weights=chances, k=random.randint(*_WORDS))) for _ in range(_POOL)
        ]
        self._random = random

    def say(self) -> str:
        return self._random.choice(self.texts)


def _make_words(random: Random) -> Iterator[str]:
    made: set[str] = set()
    while len(made) < _VOCABULARY:
        rank = len(made) + 1
        # Common words are short, as everywhere.
        syllables = 5 if rank % _LONG_EVERY == 0 else random.randint(1, 2) if rank < 60 else random.randint(2, 4)
        word = "".join(random.choice(_CONSONANTS) + random.choice(_VOWELS) for _ in range(syllables))
        word += random.choice(("", "n", "s", "r"))
        if word not in made:
            made.add(word)
            yield word
