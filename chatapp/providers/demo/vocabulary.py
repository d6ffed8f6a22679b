"""The words and phrases by which the demo tells what it is asked for."""

import tomllib
from functools import cache
from importlib import resources
from typing import Any

import msgspec

_FILE = resources.files("chatapp") / "data" / "demo" / "vocabulary.toml"


class Phrases(msgspec.Struct, frozen=True, rename={"continue_": "continue"}):
    """Runs of words that mean one thing."""

    greeting: tuple[str, ...]
    example: tuple[str, ...]
    everything: tuple[str, ...]
    many_languages: tuple[str, ...]
    right_to_left: tuple[str, ...]
    long: tuple[str, ...]
    continue_: tuple[str, ...]
    more: tuple[str, ...]
    own_words: tuple[str, ...]
    own_answer: tuple[str, ...]
    conversation: tuple[str, ...]
    wellbeing: tuple[str, ...]
    identity: tuple[str, ...]
    abilities: tuple[str, ...]


class Vocabulary(msgspec.Struct, frozen=True):
    """Sets of single words, named for what they tell; `synonyms` holds one set per meaning."""

    stop: frozenset[str]
    synonyms: tuple[frozenset[str], ...]
    product: frozenset[str]
    show: frozenset[str]
    asking: frozenset[str]
    speaking: frozenset[str]
    greeting: frozenset[str]
    trouble: frozenset[str]
    connecting: frozenset[str]
    pointing: frozenset[str]
    code: frozenset[str]
    long_kinds: frozenset[str]
    essay_kinds: frozenset[str]
    kinds: dict[str, frozenset[str]]
    code_names: dict[str, frozenset[str]]
    phrases: Phrases


@cache
def vocabulary() -> Vocabulary:
    """Return the vocabulary; read once."""
    data = tomllib.loads(_FILE.read_text(encoding="utf-8"))
    split = {key: _split(value) for key, value in data.items() if key not in ("phrases", "synonyms")}
    synonyms = [line.split() for line in data["synonyms"].splitlines() if line]
    return msgspec.convert({**split, "synonyms": synonyms, "phrases": data["phrases"]}, Vocabulary)


def _split(value: str | dict[str, str]) -> Any:
    return value.split() if isinstance(value, str) else {key: words.split() for key, words in value.items()}
