"""The question as the demo reads it: bounded, lowered and split once, whatever was sent."""

import re
from collections.abc import Collection, Iterable, Sequence

import msgspec

from chatapp.core.chat import Message

# What a person asks stands at the beginning; the rest of a long paste is not read.
LONGEST = 2_000
_WORD = re.compile(r"[^\W_]+(?:['’+#][^\W_]{1,20})?")
# What a word or a question may begin and end with without being another one.
EDGES = " \t\r\n.,;:!?…¡¿。！？،؟\"'“”„«»()"


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """The last message of a person and what was said before it."""

    text: str
    line: str
    words: tuple[str, ...]
    earlier: tuple[Message, ...]

    def has(self, words: Collection[str]) -> bool:
        """Say whether any of the words occurs as a whole word."""
        return any(word in words for word in self.words)

    def says(self, phrases: Iterable[str]) -> bool:
        """Say whether any of the phrases occurs, on word boundaries."""
        padded = f" {' '.join(self.words)} "
        return any(f" {phrase} " in padded for phrase in phrases)

    @property
    def first_word(self) -> str:
        return self.words[0] if self.words else ""


def read_question(messages: Sequence[Message]) -> Question:
    """Return the last message of the person as a question; system messages are left out."""
    said = [message for message in messages if message.role != "system"]
    last = max((number for number, message in enumerate(said) if message.role == "user"), default=-1)
    text = said[last].text[:LONGEST].strip() if last >= 0 else ""
    line = " ".join(text.lower().replace("’", "'").split()).strip(EDGES)
    words = tuple(match[0] for match in _WORD.finditer(line))
    return Question(text=text, line=line, words=words, earlier=tuple(said[: max(0, last)]))
