"""Turns the text of an answer into blocks of safe HTML while it arrives."""

import re
from collections.abc import Iterator
from contextlib import closing
from hashlib import blake2b

from markdown_it.common.utils import escapeHtml

from chatapp.core.events import Block, Events, Silence, Started, TextDelta
from chatapp.services.rendering.budget import Budget, code_units, markdown_units
from chatapp.services.rendering.cleaning import clean
from chatapp.services.rendering.footnotes import Footnotes
from chatapp.services.rendering.markdown import Answer, render_markdown, render_notes
from chatapp.services.rendering.scanning import BlockScanner, Chunk

MAX_CHARS = 200_000
MAX_CHUNK_CHARS = 32_000
# A growing block is shown again with each line, and from this length on only when it is so many times longer, which
# keeps the work for all of them linear.
SMALL_CHARS = 1_000
GROWTH = 1.25

_UNSPEAKABLE = re.compile("[\x00\ud800-\udfff]")  # what HTML or UTF-8 has no place for


def render(text: str) -> str:
    """Return the whole of `text` as safe HTML."""
    renderer = BlockRenderer()
    for _ in renderer.push(text):
        pass
    for _ in renderer.finish():
        pass
    return renderer.final_html() or renderer.html


def render_blocks(events: Events, renderer: "BlockRenderer | None" = None) -> Events:
    """Pass every event on at once and add a `Block` as soon as one is complete.

    All text is in blocks before the first event that is neither text nor a sign of life. A caller that wants
    `final_html()` afterwards gives its own `renderer`.
    """
    renderer = renderer or BlockRenderer()
    with closing(events):
        for event in events:
            if type(event) is TextDelta:
                yield event
                yield from renderer.push(event.text)
            else:
                if not isinstance(event, (Silence, Started)):
                    yield from renderer.finish()
                yield event
        yield from renderer.finish()


class BlockRenderer:
    """Renders one answer block by block.

    Shape: `html` depends on the text alone, never on how it was split into pieces.
    Cost: linear in the text; a piece without a line end is only kept.
    """

    def __init__(self) -> None:
        self._scanner = BlockScanner()
        self._answer = Answer(Budget(), Footnotes(""))
        self._rendered: list[tuple[Chunk, str]] = []
        self._chars = 0
        self._chunk_chars = 0
        self._index = 0
        # Growing blocks are rendered on the side: what they cost and define must not count for the answer.
        self._growing = Answer(Budget(), Footnotes(""))
        self._grown = 0

    @property
    def html(self) -> str:
        """All blocks so far, joined."""
        return "".join(html for _, html in self._rendered)

    def push(self, text: str) -> Iterator[Block]:
        """Take the next piece of the answer. Yields at most one `Block`: all that this piece closes.

        While a list, a table or a quote is open, the lines it has so far are a `Block` too, under the index that the
        closed one will have.
        """
        if "\r" in text:
            text = text.replace("\r", "")
        if not text.isascii() or "\0" in text:
            text = _UNSPEAKABLE.sub("\ufffd", text)
        closed = self._scanner.push(text)
        if closed or "\n" not in text:
            return self._blocks(closed)
        return self._growing_block()

    def finish(self) -> Iterator[Block]:
        """Close what is open. Nothing may be pushed afterwards; finishing again does nothing."""
        return self._blocks(self._scanner.finish())

    def final_html(self) -> str | None:
        """Return the whole answer's HTML if it differs from the blocks: a link or a note was defined after its use.

        Cost: a second rendering of the blocks with brackets, out of the same budget; ask once, at the end.
        """
        first = self._answer
        if not first.references and not first.footnotes.notes:
            return None
        prefix = "fn-" + blake2b("".join(c.source for c, _ in self._rendered).encode(), digest_size=5).hexdigest()
        answer = Answer(first.budget, Footnotes(prefix, tuple(first.footnotes.notes)), dict(first.references))
        parts = [_rerendered(chunk, html, answer) for chunk, html in self._rendered]
        if answer.footnotes.numbers:
            parts.append(clean(render_notes(answer)))
        final = "".join(parts)
        return final if final != self.html else None

    def _blocks(self, chunks: list[Chunk]) -> Iterator[Block]:
        if not chunks:
            return iter(())
        rendered = [(chunk, self._render(chunk)) for chunk in chunks]
        self._rendered += rendered
        html = "".join(html for _, html in rendered)
        # A block without HTML, such as a link's definition, still takes its text out of the rest.
        block = Block(self._index, html, self._scanner.rest)
        self._index += 1
        self._grown = 0
        return iter((block,))

    def _growing_block(self) -> Iterator[Block]:
        source = self._scanner.growing
        size = len(source)
        if not source or (size > SMALL_CHARS and size < self._grown * GROWTH) or self._chars > MAX_CHARS:
            return iter(())
        self._growing.budget.earn(size - self._grown)
        self._grown = size
        html = _markdown_html(Chunk(source), self._growing)
        return iter(() if html is None else (Block(self._index, html, self._scanner.line),))

    def _render(self, chunk: Chunk) -> str:
        """Return safe HTML; plain text where Markdown would cost more than the answer may."""
        budget = self._answer.budget
        self._chars += len(chunk.source)
        budget.earn(len(chunk.source))
        html = _markdown_html(chunk, self._answer) if self._chars <= MAX_CHARS else None
        return _plain_html(chunk.source) if html is None else html


def _rerendered(chunk: Chunk, html: str, answer: Answer) -> str:
    if "[" not in chunk.source or chunk.is_code:
        return html
    again = _markdown_html(chunk, answer)
    return html if again is None else again


def _markdown_html(chunk: Chunk, answer: Answer) -> str | None:
    """Return safe HTML, or None if the budget does not reach."""
    if chunk.is_code:
        affordable = answer.budget.take_units(code_units(chunk.source))
    else:
        affordable = len(chunk.source) <= MAX_CHUNK_CHARS and answer.budget.take_units(markdown_units(chunk.source))
    html = render_markdown(chunk.source, answer) if affordable else None
    if html is None or not answer.budget.take_output(len(html)):
        return None
    return clean(html)


def _plain_html(source: str) -> str:
    text = source.strip("\n")
    return f'<p class="plain-text" dir="auto">{escapeHtml(text)}</p>\n' if text else ""
