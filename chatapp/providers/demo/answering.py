"""Chooses the demo's answer: a rule that fits, or the documentation, or an honest no."""

from collections.abc import Sequence
from functools import cached_property

from chatapp.core.chat import Message
from chatapp.providers.demo.documents import Section
from chatapp.providers.demo.intents import RULES
from chatapp.providers.demo.passages import answer_from, name_of
from chatapp.providers.demo.question import LONGEST, Question, read_question
from chatapp.providers.demo.retrieval import Hit, SectionIndex, weigh
from chatapp.providers.demo.samples import talk
from chatapp.providers.demo.terms import terms_of
from chatapp.providers.demo.vocabulary import vocabulary

# How much of the question a section must speak of to answer it, and to be named as the nearest thing.
_ENOUGH = 0.5
_NEAR = 0.3
_EARLIER_WEIGHT = 0.45
_TROUBLE_WEIGHT = 0.5


class Answerer:
    """Answers from `sections`; the same conversation always gets the same answer."""

    def __init__(self, sections: Sequence[Section]) -> None:
        self._sections = sections

    def answer(self, messages: Sequence[Message]) -> str:
        """Return the answer to the last message, in Markdown; never empty."""
        question = read_question(messages)
        phrases = vocabulary().phrases
        if question.line.startswith(phrases.continue_) and len(question.words) <= 40 and question.earlier:
            return self._rest_of(question.earlier)
        if question.line in phrases.more and question.earlier:
            return self._more_about(question.earlier)
        return self._answer(question)

    def _answer(self, question: Question) -> str:
        for rule in RULES:
            if (text := rule(question)) is not None:
                return text
        if not self._sections:
            return talk()["No documents"]
        hits = self._hits(question)
        if hits and hits[0].coverage >= _ENOUGH:
            return answer_from(hits, set(terms_of(question.text)))
        if not weigh(question.text):
            return talk()["Abilities"]
        if hits and hits[0].coverage >= _NEAR:
            return f"{talk()['Off-topic']}\n\nThe nearest I know of is {name_of(hits[0].section)}; ask me about that."
        return talk()["Off-topic"]

    def _hits(self, question: Question) -> list[Hit]:
        """Return passages for the question; one that leans on the question before also searches with its words."""
        words = vocabulary()
        own = weigh(question.text)
        before = _last_question(question.earlier)
        leans = question.first_word in words.connecting or question.says(("what about", "how about"))
        points = question.has(words.pointing) and len(own) <= 3
        hints: dict[str, float] = {}
        if before is not None and (leans or points or not own):
            hints |= weigh(before, _EARLIER_WEIGHT)
        if question.has(words.trouble):
            hints |= weigh("troubleshooting", _TROUBLE_WEIGHT)
        # Of hints, only words that the documentation knows: a "hi" before must not count against a match.
        known = {term: weight for term, weight in hints.items() if self._index.has(term)}
        return self._index.search({**known, **own}, wording=question.text)

    def _more_about(self, earlier: Sequence[Message]) -> str:
        """Return the next section on the last question that was no "more" itself."""
        asked = [message.text[:LONGEST] for message in earlier if message.role == "user"]
        turns = 1
        while asked and asked[-1].lower().strip(" .!?") in vocabulary().phrases.more:
            asked.pop()
            turns += 1
        if asked:
            hits = self._index.search(weigh(asked[-1]), wording=asked[-1], limit=turns + 1)[turns:]
            if hits and hits[0].coverage >= _NEAR:
                return answer_from(hits, set(terms_of(asked[-1])))
        return talk()["Nothing more"]

    def _rest_of(self, earlier: Sequence[Message]) -> str:
        """Return what is missing of the last answer: it is composed again and compared with what arrived."""
        said: list[str] = []
        turns = list(earlier)
        go_on = vocabulary().phrases.continue_
        while turns and (turns[-1].role == "assistant" or turns[-1].text.lower().startswith(go_on)):
            turn = turns.pop()
            if turn.role == "assistant":
                said.append(turn.text)
        if not turns or not said:
            return talk()["Nothing more"]
        whole = self._answer(read_question(turns))
        return _after(whole, "".join(reversed(said))) or talk()["Nothing more"]

    @cached_property
    def _index(self) -> SectionIndex:
        # Built on the first question, so that starting the server does not wait for it.
        return SectionIndex(self._sections)


def _last_question(earlier: Sequence[Message]) -> str | None:
    return next((message.text[:LONGEST] for message in reversed(earlier) if message.role == "user"), None)


def _after(whole: str, beginning: str) -> str:
    """Return what follows `beginning` in `whole`, spaces not counted; empty if it does not begin so."""
    position = 0
    for character in "".join(beginning.split()):
        while position < len(whole) and whole[position].isspace():
            position += 1
        if position == len(whole) or whole[position] != character:
            return ""
        position += 1
    return whole[position:]
