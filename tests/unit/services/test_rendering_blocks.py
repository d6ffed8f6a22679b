"""An answer is rendered while it arrives: the same HTML, however it is cut, and each line looked at once."""

import itertools
import sys
from collections.abc import Callable, Iterator
from functools import partial
from types import FrameType
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chatapp.core.events import SILENCE, Block, Events, Failed, Finished, Started, TextDelta, Usage
from chatapp.errors import ProviderError
from chatapp.services.rendering import BlockRenderer, render, render_blocks
from chatapp.services.rendering.budget import Budget
from chatapp.services.rendering.cleaning import clean
from chatapp.services.rendering.footnotes import Footnotes
from chatapp.services.rendering.markdown import Answer, render_markdown

LINES = [
    "# Heading", "text", "more *text* and `code`", "", "", "- a", "- b", "  c", "1. x", "   y", "  - nested", "```",
    "```py", "~~~", "    code", "> quote", "| a | b |", "|---|---|", "| 1 | 2 |", "$$", "x^2", r"\[", r"\]", "---",
    "* * *", "   ```", "  ```", " ", "10) k", "> - q", "> ```", "$$a$$", "-", "[x](http://a.b)", "![x](http://a.b)",
    "a\r", "\r", "é\u2028漢字😀", "\ttab", "- [ ] task", "> [!NOTE]", "https://a.b/c", "**bold",
]  # fmt: skip

WELL_FORMED = [
    "# Heading\n", "A paragraph\nof two lines.\n", "- a\n- b\n  more\n\n  again\n- c\n", "1. a\n   - b\n\n2. c\n",
    "```py\ndef f():\n\n    return 1\n# no heading\n```\n", "> quote\n> more\n", "| a | b |\n|---|--:|\n| 1 | 2 |\n",
    "$$\nx^2\n$$\n", "\\[\nx\n\\]\n", "---\n", "~~~\n```\n~~~\n", "1. a\n\n   ```sh\n   ls\n\n   cd\n   ```\n\n2. b\n",
    "    indented\n\n    code\n", "- [ ] task\n", "> [!NOTE]\n> text\n", "text:\n- a\n- b\n", "Title\n=====\n",
    "1. a\n\n  ```\n  x\n\ny\n  ```\n",
]  # fmt: skip


def in_pieces(text: str, cuts: list[int]) -> Iterator[str]:
    bounds = [0, *sorted(cut for cut in cuts if cut <= len(text)), len(text)]
    return (text[start:end] for start, end in itertools.pairwise(bounds) if end > start)


@given(
    lines=st.lists(st.sampled_from(LINES), max_size=25),
    cuts=st.lists(st.integers(min_value=0, max_value=300), max_size=30),
)
@settings(max_examples=300, deadline=None)
def test_the_html_does_not_depend_on_how_the_text_was_cut(lines: list[str], cuts: list[int]) -> None:
    text = "\n".join(lines)
    renderer = BlockRenderer()

    blocks = [block for piece in in_pieces(text, cuts) for block in renderer.push(piece)]
    blocks += renderer.finish()

    # As a reader keeps them: a later block takes the place of an earlier one with its index.
    kept = {block.index: block.html for block in blocks}
    assert "".join(kept.values()) == renderer.html == render(text)
    assert list(kept) == list(range(len(kept)))


@given(st.text(alphabet=st.characters(codec=None), max_size=80), st.lists(st.integers(0, 80), max_size=10))
@settings(max_examples=200, deadline=None)
def test_any_text_can_be_rendered(text: str, cuts: list[int]) -> None:
    renderer = BlockRenderer()
    for piece in in_pieces(text, cuts):
        list(renderer.push(piece))
    list(renderer.finish())

    assert (renderer.final_html() or renderer.html) == render(text)
    renderer.html.encode("utf-8")


@given(st.lists(st.tuples(st.sampled_from(WELL_FORMED), st.sampled_from(["", "\n", "\n\n"])), max_size=8))
@settings(max_examples=300, deadline=None)
def test_blocks_are_where_the_parser_finds_them(parts: list[tuple[str, str]]) -> None:
    """The scanner that cuts the text and the parser of the whole text must agree on what a block is."""
    text = "".join(part + gap for part, gap in parts).rstrip("\n") + "\n"

    at_once = render_markdown(text, Answer(Budget(), Footnotes("")))

    assert at_once is not None
    assert render(text) == clean(at_once)


