"""Titles that conversations give themselves."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatapp.core.titles import MAX_CHARS, NEW_CHAT, title_of


@pytest.mark.parametrize(
    ("question", "title"),
    [
        pytest.param("what is a monad?", "What is a monad?", id="question"),
        pytest.param("Hi! Can you please tell me why the sky is blue?", "Why the sky is blue?", id="politeness"),
        pytest.param("Translate this letter, please. It is long.", "Translate this letter", id="first-sentence"),
        pytest.param("What is 6 times 7, please?", "What is 6 times 7?", id="politeness-at-the-end"),
        pytest.param("Hello,\n\nI need help with a CSV file", "I need help with a CSV file", id="greeting-line"),
        pytest.param("Highlights of Rome", "Highlights of Rome", id="no-greeting-after-all"),
        pytest.param("## Plan\n- one\n- two", "Plan", id="heading"),
        pytest.param("**Bold**, `code`, [a link](https://x.example/y)", "Bold, code, a link", id="markdown"),
        pytest.param("Sum up https://www.example.com/a?b=c", "Sum up example.com", id="address"),
        pytest.param("```python\nprint(1)\n```\nWhy does this fail?", "Why does this fail?", id="code-first"),
        pytest.param("a * b * c = ?", "A * b * c = ?", id="sum"),
        pytest.param("<b>Loud</b> words", "Loud words", id="tags"),
        pytest.param("\u200bhidden \u202emarks", "Hidden marks", id="invisible"),
        pytest.param("Hallo, kannst du mir bitte einen Brief schreiben?", "Einen Brief schreiben?", id="german"),
        pytest.param("Bonjour, pouvez-vous m'aider à écrire un poème ?", "Écrire un poème ?", id="french"),
        pytest.param("Hola, ¿qué es la luz?", "¿qué es la luz?", id="spanish"),
        pytest.param("Привет! Расскажи о Байкале", "Расскажи о Байкале", id="russian"),
        pytest.param("你好，请写一首关于秋天的诗", "写一首关于秋天的诗", id="chinese"),
        pytest.param("東京の天気は？今日。", "東京の天気は？", id="japanese"),
        pytest.param("مرحبا كيف أطبخ الأرز؟", "كيف أطبخ الأرز؟", id="arabic"),
        pytest.param("ßtraße", "ßtraße", id="no-single-capital"),
        pytest.param(
            "explain how the tides work and why there are two of them every day",
            "Explain how the tides work and why there are two of them…",
            id="cut-after-a-word",
        ),
        pytest.param("字" * 100, "字" * 59 + "…", id="cut-anywhere"),
    ],
)
def test_a_title_is_what_the_question_is_about(question: str, title: str) -> None:
    """A list of "Hello, can you please…" helps nobody."""
    assert title_of(question, "") == title


@pytest.mark.parametrize(
    ("question", "answer", "title"),
    [
        pytest.param("hi", "Hello! Ask me about the weather.", "Ask me about the weather", id="sentence"),
        pytest.param("?", "Sure.\n\n# Getting started\nFirst …", "Getting started", id="heading"),
        pytest.param("help me", "", "Help me", id="nothing-better"),
        pytest.param("", "", NEW_CHAT, id="nothing"),
        pytest.param("```\nx = 1\n```", "This sets **x**.", "This sets x", id="only-code"),
        pytest.param("...", "...", NEW_CHAT, id="only-dots"),
    ],
)
def test_the_answer_helps_where_the_question_says_too_little(question: str, answer: str, title: str) -> None:
    """Many conversations begin with "hi"."""
    assert title_of(question, answer) == title


@given(st.text(max_size=300), st.text(max_size=300))
def test_any_exchange_gives_a_title(question: str, answer: str) -> None:
    """One line, short enough, never empty."""
    title = title_of(question, answer)

    assert title.strip()
    assert len(title) <= MAX_CHARS
    assert "\n" not in title


@pytest.mark.parametrize("piece", ["[", "*", "<a", "```\n", "hi ", "\n", "# ", "please ", "**a", "http://[", "!["])
def test_hostile_texts_are_no_burden(piece: str) -> None:
    """The limit for a whole test catches what is not linear."""
    assert title_of(piece * 100_000, piece * 100_000)
