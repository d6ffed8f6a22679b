"""Text to search terms: words lowered and brought to one form, so that "deploying" finds "Deployment"."""

import re
from collections.abc import Iterator
from functools import cache, lru_cache
from itertools import pairwise

from chatapp.providers.demo.vocabulary import vocabulary

_NAME = re.compile(r"\w+")
_LONGEST_WORD = 40

# Tried in this order; the number is how many letters must be left over.
_ENDINGS = (
    ("ations", "", 4),
    ("ation", "", 4),
    ("ments", "", 4),
    ("ment", "", 4),
    ("ings", "", 3),
    ("ing", "", 3),
    ("ies", "y", 2),
    ("ied", "y", 2),
    ("ers", "", 4),
    ("er", "", 4),
    ("ed", "", 4),
    ("es", "", 4),
    ("ly", "", 4),
    ("s", "", 3),
)


def terms_of(text: str) -> Iterator[str]:
    """Yield the terms of `text` in order, stop words left out.

    A name such as `WEB_CONCURRENCY` gives its parts and itself. Linear in the text's length.
    """
    stop = vocabulary().stop
    for match in _NAME.finditer(text.lower()):
        name = match[0].strip("_")
        words = name.split("_")
        for word in words:
            if word not in stop and (len(word) > 1 or not word.isascii()):
                yield stem(word[:_LONGEST_WORD])
        if len(words) > 1:
            yield name[: 2 * _LONGEST_WORD]


def pairs_of(text: str) -> frozenset[tuple[str, str]]:
    """Return the pairs of words that follow each other, stop words included: "get started" is a phrase of its own."""
    words = [stem(match[0][:_LONGEST_WORD]) for match in _NAME.finditer(text.lower())]
    return frozenset(pairwise(words))


@lru_cache(maxsize=4_096)
def stem(word: str) -> str:
    """Return the common form of an English word: stream, streams, streaming and streamed give one term."""
    for ending, replacement, rest in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= rest and not word.endswith("ss"):
            word = word[: -len(ending)] + replacement
            break
    if len(word) > 3 and word.endswith("e"):
        word = word[:-1]
    if len(word) > 3 and word[-1] == word[-2]:
        word = word[:-1]
    return word


@cache
def synonyms() -> dict[str, frozenset[str]]:
    """Return, for each term that has any, the terms that mean nearly the same."""
    groups = [frozenset(map(stem, words)) for words in vocabulary().synonyms]
    return {term: group - {term} for group in groups for term in group}