@given(st.lists(st.sampled_from(LINES), max_size=20))
@settings(max_examples=100, deadline=None)
def test_blocks_and_rest_are_the_whole_text_at_any_time(lines: list[str]) -> None:
    """A reader shows the blocks and then the rest; what it shows is never behind the text."""
    text = "\n".join(lines).replace("\r", "")
    renderer = BlockRenderer()
    rest = ""
    for count, letter in enumerate(text, start=1):
        rest += letter
        for block in renderer.push(letter):
            rest = block.rest
        assert text[:count].endswith(rest)
    for block in renderer.finish():
        rest = block.rest
    assert not rest.strip()


@pytest.mark.parametrize(
    ("text", "shown", "rest"),
    [
        pytest.param("- a\n- b", "<li", "- b", id="list"),
        pytest.param("|a|b|\n|-|-|\n|c|", "<table", "|c|", id="table"),
        pytest.param("> a\n> b", "<blockquote", "> b", id="quote"),
    ],
)
def test_a_growing_block_is_shown_before_it_is_complete(text: str, shown: str, rest: str) -> None:
    """Bars and dashes are no table: a reader should not have to wait for its last row."""
    renderer = BlockRenderer()

    growing = [block for letter in text for block in renderer.push(letter)]
    [closed] = renderer.finish()

    assert growing
    assert shown in growing[-1].html
    assert growing[-1].rest in ("", rest)
    assert {block.index for block in growing} == {closed.index} == {0}
    assert closed.html == renderer.html == render(text)


def test_a_growing_block_is_rendered_less_often_the_longer_it_is() -> None:
    """Once per line would make long lists cost with the square of their length."""
    renderer = BlockRenderer()

    lines = [f"- item number {number}\n" for number in range(500)]
    blocks = [block for line in lines for block in renderer.push(line)]

    assert 10 < len(blocks) < len(lines) / 2


@pytest.mark.parametrize(
    ("before", "last"),
    [
        pytest.param("A paragraph.\n", "\n", id="a paragraph at its blank line"),
        pytest.param("# Heading", "\n", id="a heading at its end"),
        pytest.param("```\ncode\n```", "\n", id="a fence at its end"),
        pytest.param("|a|\n|-|\n|b|\n", "\n", id="a table at its blank line"),
        pytest.param("- a\n- b\n\n", "T", id="a list at the first letter of a paragraph"),
        pytest.param("1. a\n\n", "**", id="a list at bold text"),
    ],
)
def test_a_block_is_sent_as_soon_as_it_is_certain(before: str, last: str) -> None:
    renderer = BlockRenderer()

    list(renderer.push(before))
    is_early = bool(renderer.html)
    [block] = renderer.push(last)

    assert not is_early
    assert block.html == renderer.html


@pytest.mark.parametrize("start", ["- b", " - b", "  more", "*", "12", "12.", " "])
def test_a_list_goes_on_after_a_blank_line(start: str) -> None:
    renderer = BlockRenderer()

    growing = [*renderer.push("- a\n\n"), *renderer.push(start)]
    [whole] = renderer.finish()

    assert {block.index for block in growing} == {whole.index} == {0}


def test_a_long_list_is_shown_while_it_grows() -> None:
    renderer = BlockRenderer()
    pushed = [block for n in range(1, 1_001) for block in renderer.push(f"{n}. item\n")]
    blocks = list({block.index: block for block in [*pushed, *renderer.finish()]}.values())

    assert len(blocks) > 2
    assert '<ol start="' in blocks[1].html
    assert renderer.html.count("<li") == 1_000


def test_a_long_quote_is_shown_in_parts() -> None:
    renderer = BlockRenderer()
    blocks = [*renderer.push("> some words that are quoted\n" * 700), *renderer.finish()]

    assert blocks[0].html.count("<blockquote") > 0
    assert renderer.html.count("some words") == 700
    assert "plain-text" not in renderer.html


def test_a_long_table_keeps_its_head_in_every_part() -> None:
    renderer = BlockRenderer()
    list(renderer.push("|name|value|\n|-|-:|\n" + "|a name that fills the row|1|\n" * 800))
    list(renderer.finish())

    tables = renderer.html.count("<table>")
    assert tables > 1
    assert renderer.html.count(">name</th>") == tables
    assert renderer.html.count("<td ") == 1_600


@pytest.mark.parametrize(
    ("text", "defined"),
    [
        pytest.param("[a]\n\n[a]: https://b.c\n", 'href="https://b.c"', id="link"),
        pytest.param("a[^1]\n\n[^1]: note\n", "note</p>", id="footnote"),
    ],
)
def test_what_is_defined_later_is_in_the_final_html(text: str, defined: str) -> None:
    renderer = BlockRenderer()
    list(renderer.push(text))
    list(renderer.finish())

    final = renderer.final_html()

    assert defined not in renderer.html
    assert final is not None
    assert defined in final
    assert final == render(text)


