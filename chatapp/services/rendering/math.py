r"""Formulas: `$a$`, `$$a$$`, `\(a\)` and `\[a\]` become MathML."""

import math_core
from markdown_it import MarkdownIt
from markdown_it.common.utils import escapeHtml
from markdown_it.rules_block import StateBlock
from markdown_it.rules_inline import StateInline

from chatapp.services.rendering.scanning import FENCE, MATH_CHARS

INLINE_CHARS = 1_000
_GROWTH = 20  # a letter becomes an element of ten characters; a row of primes grows fiftyfold
_CLOSERS = {"$$": "$$", "\\[": "\\]", "\\(": "\\)"}

# Own commands are off: 4 KB of them expand to 15 MB.
_CONVERTER = math_core.LatexToMathML(fancy_error=False, max_expansions=0)


def use_math(md: MarkdownIt) -> None:
    """Teach `md` formulas."""
    ends = ["paragraph", "reference", "blockquote", "list"]
    md.block.ruler.before("fence", "math_block", _math_block, {"alt": ends})
    md.inline.ruler.before("escape", "math_inline", _math_inline)


def render_math(tex: str, *, display: bool) -> str:
    """Return MathML, or the source as code where it is not understood."""
    try:
        mathml = _CONVERTER.convert_with_local_state(tex, displaystyle=display)
    except math_core.LatexError:
        mathml = ""
    if not mathml or len(mathml) > _GROWTH * len(tex) + 1_000:
        return f'<code class="math-source" dir="ltr">{escapeHtml(tex)}</code>'
    return mathml


def _math_block(state: StateBlock, start_line: int, end_line: int, silent: bool) -> bool:
    start = state.bMarks[start_line] + state.tShift[start_line]
    closer = _CLOSERS.get(state.src[start : start + 2])
    if closer is None or closer == "\\)" or state.is_code_block(start_line):
        return False
    last = min(state.eMarks[end_line - 1], start + MATH_CHARS)
    end = state.src.find(closer, start + 2, last)
    line = start_line
    if end < 0 or not state.src[start + 2 : end].strip():
        return False
    while state.eMarks[line] < end + 2:
        line += 1
        if line >= end_line or state.isEmpty(line) or state.sCount[line] < state.blkIndent:
            return False
        if FENCE.match(state.src[state.bMarks[line] : state.eMarks[line]]):
            return False
    if state.src[end + 2 : state.eMarks[line]].strip():
        return False
    if not silent:
        first = min(end, state.eMarks[start_line])
        parts = [state.src[start + 2 : first]]
        parts += [state.src[state.bMarks[n] : min(end, state.eMarks[n])] for n in range(start_line + 1, line + 1)]
        token = state.push("math_block", "math", 0)
        token.block = True
        token.content = "\n".join(parts).strip()
        token.map = [start_line, line + 1]
    state.line = line + 1
    return True


def _math_inline(state: StateInline, silent: bool) -> bool:
    opener = state.src[state.pos : state.pos + 2]
    closer = _CLOSERS.get(opener)
    if closer is None:
        return opener[:1] == "$" and _money_or_math(state, silent)
    end = state.src.find(closer, state.pos + 2, min(state.posMax, state.pos + INLINE_CHARS))
    if end < 0:
        return False
    return _push(state, state.src[state.pos + 2 : end], end + 2, display=closer != "\\)", silent=silent)


def _money_or_math(state: StateInline, silent: bool) -> bool:
    """Take `$a$` but leave `$5 and $10` and `$HOME:$PATH` alone."""
    last = min(state.posMax, state.pos + INLINE_CHARS)
    end = state.src.find("$", state.pos + 1, last)
    while end > 0 and state.src[end - 1] == "\\":
        end = state.src.find("$", end + 1, last)
    tex = state.src[state.pos + 1 : end]
    if end < 0 or not tex or tex != tex.strip() or state.src[end + 1 : end + 2].isalnum():
        return False
    return _push(state, tex, end + 1, display=False, silent=silent)


def _push(state: StateInline, tex: str, end: int, *, display: bool, silent: bool) -> bool:
    if not tex.strip():
        return False
    if not silent:
        token = state.push("math_display" if display else "math_inline", "math", 0)
        token.content = tex.strip()
    state.pos = end
    return True
