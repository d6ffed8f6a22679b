"""Markdown to HTML: which Markdown is understood and how each part of it is written."""

from collections.abc import Sequence
from typing import Any, cast

from markdown_it.common.utils import escapeHtml
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from markdown_it.utils import EnvType, OptionsDict

from chatapp.services.rendering.budget import Budget
from chatapp.services.rendering.footnotes import Footnotes, use_footnotes
from chatapp.services.rendering.highlighting import render_code
from chatapp.services.rendering.links import AnswerMarkdown, address_of, use_links
from chatapp.services.rendering.math import render_math, use_math

MAX_NESTING = 20  # lists in lists, brackets in brackets
MAX_EMPHASIS_NESTING = 40

Tokens = Sequence[Token]


class Answer:
    """What the parts of one answer share while it is rendered."""

    def __init__(self, budget: Budget, footnotes: Footnotes, references: dict[str, Any] | None = None) -> None:
        self.budget = budget
        self.footnotes = footnotes
        self.references: dict[str, Any] = {} if references is None else references
        self.link_depth = 0


def render_markdown(source: str, answer: Answer) -> str | None:
    """Return HTML that still has to be cleaned; None if `source` is nested too deeply to be cleaned quickly."""
    env: dict[str, Any] = {
        "references": answer.references,
        "footnotes_of_answer": answer.footnotes,
        "answer": answer,
    }
    tokens = _MARKDOWN.parse(source, env)
    if any(child.level > MAX_EMPHASIS_NESTING for token in tokens for child in token.children or ()):
        return None
    return _html(answer.footnotes.take_notes(tokens), env)


def render_notes(answer: Answer) -> str:
    """Return the section of all footnotes that the text referred to, not yet cleaned."""
    footnotes = answer.footnotes
    items: list[str] = []
    for label, number in footnotes.numbers.items():
        anchor = f"{footnotes.prefix}-{number}"
        env = {"answer": answer, "footnotes_of_answer": footnotes}
        note = _html(footnotes.notes.get(label, []), env)
        back = f'<a class="footnote-back" href="#{anchor}-ref" aria-label="Back to reference {number}">↩\ufe0e</a>'
        items.append(f'<li id="{anchor}" dir="auto">{note}{back}</li>\n')
    return f'<section class="footnotes" aria-label="Footnotes"><ol>\n{"".join(items)}</ol></section>\n'


def _html(tokens: Tokens, env: EnvType) -> str:
    return str(_MARKDOWN.renderer.render(tokens, _MARKDOWN.options, env))


def _answer(env: EnvType) -> Answer:
    return cast("Answer", env["answer"])


