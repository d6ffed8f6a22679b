"""What the demo shows and says from its own data files, read on first use."""

import tomllib
from functools import cache
from importlib import resources

import msgspec

from chatapp.providers.demo.documents import split_sections

_DATA = resources.files("chatapp") / "data" / "demo"


class Language(msgspec.Struct, frozen=True):
    """How to greet in one language; `first` are the words that a greeting begins with."""

    name: str
    aliases: tuple[str, ...]
    first: tuple[str, ...]
    hello: str
    intro: str


class Bank(msgspec.Struct, frozen=True):
    """The sentences of one kind of long text."""

    title: str
    chapters: tuple[str, ...]
    openings: tuple[str, ...]
    middles: tuple[str, ...]
    closings: tuple[str, ...]
    last: str
    leads: tuple[str, ...]


class StoryData(msgspec.Struct, frozen=True):
    """What fills the gaps of the sentences, and the two banks."""

    heroes: tuple[str, ...]
    friends: tuple[str, ...]
    places: tuple[str, ...]
    things: tuple[str, ...]
    weathers: tuple[str, ...]
    hours: tuple[str, ...]
    sounds: tuple[str, ...]
    story: Bank
    essay: Bank


@cache
def talk() -> dict[str, str]:
    """Return the demo's own sentences by title."""
    return _by_title("talk.md")


@cache
def showcase() -> dict[str, str]:
    """Return the samples by name: a language of code, or a kind of formatting."""
    return _by_title("showcase.md")


@cache
def languages() -> tuple[Language, ...]:
    return msgspec.convert(tomllib.loads(_read("languages.toml"))["language"], tuple[Language, ...])


@cache
def story_data() -> StoryData:
    return msgspec.convert(tomllib.loads(_read("story.toml")), StoryData)


def _by_title(name: str) -> dict[str, str]:
    return {section.title: section.body for section in split_sections(_read(name), document=name)}


def _read(name: str) -> str:
    return (_DATA / name).read_text(encoding="utf-8")
