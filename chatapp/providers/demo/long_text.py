"""Long texts on request: as many words as asked for, varied, and the same for the same question."""

import random
import zlib
from collections.abc import Iterator, Sequence

from chatapp.providers.demo.samples import Bank, StoryData, story_data

_SENTENCES_PER_PARAGRAPH = (3, 4, 5)
_WORDS_PER_CHAPTER = 220


def write_story(topic: str, *, words: int) -> str:
    """Return a tale of about `words` words in chapters; a short one has none."""
    data = story_data()
    return _write(data, data.story, topic or "the lighthouse", words)


def write_essay(topic: str, *, words: int) -> str:
    """Return an essay of about `words` words in chapters; a short one has none."""
    data = story_data()
    return _write(data, data.essay, topic or "attention", words)


def _write(data: StoryData, bank: Bank, topic: str, words: int) -> str:
    # Seeded by what was asked: the answer can be continued later, and tests can rely on it.
    chance = random.Random(zlib.crc32(f"{bank.title}{topic}{words}".encode()))
    gaps = _gaps(data, topic, chance)
    parts = [f"## {_filled(bank.title, gaps)}"]
    chapters = _chapters(data, bank, gaps, chance)
    if words <= 1.5 * _WORDS_PER_CHAPTER:
        _, *paragraphs = next(chapters)
        while _length(parts) < words and paragraphs:
            parts.append(paragraphs.pop(0))
    while _length(parts) < words:
        for part in next(chapters):
            parts.append(part)
            if _length(parts) >= words:
                break
    return "\n\n".join([*parts, _filled(bank.last, gaps)])


def _chapters(data: StoryData, bank: Bank, gaps: dict[str, str], chance: random.Random) -> Iterator[list[str]]:
    """Yield chapters without end, each as its heading and its paragraphs."""
    titles, openings, closings = (_in_turn(each, chance) for each in (bank.chapters, bank.openings, bank.closings))
    middles = _in_turn(bank.middles, chance, leads=bank.leads)
    while True:
        chapter = [f"### {next(titles)}"]
        while _length(chapter) < _WORDS_PER_CHAPTER:
            sentences = [next(middles) for _ in range(chance.choice(_SENTENCES_PER_PARAGRAPH))]
            if len(chapter) == 1:
                sentences[0] = next(openings)
            filled = [
                _filled(sentence, _gaps(data, gaps["topic"], chance, hero=gaps["hero"])) for sentence in sentences
            ]
            chapter.append(" ".join(filled))
        chapter[-1] += " " + _filled(next(closings), gaps)
        yield chapter


def _length(parts: Sequence[str]) -> int:
    return sum(len(part.split()) for part in parts)


def _gaps(data: StoryData, topic: str, chance: random.Random, *, hero: str = "") -> dict[str, str]:
    return {
        "hero": hero or chance.choice(data.heroes),
        "friend": chance.choice(data.friends),
        "place": chance.choice(data.places),
        "thing": chance.choice(data.things),
        "weather": chance.choice(data.weathers),
        "hour": chance.choice(data.hours),
        "sound": chance.choice(data.sounds),
        "topic": topic,
    }


def _filled(sentence: str, gaps: dict[str, str]) -> str:
    filled = sentence.format_map(gaps)
    return filled[0].upper() + filled[1:]


def _in_turn(items: Sequence[str], chance: random.Random, *, leads: Sequence[str] = ()) -> Iterator[str]:
    """Yield all items in a new order again and again, from the second time on each with a lead before it."""
    yield from chance.sample(items, len(items))
    lead = _in_turn(leads, chance) if leads else None
    while True:
        for item in chance.sample(items, len(items)):
            yield f"{next(lead)}, {item[0].lower()}{item[1:]}" if lead else item
