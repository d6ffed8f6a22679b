"""Colours in code never cost more than the code is worth."""

import re
import time

import pytest

from chatapp.services.rendering import render
from chatapp.services.rendering.budget import Budget
from chatapp.services.rendering.highlighting import LANGUAGES, MAX_CODE_CHARS, is_highlightable, render_code

# What made lexers quadratic when each of their languages was tried with 220 repeated patterns.
ADVERSARIAL = ["a ", "a\n", "  a\n", "a.", "a?b", "a<b<", "{", "# \n", "$'\\\\a\n", "\\'\n", "/* ", "<?", "\n", " \n"]


def repeated(pattern: str, chars: int) -> str:
    line = pattern if "\n" in pattern else pattern * (390 // len(pattern)) + "\n"
    return (line * (chars // len(line) + 1))[:chars]


@pytest.mark.parametrize("language", sorted(set(LANGUAGES.values())))
def test_a_lexer_stays_linear_on_what_makes_others_quadratic(language: str) -> None:
    """One block that a lexer needs seconds for stops every other stream of its process.

    A linear lexer takes 1 to 12 µs a character, a quadratic one 100 to 1,000 at this size.
    """
    render_code("warm = 'up'", language, Budget())
    for pattern in ADVERSARIAL:
        code = repeated(pattern, 3_000)
        budget = Budget()
        budget.earn(100_000)

        started = time.process_time()
        render_code(code, language, budget)
        spent_s = time.process_time() - started

        assert spent_s < len(code) * 40e-6, pattern


def test_a_known_language_is_coloured() -> None:
    html = render("```python\ndef f(x):\n    return 'a<b' # note\n```\n")

    assert html == (
        '<div class="code-block" data-language="python"><div class="code-block__head">'
        '<span class="code-block__language">python</span></div><pre dir="ltr" tabindex="0"><code>'
        '<span class="k">def </span><span class="nf">f</span>(x):\n    <span class="k">return </span>'
        '<span class="s1">\'a&lt;b\' </span><span class="c1"># note\n</span></code></pre></div>\n'
    )


@pytest.mark.parametrize(
    ("info", "name"),
    [
        pytest.param("", "", id="none"),
        pytest.param("PY", "py", id="alias in capitals"),
        pytest.param('c++ title="x"', "c++", id="more after the name"),
        pytest.param("{.python}", "", id="braces"),
        pytest.param('x"onclick="y', "x", id="quotes"),
        pytest.param("brainfuck", "brainfuck", id="unknown"),
    ],
)
def test_the_label_is_the_first_word_after_the_fence(info: str, name: str) -> None:
    html = render(f"```{info}\nx\n```\n")

    assert f'data-language="{name}"' in html
    assert f'<span class="code-block__language">{name or "text"}</span>' in html


@pytest.mark.parametrize("language", [*LANGUAGES, "", "unknown", "makefile", "http", "ocaml", "markdown"])
def test_no_character_of_code_is_lost(language: str) -> None:
    """People copy code from an answer and run it."""
    code = "\n a < b && \"c\" 'd'\n\n\tif (x) { /* y */ }\n#e\n  "
    html = render(f"```{language}\n{code}\n```\n")

    body = html.split("<code>")[1].split("</code>")[0]
    text = re.sub(r"<[^>]+>", "", body).replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
    assert text == f"{code}\n"


@pytest.mark.parametrize(
    "code",
    [
        pytest.param("x = 1\n" * (MAX_CODE_CHARS // 6 + 1), id="long"),
        pytest.param("x" * 401, id="long line"),
        pytest.param("\n" * 8, id="blank lines"),
        pytest.param("#  \n" * 8, id="empty comments"),
        pytest.param("\\'\n" * 401, id="backslashes"),
        pytest.param("x $'\\a", id="escapes in a shell string"),
        pytest.param("/* " * 9, id="comments that never close"),
    ],
)
def test_what_some_lexers_are_slow_on_stays_uncoloured(code: str) -> None:
    assert not is_highlightable(code, "python")


def test_comments_that_close_are_coloured() -> None:
    assert is_highlightable("/* a */ x\n" * 100 + "/* b", "c")


def test_colours_end_where_the_budget_ends() -> None:
    """An answer full of code is shown whole, its last blocks in one colour."""
    code = "```python\n" + "x = {1: 'a'}\n" * 400 + "```\n\n"

    html = render(code * 12)

    shown = re.findall(r"<pre.*?</pre>", html, re.DOTALL)
    is_coloured = ['class="mi"' in block for block in shown]
    assert len(is_coloured) == 12
    assert is_coloured[0]
    assert not is_coloured[-1]
    assert [re.sub(r"<[^>]+>", "", block) for block in shown] == [code[10:-5]] * 12
