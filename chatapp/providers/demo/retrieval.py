"""Finds the sections, and the rows of their long tables, that a question is about."""

import math
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence

import msgspec

from chatapp.providers.demo.documents import Section, is_long_table, split_blocks
from chatapp.providers.demo.terms import pairs_of, synonyms, terms_of

# BM25's usual saturation and length normalisation (Robertson and Zaragoza, 2009).
_K1 = 1.2
_B = 0.6
# A word of a title says as much as this many in the text, and more if it is the whole title.
_TITLE_WEIGHT = 3.0
_WHOLE_TITLE_WEIGHT = 4.0
_PARENT_WEIGHT = 2.0
# What a title is worth, for each of its words, if the question holds all of them.
_TITLE_BONUS = 0.15
# What each pair of words is worth that follow each other in the question and in the title.
_PAIR_BONUS = 0.25
_SYNONYM_WEIGHT = 0.35
_MOST_TERMS = 48


class Passage(msgspec.Struct, frozen=True):
    """What can be found: a section, or one row of a long table in it, which then is the section's whole body."""

    section: Section
    title: str
    is_row: bool


class Hit(msgspec.Struct, frozen=True):
    """A passage that was found.

    `coverage` is the share of the question that the passage speaks of, 0 to 1, rare words weighing more.
    """

    passage: Passage
    score: float
    coverage: float

    @property
    def section(self) -> Section:
        return self.passage.section


class SectionIndex:
    """An inverted index over the passages of sections, ranked by BM25."""

    def __init__(self, sections: Sequence[Section]) -> None:
        self._passages = [passage for section in sections for passage in _passages_of(section)]
        self._titles = [(frozenset(terms_of(each.title)), pairs_of(each.title)) for each in self._passages]
        postings: dict[str, list[tuple[int, float]]] = defaultdict(list)
        counts = [_weighted_terms(passage) for passage in self._passages]
        average = sum(sum(terms.values()) for terms in counts) / max(1, len(counts))
        for number, terms in enumerate(counts):
            norm = _K1 * (1 - _B + _B * sum(terms.values()) / average)
            for term, count in terms.items():
                postings[term].append((number, count * (_K1 + 1) / (count + norm)))
        self._postings = dict(postings)

    def has(self, term: str) -> bool:
        """Say whether any passage holds the term."""
        return term in self._postings

    def search(self, query: Mapping[str, float], *, wording: str = "", limit: int = 4) -> list[Hit]:
        """Return the best passages for weighted terms, best first; equal ones in the order of the documents.

        `wording` is the question itself, for titles that use the same turn of phrase.
        """
        asked_pairs = pairs_of(wording)
        scores: dict[int, float] = defaultdict(float)
        covered: dict[int, float] = defaultdict(float)
        total = 0.0
        for term, weight in list(query.items())[:_MOST_TERMS]:
            total += weight * self._rarity(term)
            for number, (score, share) in self._matches(term).items():
                scores[number] += weight * score
                covered[number] += weight * share
        for number in scores:
            title, pairs = self._titles[number]
            whole = len(title) if title <= query.keys() else 0
            scores[number] *= 1 + _TITLE_BONUS * whole + _PAIR_BONUS * len(pairs & asked_pairs)
        best = sorted(scores, key=lambda number: (-scores[number], number))[:limit]
        return [Hit(self._passages[number], scores[number], covered[number] / total) for number in best]

    def _matches(self, term: str) -> dict[int, tuple[float, float]]:
        """Return what each passage gains from `term` or, failing that, from its best synonym: score and share."""
        rarity = self._rarity(term)
        found = {number: (rarity * gain, rarity) for number, gain in self._postings.get(term, ())}
        for synonym in sorted(synonyms().get(term, ())):
            for number, gain in self._postings.get(synonym, ()):
                value = _SYNONYM_WEIGHT * self._rarity(synonym) * gain
                if value > found.get(number, (0.0, 0.0))[0]:
                    found[number] = (value, max(found.get(number, (0.0, 0.0))[1], 0.6 * rarity))
        return found

    def _rarity(self, term: str) -> float:
        frequency = len(self._postings.get(term, ()))
        return math.log(1 + (len(self._passages) - frequency + 0.5) / (frequency + 0.5))


def weigh(text: str, weight: float = 1.0) -> dict[str, float]:
    """Return the terms of `text` as a query, each with the same weight."""
    return dict.fromkeys(terms_of(text), weight)


def _passages_of(section: Section) -> Iterator[Passage]:
    yield Passage(section, section.title, is_row=False)
    for block in split_blocks(section.body):
        if is_long_table(block):
            head, rule, *rows = block.split("\n")
            for row in rows:
                body = "\n".join((head, rule, row))
                first_cell = row.strip("| ").partition("|")[0]
                yield Passage(msgspec.structs.replace(section, body=body), first_cell, is_row=True)


def _weighted_terms(passage: Passage) -> dict[str, float]:
    """Return how much a passage says of each term."""
    weights: dict[str, float] = dict(Counter(terms_of(passage.section.body)))
    title = set(terms_of(passage.title))
    for term in title:
        weights[term] = weights.get(term, 0.0) + _TITLE_WEIGHT + _WHOLE_TITLE_WEIGHT / len(title)
    # A row is found by what it says; the headings above it are those of all its neighbours.
    above = () if passage.is_row else (passage.section.document.removesuffix(".md"), *passage.section.parents)
    for term in set(terms_of(" ".join(above))):
        weights[term] = weights.get(term, 0.0) + _PARENT_WEIGHT
    return weights