def test_a_definition_leaves_no_text_behind() -> None:
    """A definition has no HTML, but a reader must still take it out of what it shows as text."""
    renderer = BlockRenderer()
    list(renderer.push("text\n\n[a]: http://b.c"))

    assert list(renderer.finish()) == [Block(1, "", "")]


@pytest.mark.parametrize("text", ["text", "[a]: http://b.c\n\n[a]", "[a]: http://b.c\n\ntext", "x [1] [a-z] [^b]"])
def test_no_final_html_when_the_blocks_say_it_all(text: str) -> None:
    renderer = BlockRenderer()
    list(renderer.push(text))
    list(renderer.finish())

    assert renderer.final_html() is None


def lines_run(act: Callable[[], int]) -> tuple[int, int]:
    """Return how many lines of Python `act` runs, and what it returns."""
    count = 0

    def trace(frame: FrameType, event: str, argument: Any) -> Any:
        nonlocal count
        count += event == "line"
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        result = act()
    finally:
        sys.settrace(before)
    return count, result


def push_each(text: str) -> int:
    """Push `text` letter by letter and return the characters of all that is sent."""
    renderer = BlockRenderer()
    blocks = [block for letter in text for block in renderer.push(letter)]
    blocks += renderer.finish()
    return sum(len(block.html) + len(block.rest) for block in blocks)


@pytest.mark.parametrize(
    "line",
    [
        pytest.param("word ", id="one endless line"),
        pytest.param("- item\n", id="one list"),
        pytest.param("|a|b|\n", id="rows"),
        pytest.param("> quote\n", id="one quote"),
        pytest.param("    code\n", id="indented code"),
        pytest.param("x\n\n", id="many paragraphs"),
        pytest.param("- a\n\n  b\n\n", id="one loose list"),
        pytest.param("$$a\n", id="formulas that never close"),
        pytest.param("\\[a\n", id="more of them"),
        pytest.param("```\n", id="fences"),
        pytest.param(" ", id="blanks"),
        pytest.param("*", id="stars"),
    ],
)
@pytest.mark.parametrize("head", ["", "- \n\n", "```\n"])
def test_work_grows_with_the_text_only(head: str, line: str) -> None:
    """An answer of 100 KB in deltas of one character must not take its square. Counted in lines run, not in time."""
    small, large = (head + line * (size // len(line)) for size in (2_000, 8_000))
    push_each("# warm up\n\n- a\n\n```\nb\n```\n")

    (work_for_small, _), (work_for_large, sent) = (lines_run(partial(push_each, text)) for text in (small, large))

    assert work_for_large < 5.5 * work_for_small
    assert sent < 40 * len(large)


def test_one_large_piece_sends_its_rest_once() -> None:
    """Ten thousand blocks in one delta must not carry the rest of the text ten thousand times."""
    renderer = BlockRenderer()
    blocks = [*renderer.push("word\n\n" * 10_000 + "tail"), *renderer.finish()]

    assert len(blocks) == 2
    assert blocks[0].rest.endswith("tail")


def scripted(*events: Any) -> Events:
    yield from events


USAGE = Usage(prompt_tokens=1, completion_tokens=1)


def test_events_pass_at_once_and_blocks_come_between() -> None:
    """The text is shown before its block is rendered, and every block before the end is told."""
    out = list(
        render_blocks(
            scripted(Started("m"), TextDelta("# a\nb"), SILENCE, TextDelta("c"), USAGE, Finished("stop")),
        )
    )

    assert out == [
        Started("m"),
        TextDelta("# a\nb"),
        Block(0, '<h3 dir="auto">a</h3>\n', "b"),
        SILENCE,
        TextDelta("c"),
        Block(1, '<p dir="auto">bc</p>\n', ""),
        USAGE,
        Finished("stop"),
    ]


def test_a_broken_answer_is_shown_as_far_as_it_came() -> None:
    failed = Failed(ProviderError("It broke."))

    out = list(render_blocks(scripted(TextDelta("```\nhalf"), failed, USAGE, Finished("error"))))

    assert isinstance(out[1], Block)
    assert "half" in out[1].html
    assert out[2:] == [failed, USAGE, Finished("error")]


def test_text_without_an_end_is_flushed() -> None:
    out = list(render_blocks(scripted(TextDelta("a"))))

    assert out == [TextDelta("a"), Block(0, '<p dir="auto">a</p>\n', "")]


def test_closing_closes_what_stands_behind() -> None:
    """Closing the last stage is how a reader who leaves cancels the call upstream."""
    closed = []

    def source() -> Events:
        try:
            yield TextDelta("a")
            yield TextDelta("b")
        finally:
            closed.append(True)

    events = render_blocks(source())
    next(events)
    events.close()

    assert closed == [True]
