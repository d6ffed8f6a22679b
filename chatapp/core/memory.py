"""Facts that a person wants every conversation to know: how they are told, and how they are heard."""

import re
from collections.abc import Callable, Sequence

MAX_FACTS = 200
MAX_FACT_CHARS = 500

# Facts may take so much of a model's window, so that the conversation itself has room.
WINDOW_SHARE = 4

_HEADING = "What the person wants you to know:"
_ASKS = re.compile(r"\s*(?:please[\s,]+)?remember(?:\s+that\b\s*:?|\s*:)\s*(?P<fact>.*)", re.IGNORECASE)
_SENTENCE_END = re.compile(r"(?<=[.!?…])\s+")


def fact_in(message: str) -> str | None:
    """Return the fact that a message asks to remember: what follows "Remember that" or "Remember:" on its first line.

    A question after the fact is not part of it, and a message that only asks ("Remember that film?") has none.
    """
    asked = _ASKS.match(message)
    if asked is None:
        return None
    sentences = _SENTENCE_END.split(asked["fact"].strip())
    question = next((place for place, sentence in enumerate(sentences) if sentence.endswith("?")), len(sentences))
    fact = tidied(" ".join(sentences[:question]))
    if not any(char.isalnum() for char in fact) or len(fact) > MAX_FACT_CHARS:
        return None
    return fact[0].upper() + fact[1:]


def tidied(fact: str) -> str:
    """Return a fact on one line, without spaces around it."""
    return " ".join(fact.split())


def is_same(fact: str, other: str) -> bool:
    """Say whether two facts differ in nothing but case and the point at the end."""
    return fact.casefold().rstrip(" .!") == other.casefold().rstrip(" .!")


def memory_section(facts: Sequence[str]) -> str:
    """Return what a model is told of the facts; empty when there are none."""
    return "\n".join([_HEADING, *(f"- {fact}" for fact in facts)]) if facts else ""


def newest_that_fit(facts: Sequence[str], *, limit: int, count: Callable[[str], int]) -> Sequence[str]:
    """Return the newest of the facts, which come oldest first, that fit into `limit` tokens."""
    room = limit - count(_HEADING)
    for place in range(len(facts) - 1, -1, -1):
        room -= count(f"\n- {facts[place]}")
        if room < 0:
            return facts[place + 1 :]
    return facts
