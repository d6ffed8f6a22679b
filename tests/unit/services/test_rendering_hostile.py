"""Whatever a model writes, a page gets only elements, attributes and addresses from a short list."""

import functools
import re
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from chatapp.services.rendering import BlockRenderer, render

PAYLOADS = [
    text.strip("\n")
    for text in (Path(__file__).parent / "data/hostile_answers.txt").read_text(encoding="utf-8").split("\n%%\n")
]

TAGS = frozenset(
    """a blockquote br code div em h3 h4 h5 h6 hr input li ol p pre s section span strong sup table tbody td th thead tr
    ul math menclose mfrac mi mn mo mover mrow mspace mstyle msub msubsup msup mtable mtd mtext mtr munder
    munderover""".split()  # noqa: SIM905 - a list of words
)
ATTRIBUTES = frozenset(
    """accent accentunder aria-label checked class data-language dir disabled display displaystyle fence form href id
    lspace mathvariant maxsize minsize notation rel role rspace scope scriptlevel separator start stretchy symmetric
    tabindex target type width""".split()  # noqa: SIM905 - a list of words
)
CLASS = re.compile(
    r"align-(left|right|center)|code-block(__head|__language)?|contains-task-list|footnote-(back|ref)|footnotes|"
    r"image-link|markdown-alert(-\w+)?|math-(block|source)|plain-text|table-scroll|task-list-item|[a-z]{1,3}[0-9]?"
)


class Inspector(HTMLParser):
    """Collects what a browser would have to be afraid of."""

    def __init__(self) -> None:
        super().__init__()
        self.findings: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in TAGS:
            self.findings.append(f"<{tag}>")
        for name, value in attrs:
            self._inspect(tag, name, value or "")

    def _inspect(self, tag: str, name: str, value: str) -> None:
        if name not in ATTRIBUTES:
            self.findings.append(f"{tag} {name}")
        if name == "href" and not value.startswith("#fn-"):
            address = urlsplit(value)
            is_web = address.scheme in ("http", "https") and address.netloc and "@" not in address.netloc
            if not is_web and address.scheme != "mailto":
                self.findings.append(value)
        if name == "id" and not value.startswith("fn-"):
            self.findings.append(f"id {value}")
        if name == "class" and not all(CLASS.fullmatch(part) for part in value.split()):
            self.findings.append(f"class {value}")

    def handle_comment(self, data: str) -> None:
        self.findings.append(f"comment {data}")

    def handle_decl(self, decl: str) -> None:
        self.findings.append(f"declaration {decl}")

    def handle_pi(self, data: str) -> None:
        self.findings.append(f"instruction {data}")


@functools.cache
def findings_in(html: str) -> list[str]:
    inspector = Inspector()
    inspector.feed(html)
    inspector.close()
    return inspector.findings


def test_there_are_enough_payloads() -> None:
    """A data file that was cut by accident must not pass."""
    assert len(PAYLOADS) >= 100


def test_the_inspector_sees_what_it_should() -> None:
    """A blind inspector would call everything safe."""
    bad = '<p onclick="x"><img src=x><a href="javascript:x">a</a><a href="/x">b</a><b id="x" class="dialog"><!--x-->'

    assert len(findings_in(bad)) >= 7


@pytest.mark.parametrize("payload", PAYLOADS)
def test_a_hostile_answer_is_inert(payload: str) -> None:
    assert findings_in(render(payload)) == []


@pytest.mark.parametrize("payload", PAYLOADS)
def test_a_hostile_answer_is_inert_inside_other_markdown(payload: str) -> None:
    """Containers have parsers of their own."""
    quoted = "\n".join(f"> {line}" for line in payload.split("\n"))
    listed = "- " + payload.replace("\n", "\n  ")
    in_table = "|a|b|\n|-|-|\n|" + payload.replace("\n", " ") + "|x|"

    assert findings_in(render(f"{quoted}\n\n{listed}\n\n**{payload}**\n\n[{payload}](https://a.example)\n\n")) == []
    assert findings_in(render(in_table)) == []


@pytest.mark.parametrize("payload", PAYLOADS)
def test_a_hostile_answer_is_inert_wherever_the_stream_cuts_it(payload: str) -> None:
    """Each block goes to the page alone and at once, so each must be safe alone, at every cut."""
    text = f"before\n\n{payload}\n\nafter\n"
    whole = BlockRenderer()
    expected = [*whole.push(text), *whole.finish()]
    assert [findings_in(block.html) for block in expected] == [[]] * len(expected)

    for cut in range(1, len(text)):
        renderer = BlockRenderer()
        blocks = [*renderer.push(text[:cut]), *renderer.push(text[cut:]), *renderer.finish()]

        assert "".join(block.html for block in blocks) == whole.html
        assert [findings_in(block.html) for block in blocks] == [[]] * len(blocks)


@pytest.mark.parametrize("payload", PAYLOADS)
def test_a_hostile_answer_is_inert_letter_by_letter(payload: str) -> None:
    renderer = BlockRenderer()
    blocks = [block for letter in payload for block in renderer.push(letter)]
    blocks += renderer.finish()

    assert [findings_in(block.html) for block in blocks] == [[]] * len(blocks)
    assert findings_in(renderer.final_html() or "") == []


@pytest.mark.parametrize("payload", ["<img src=x onerror=alert(1)>", "<div>kept</div>", "a < b && c > d"])
def test_markup_is_shown_rather_than_lost(payload: str) -> None:
    """An answer about HTML must be readable."""
    escaped = payload.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")

    assert render(payload) == f'<p dir="auto">{escaped}</p>\n'


def test_nothing_is_fetched_because_of_an_answer() -> None:
    """A picture in an answer would tell its host that it was read, and whatever stands in its address."""
    html = render("![a](https://evil.example/?q=1)\n\n![b](//evil.example)\n\n<img src=https://evil.example>")

    assert "evil.example" in html
    assert not re.search(r"<(?!/?(p|a)\b)|<[^>]*\s(src|srcset|style|background|poster|ping)=", html)


@pytest.mark.parametrize("character", ["\x00", "\ud800", "\u2028", "\ufeff", "\x1b", "\x7f"])
def test_odd_characters_neither_break_nor_pass(character: str) -> None:
    """An upstream may send half of a surrogate pair; HTML has no place for it or for NUL."""
    html = render(f"a{character}b `c{character}d`\n\n```\ne{character}f\n```")

    html.encode("utf-8")
    assert "\x00" not in html
    assert findings_in(html) == []
