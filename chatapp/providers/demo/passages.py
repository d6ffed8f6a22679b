"""Turns the sections that were found into an answer that reads as one."""

from collections.abc import Collection, Sequence

from chatapp.providers.demo.documents import Section, is_long_table, split_blocks
from chatapp.providers.demo.retrieval import Hit
from chatapp.providers.demo.terms import terms_of

# A section up to this long is quoted whole; of a longer one, the blocks that speak of the question.
_LONGEST_QUOTE = 1_800
_NEAR = 0.55


def answer_from(hits: Sequence[Hit], terms: Collection[str]) -> str:
    """Return the best passage under the name of its section, and the names of others worth asking about."""
    best = hits[0]
    name = name_of(best.section)
    parts = [f"From {name}:", quote(best.section, terms)]
    others = dict.fromkeys(name_of(hit.section) for hit in hits[1:] if hit.score >= _NEAR * best.score)
    others.pop(name, None)
    if others:
        parts.append(f"See also {' and '.join(list(others)[:2])}.")
    return "\n\n".join(parts)


def name_of(section: Section) -> str:
    return f"*{section.title}* in {section.document}"


def quote(section: Section, terms: Collection[str]) -> str:
    """Return the section's body, cut down to the blocks that hold `terms` when it is long."""
    wanted = frozenset(terms)
    # What the title says is true of every row; the other words tell the rows apart.
    telling = wanted.difference(terms_of(section.title))
    blocks = [_rows_about(block, telling) for block in split_blocks(section.body)]
    if sum(map(len, blocks)) <= _LONGEST_QUOTE:
        return "\n\n".join(blocks)
    relevance = [len(wanted.intersection(terms_of(block))) for block in blocks]
    chosen: set[int] = set()
    room = _LONGEST_QUOTE
    for number in sorted(range(len(blocks)), key=lambda number: (-relevance[number], number)):
        group = _with_example(blocks, number) - chosen
        size = sum(len(blocks[member]) for member in group)
        if size <= room or not chosen:
            chosen |= group
            room -= size
    return "\n\n".join(blocks[number] for number in sorted(chosen))


def _with_example(blocks: Sequence[str], number: int) -> set[int]:
    """Return a block with what it needs to make sense: the example it announces, or the line that announces it."""
    group = {number}
    if blocks[number].rstrip().endswith(":") and number + 1 < len(blocks):
        group.add(number + 1)
    if number and blocks[number - 1].rstrip().endswith(":"):
        group.add(number - 1)
    return group


def _rows_about(block: str, terms: frozenset[str]) -> str:
    """Return a long table with only the rows that hold most of `terms`, or unchanged if none holds any."""
    if not is_long_table(block):
        return block
    head, rule, *rows = block.split("\n")
    held = [len(terms.intersection(terms_of(row))) for row in rows]
    most = max(held)
    kept = [row for row, count in zip(rows, held, strict=True) if most and count == most]
    return "\n".join([head, rule, *kept]) if kept else block