class _AnswerRenderer(RendererHTML):
    """Writes tokens as HTML without style, with a text direction on each block and headings below the page's own."""

    def paragraph_open(self, tokens: Tokens, idx: int, options: OptionsDict, env: EnvType) -> str:
        if tokens[idx].hidden:
            return ""
        return f'<p dir="auto">{_checkbox(tokens[idx - 1]) if idx else ""}'

    def heading_open(self, tokens: Tokens, idx: int, options: OptionsDict, env: EnvType) -> str:
        return f'<{_lower_heading(tokens[idx].tag)} dir="auto">'

    def heading_close(self, tokens: Tokens, idx: int, options: OptionsDict, env: EnvType) -> str:
        return f"</{_lower_heading(tokens[idx].tag)}>\n"

    def blockquote_open(self, tokens: Tokens, idx: int, options: OptionsDict, env: EnvType) -> str:
        return '<blockquote dir="auto">\n'

    def list_item_open(self, tokens: Tokens, idx: int, options: OptionsDict, env: EnvType) -> str:
        box = _checkbox(tokens[idx])
        if not box:
            return '<li dir="auto">'
        # In a loose list the box stands in the line of its text.
        follower = tokens[idx + 1]
        is_loose = follower.type == "paragraph_open" and not follower.hidden
        return f'<li class="task-list-item" dir="auto">{"" if is_loose else box}'

    def ordered_list_open(self, tokens: Tokens, idx: int, options: OptionsDict, env: EnvType) -> str:
        start = tokens[idx].attrs.get("start")
        return "<ol>\n" if start is None else f'<ol start="{start}">\n'

    def table_open(self, tokens: Tokens, idx: int, options: OptionsDict, env: EnvType) -> str:
        return '<div class="table-scroll" tabindex="0" role="region" aria-label="Table"><table>\n'

    def table_close(self, tokens: Tokens, idx: int, options: OptionsDict, env: EnvType) -> str:
        return "</table></div>\n"

    def th_open(self, tokens: Tokens, idx: int, options: OptionsDict, env: EnvType) -> str:
        return f'<th scope="col" dir="auto"{_alignment(tokens[idx])}>'

    def td_open(self, tokens: Tokens, idx: int, options: OptionsDict, env: EnvType) -> str:
        return f'<td dir="auto"{_alignment(tokens[idx])}>'

    def code_block(self, tokens: Tokens, idx: int, options: OptionsDict, env: EnvType) -> str:
        return render_code(tokens[idx].content, "", _answer(env).budget)

    def fence(self, tokens: Tokens, idx: int, options: OptionsDict, env: EnvType) -> str:
        return render_code(tokens[idx].content, tokens[idx].info, _answer(env).budget)

    def math_block(self, tokens: Tokens, idx: int, options: OptionsDict, env: EnvType) -> str:
        return f'<div class="math-block" dir="ltr">{render_math(tokens[idx].content, display=True)}</div>\n'

    def math_display(self, tokens: Tokens, idx: int, options: OptionsDict, env: EnvType) -> str:
        return render_math(tokens[idx].content, display=True)

    def math_inline(self, tokens: Tokens, idx: int, options: OptionsDict, env: EnvType) -> str:
        return render_math(tokens[idx].content, display=False)

    def link_open(self, tokens: Tokens, idx: int, options: OptionsDict, env: EnvType) -> str:
        answer = _answer(env)
        address = address_of(tokens[idx])
        # One definition may serve thousands of references, so each use pays for its address.
        if not address or not answer.budget.take_link(len(address)):
            tokens[idx].meta["is_text"] = True
            return ""
        answer.link_depth += 1
        return f'<a href="{escapeHtml(address)}" target="_blank">'

    def link_close(self, tokens: Tokens, idx: int, options: OptionsDict, env: EnvType) -> str:
        answer = _answer(env)
        if not answer.link_depth:
            return ""
        answer.link_depth -= 1
        return "</a>"

    def image(self, tokens: Tokens, idx: int, options: OptionsDict, env: EnvType) -> str:
        answer = _answer(env)
        token = tokens[idx]
        alt = escapeHtml(self.renderInlineAsText(token.children, options, env).strip())
        address = address_of(token)
        if not address or answer.link_depth or not answer.budget.take_link(len(address)):
            return alt
        label = f"{alt} (image)" if alt else "image"
        return f'<a class="image-link" href="{escapeHtml(address)}" target="_blank">{label}</a>'

    def footnote_ref(self, tokens: Tokens, idx: int, options: OptionsDict, env: EnvType) -> str:
        number = tokens[idx].meta["number"]
        anchor = f"{_answer(env).footnotes.prefix}-{number}"
        name = "" if tokens[idx].meta["is_repeated"] else f' id="{anchor}-ref"'
        return f'<sup class="footnote-ref"><a href="#{anchor}"{name} aria-label="Footnote {number}">{number}</a></sup>'


def _lower_heading(tag: str) -> str:
    """Return the heading two levels down, since the page has h1 and h2 of its own."""
    return f"h{min(int(tag[1]) + 2, 6)}"


def _checkbox(item: Token) -> str:
    """Return the box of a task, "" if `item` is none."""
    if item.type != "list_item_open" or "checked" not in item.meta:
        return ""
    state = 'checked="" aria-label="Done"' if item.meta["checked"] else 'aria-label="To do"'
    return f'<input type="checkbox" disabled="" {state}> '


def _alignment(token: Token) -> str:
    style = str(token.attrs.get("style", ""))  # "text-align:right"
    return f' class="align-{style.partition(":")[2]}"' if style else ""


def _markdown() -> AnswerMarkdown:
    # A line end stays one, as it was while the answer was arriving.
    options = {"html": False, "breaks": True, "maxNesting": MAX_NESTING}
    md = AnswerMarkdown("commonmark", options, renderer_cls=_AnswerRenderer)
    md.enable(["table", "strikethrough"])
    md.options["tasklists"] = True
    md.options["alerts"] = True
    use_math(md)
    use_links(md)
    use_footnotes(md)
    return md


_MARKDOWN = _markdown()
