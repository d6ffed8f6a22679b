"""Footnotes: `[^label]` in the text, `[^label]: note` anywhere, all notes at the end of the answer."""

import re
from collections.abc import Sequence

from markdown_it import MarkdownIt
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token
from mdit_py_plugins.footnote.index import footnote_def

_REFERENCE = re.compile(r"\[\^([^\s\]]{1,100})\]")


class Footnotes:
    """The notes of one answer; numbered in the order in which the text refers to them."""

    def __init__(self, prefix: str, known: Sequence[str] = ()) -> None:
        self.prefix = prefix
        self.notes: dict[str, list[Token]] = {}
        self.numbers: dict[str, int] = {}
        self.referred: set[int] = set()
        self._known = frozenset(known)

    def number(self, label: str) -> int | None:
        """Return the number of `label`, or None if no note is known under it."""
        if label not in self._known:
            return None
        return self.numbers.setdefault(label, len(self.numbers) + 1)

    def take_notes(self, tokens: list[Token]) -> list[Token]:
        """Keep the notes among `tokens` and return the others."""
        others: list[Token] = []
        note: list[Token] | None = None
        for token in tokens:
            if token.type == "footnote_reference_open":
                note = []
                self.notes.setdefault(str(token.meta["label"]), note)
            elif token.type == "footnote_reference_close":
                note = None
            else:
                (others if note is None else note).append(token)
        return others


def use_footnotes(md: MarkdownIt) -> None:
    """Teach `md` footnotes. `env["footnotes_of_answer"]` must be the answer's `Footnotes`."""
    md.block.ruler.before("reference", "footnote_def", footnote_def, {"alt": ["paragraph", "reference"]})
    md.inline.ruler.before("link", "footnote_ref", _footnote_ref)


def _footnote_ref(state: StateInline, silent: bool) -> bool:
    if not state.src.startswith("[^", state.pos):
        return False
    found = _REFERENCE.match(state.src, state.pos, state.posMax)
    if found is None:
        return False
    footnotes: Footnotes = state.env["footnotes_of_answer"]
    number = footnotes.number(found[1])
    if number is None:
        return False
    if not silent:
        token = state.push("footnote_ref", "", 0)
        token.meta = {"number": number, "is_repeated": number in footnotes.referred}
        footnotes.referred.add(number)
    state.pos = found.end()
    return True
