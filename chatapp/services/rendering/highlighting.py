"""Code blocks: their frame, and colours for the languages whose lexers were shown to be linear."""

import functools
import importlib
import re
from collections.abc import Iterator

from markdown_it.common.utils import escapeHtml
from pygments.lexer import Lexer
from pygments.lexers import get_lexer_by_name
from pygments.token import STANDARD_TYPES, _TokenType

from chatapp.services.rendering.budget import Budget, highlight_units

MAX_CODE_CHARS = 32_000
MAX_LINE_CHARS = 400
MAX_BLANK_LINES = 8
MAX_BACKSLASHES = 400

# What people write after the fence, and the lexer it means. A language joins when
# tests/unit/services/test_rendering_highlighting.py finds no input that makes its lexer quadratic.
_LEXERS = (
    "bash", "c", "clojure", "cmake", "console", "cpp", "csharp", "css", "dart", "diff", "docker", "elixir",
    "erlang", "fsharp", "go", "graphql", "haskell", "html", "ini", "java", "javascript", "json", "julia",
    "kotlin", "lua", "nginx", "nim", "objective-c", "perl", "php", "powershell", "protobuf", "python", "r",
    "ruby", "rust", "scss", "sql", "swift", "tex", "toml", "tsx", "typescript", "xml", "yaml", "zig",
)  # fmt: skip
LANGUAGES = {
    **dict(zip(_LEXERS, _LEXERS, strict=True)),
    "c#": "csharp",
    "c++": "cpp",
    "cc": "cpp",
    "cs": "csharp",
    "dockerfile": "docker",
    "golang": "go",
    "h": "c",
    "hpp": "cpp",
    "hs": "haskell",
    "htm": "html",
    "js": "javascript",
    "json5": "javascript",
    "jsonc": "javascript",
    "jsx": "tsx",
    "kt": "kotlin",
    "latex": "tex",
    "mjs": "javascript",
    "objc": "objective-c",
    "patch": "diff",
    "postgresql": "sql",
    "proto": "protobuf",
    "ps1": "powershell",
    "py": "python",
    "python3": "python",
    "rb": "ruby",
    "rs": "rust",
    "sh": "bash",
    "shell": "bash",
    "svg": "xml",
    "ts": "typescript",
    "vue": "html",
    "yml": "yaml",
    "zsh": "bash",
}

_OWN_LEXERS = {"csharp": "LinearCSharpLexer", "java": "LinearJavaLexer"}

_LANGUAGE = re.compile(r"[\w+#.-]{1,32}")
_BLANK_LINES = re.compile(rf"(?:[ \t#]*\n){{{MAX_BLANK_LINES}}}")  # or empty comments
_LONG_LINE = re.compile(rf"[^\n]{{{MAX_LINE_CHARS + 1}}}")
# A lexer that meets many comments that never close scans to the end of the text for each of them.
_PAIRS = (("/*", "*/"), ("<!--", "-->"), ("<?", "?>"), ("<%", "%>"), ("(*", "*)"), ("{-", "-}"))
_MAX_UNCLOSED = 8


def render_code(code: str, info: str, budget: Budget) -> str:
    """Return a code block. `info` is what stands after the fence; its first word names the language."""
    found = _LANGUAGE.match(info.strip())
    name = found[0].lower() if found else ""
    body = _highlighted(code, name, budget) if is_highlightable(code, name) else None
    return (
        f'<div class="code-block" data-language="{name}"><div class="code-block__head">'
        f'<span class="code-block__language">{name or "text"}</span></div>'
        f'<pre dir="ltr" tabindex="0"><code>{body or escapeHtml(code)}</code></pre></div>\n'
    )


def is_highlightable(code: str, name: str) -> bool:
    """Tell whether `code` can be coloured in linear time."""
    return (
        name in LANGUAGES
        and len(code) <= MAX_CODE_CHARS
        and not _LONG_LINE.search(code)
        and not _BLANK_LINES.search(code)
        and code.count("\\") <= MAX_BACKSLASHES
        and not ("\\" in code and "$'" in code)  # such a string, unclosed, doubles the shell lexer's work per escape
        and all(code.count(opener, code.rfind(closer) + 1) <= _MAX_UNCLOSED for opener, closer in _PAIRS)
    )


def _highlighted(code: str, name: str, budget: Budget) -> str | None:
    if not budget.take_units(highlight_units(code)):
        return None
    return "".join(_spans(code, _lexer(LANGUAGES[name])))


@functools.cache
def _lexer(name: str) -> Lexer:
    if name in _OWN_LEXERS:
        lexers = importlib.import_module("chatapp.services.rendering.linear_lexers")
        own: Lexer = getattr(lexers, _OWN_LEXERS[name])(stripnl=False, ensurenl=False)
        return own
    # PHP in an answer often lacks its opening tag.
    return get_lexer_by_name(name, stripnl=False, ensurenl=False, startinline=True)


def _spans(code: str, lexer: Lexer) -> Iterator[str]:
    """Yield `code` with neighbours of the same class in one span."""
    open_class = ""
    for kind, value in lexer.get_tokens(code):
        css_class = _css_class(kind) if not value.isspace() else open_class
        if css_class != open_class:
            if open_class:
                yield "</span>"
            if css_class:
                yield f'<span class="{css_class}">'
            open_class = css_class
        yield escapeHtml(value)
    if open_class:
        yield "</span>"


@functools.cache
def _css_class(kind: _TokenType) -> str:
    while kind not in STANDARD_TYPES:
        assert kind.parent is not None
        kind = kind.parent
    css_class = STANDARD_TYPES[kind]
    # Not an error: half a program is what an answer shows.
    return "" if css_class in _PLAIN_CLASSES else css_class


_PLAIN_CLASSES = frozenset({"err", "n", "p", "w", "esc", "g", "x", "l"})
