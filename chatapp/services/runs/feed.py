"""The growing text of one answer, and those who follow it."""

from typing import Any, Literal, Protocol
from uuid import UUID

import msgspec

from chatapp.core.conversations import MessageState
from chatapp.core.events import Block, Usage
from chatapp.errors import AppError
from chatapp.services.rendering import BlockRenderer

INTERRUPTED = "The server stopped in the middle of this answer. What had arrived is kept."

RunFinishReason = Literal["stop", "length", "content_filter", "cancelled", "error", "interrupted"]


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """How an answer ended, and what it took.

    Units: milliseconds. `html` is the whole answer if somebody wanted it rendered, `is_html_other` says that it differs
    from its blocks. `is_saved` is False while the database could not take it.
    """

    state: MessageState
    finish_reason: RunFinishReason
    error: AppError | None
    model: str
    usage: Usage | None
    elapsed_ms: float | None
    first_token_ms: float | None
    context: dict[str, Any]
    notices: tuple[str, ...]
    html: str | None = None
    is_html_other: bool = False
    is_saved: bool = True


class Opening(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a run before its first word."""

    run_id: UUID
    conversation_id: UUID
    question_id: UUID | None
    title: str
    model: str
    notices: tuple[str, ...]
    context: dict[str, Any]


class Reader(Protocol):
    """Somebody who follows a feed and is up to date; a push that comes back False takes the reader off the feed."""

    wants_html: bool

    def push_text(self, text: str, position: int) -> bool: ...

    def push_block(self, block: Block, version: int) -> bool: ...

    def push_stage(self, stage: str) -> bool: ...

    def wake(self) -> None: ...


class News(msgspec.Struct, frozen=True):
    """What a reader has missed; `rest` of the last block is the text after it as of now."""

    text: str
    blocks: tuple[Block, ...]
    position: int
    version: int


class Feed:
    """The text of an answer as far as it is known here.

    Units: `position` in characters (code points); `version` counts the blocks that came or changed.
    """

    def __init__(self, opening: Opening, text: str = "") -> None:
        self.opening = opening
        self.position = len(text)
        self.version = 0
        self.outcome: Outcome | None = None
        # How many have it open, up to date or not.
        self.attached = 0
        self._parts = [text] if text else []
        self._readers: tuple[Reader, ...] = ()
        self._renderer: BlockRenderer | None = None
        self._blocks: list[tuple[int, Block]] = []
        self._rest: list[str] = []

    @property
    def text(self) -> str:
        if len(self._parts) > 1:
            self._parts = ["".join(self._parts)]
        return self._parts[0] if self._parts else ""

    def follow(self, reader: Reader) -> None:
        """Push what comes from now on; the reader must have taken all `news` before."""
        self._readers = (*self._readers, reader)

    def leave(self, reader: Reader) -> None:
        self._readers = tuple(each for each in self._readers if each is not reader)

    def news(self, position: int, version: int, *, with_blocks: bool) -> News:
        """Return everything after `position` characters and `version` block changes."""
        if with_blocks:
            self._render()
        text = self.text[position:] if position < self.position else ""
        blocks = [block for changed, block in self._blocks if changed > version] if with_blocks else []
        if blocks:
            # A reader puts the `rest` of the last block in the place of all text that is in no block.
            blocks[-1] = msgspec.structs.replace(blocks[-1], rest="".join(self._rest))
        return News(text, tuple(blocks), self.position, self.version if with_blocks else version)

    def add_text(self, text: str) -> None:
        self._parts.append(text)
        self.position += len(text)
        for reader in self._readers:
            if not reader.push_text(text, self.position):
                self.leave(reader)
        if self._renderer is not None:
            self._rest.append(text)
            for block in self._renderer.push(text):
                self._add_block(block)

    def tell_stage(self, stage: str) -> None:
        for reader in self._readers:
            if not reader.push_stage(stage):
                self.leave(reader)

    def end(self, outcome: Outcome) -> None:
        """Nothing follows; wakes all readers, who find `outcome`."""
        self.close_blocks()
        self.outcome = outcome
        for reader in self._readers:
            reader.wake()
        self._readers = ()

    def close_blocks(self) -> None:
        if self._renderer is not None:
            for block in self._renderer.finish():
                self._add_block(block)

    def html(self) -> tuple[str | None, bool]:
        """Return the rendered answer, if anybody wanted it, and whether it differs from its blocks; ask once, at the
        end."""
        if self._renderer is None:
            return None, False
        final = self._renderer.final_html()
        return (self._renderer.html, False) if final is None else (final, True)

    def _render(self) -> None:
        """Begin to render, the first time that somebody wants it; what is over may come with its rendering."""
        if self._renderer is not None or (self.outcome is not None and self.outcome.html is not None):
            return
        self._renderer = BlockRenderer()
        self._rest = [self.text]
        for block in self._renderer.push(self.text):
            self._add_block(block)
        if self.outcome is not None:
            self.close_blocks()

    def _add_block(self, block: Block) -> None:
        self.version += 1
        self._rest = [block.rest]
        if block.index == len(self._blocks):
            self._blocks.append((self.version, block))
        else:
            self._blocks[block.index] = (self.version, block)
        for reader in self._readers:
            if reader.wants_html and not reader.push_block(block, self.version):
                self.leave(reader)
