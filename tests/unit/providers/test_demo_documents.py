"""The demo's reading of the documentation: splitting it into sections and finding the right one."""

from pathlib import Path

import pytest

from chatapp.config import ROOT
from chatapp.core.chat import Message
from chatapp.providers.demo import Section, load_sections
from chatapp.providers.demo.answering import Answerer
from chatapp.providers.demo.documents import split_blocks, split_sections
from chatapp.providers.demo.terms import stem, terms_of


@pytest.fixture(scope="module")
def product() -> Answerer:
    return Answerer(load_sections(ROOT))


@pytest.mark.parametrize(
    ("question", "section"),
    [
        ("How do I get started?", "Get started"),
        ("How do I put the widget on my site?", "widget"),
        ("Compare the three ways in", "Three ways in"),
        ("How do I deploy it behind nginx?", "nginx"),
        ("How does streaming work?", "How streaming works"),
        ("Which models can I use?", "Which models can I use?"),
        ("What does `upstream_stalled` mean?", "Error codes"),
        ("how do i cancel an answer", "Stop an answer"),
        ("what happens when my conversation gets too long", "fitted to the window"),
        ("how do I connect Ollama", "Connect a real model"),
        ("What happens with retired models?", "Retired models"),
        ("how are costs computed", "Prices and costs"),
        ("Why is the answer not streaming?", "all at once instead of streaming"),
        ("how to call the API from python", "Call the API from Python"),
        ("what is a heartbeat", "Heartbeats"),
        ("Are my conversations kept?", "Are my conversations kept?"),
        ("Do I need an account?", "Do I need an account?"),
        ("How do I search my conversations?", "search my conversations"),
        ("How can I undo a deletion?", "undo it"),
        ("What is a temporary chat?", "Temporary chats"),
        ("What is stored about me?", "What is stored"),
        ("How do I resume a stream?", "Resume a stream"),
        ("How do I use PostgreSQL?", "Use PostgreSQL"),
        ("how do I restore a backup", "restore them"),
        ("What does `stale_parent` mean?", "Error codes"),
    ],
)
def test_product_questions_find_their_section(product: Answerer, question: str, section: str) -> None:
    """These are the questions that the pages suggest, and those that people ask first."""
    first_line = product.answer([Message("user", question)]).splitlines()[0]

    assert first_line.startswith("From *")
    assert section in first_line


def test_sections_end_at_the_next_heading() -> None:
    """A section is what stands under one heading, with the headings above it known."""
    text = "# Guide\n\nIntro.\n\n## One\n\nFirst.\n\n### Deep\n\nBelow.\n\n## Two\n\n## Three\n\nThird.\n"

    assert [(each.title, each.parents, each.body) for each in split_sections(text, document="g.md")] == [
        ("Guide", (), "Intro."),
        ("One", ("Guide",), "First."),
        ("Deep", ("Guide", "One"), "Below."),
        ("Three", ("Guide",), "Third."),
    ]


def test_a_comment_in_code_is_no_heading() -> None:
    """Shell examples are full of lines that begin with `#`."""
    text = "# Guide\n\n```sh\n# not a heading\nmake run\n```\n\n~~~\n```\n# neither\n~~~\n"

    (section,) = split_sections(text, document="g.md")

    assert section.body == "```sh\n# not a heading\nmake run\n```\n\n~~~\n```\n# neither\n~~~"


def test_what_only_works_in_its_file_is_left_out() -> None:
    """An answer stands alone: pictures, tags and relative links would be broken there."""
    text = (
        "# Guide\n\n<p align='center'>\n![shot](a.png) See [the API](api.md#chat) or [this](https://example.com).\n\n"
        "```html\n<p>kept</p>\n[a](b)\n```\n"
    )

    (section,) = split_sections(text, document="g.md")

    assert section.body == " See the API or [this](https://example.com).\n\n```html\n<p>kept</p>\n[a](b)\n```"


def test_missing_documents_are_no_fault(tmp_path: Path) -> None:
    """An installation may carry some, or none."""
    assert load_sections(tmp_path) == ()

    (tmp_path / "README.md").write_text("# Hello\n\nThere.\n", encoding="utf-8")

    assert load_sections(tmp_path) == (Section(document="README.md", title="Hello", parents=(), body="There."),)


def test_a_list_with_gaps_stays_one_block() -> None:
    """Half a list is no answer."""
    assert split_blocks("Do:\n\n1. One:\n\n   ```sh\n   make\n   ```\n\nThen.") == [
        "Do:",
        "1. One:\n\n   ```sh\n   make\n   ```",
        "Then.",
    ]


@pytest.mark.parametrize(
    "words",
    ["stream streams streamed streaming", "price prices pricing", "retire retired retires retirement retiring",
     "stop stopped stopping", "deploy deployment deployed", "cache cached caching", "history histories"],
)  # fmt: skip
def test_forms_of_a_word_are_one_term(words: str) -> None:
    """People ask in their own grammar."""
    assert len({stem(word) for word in words.split()}) == 1


def test_names_of_settings_are_terms_of_their_own() -> None:
    """Who names a setting means that one, not every text with one of its words."""
    assert list(terms_of("What is WEB_CONCURRENCY?")) == ["web", "concurrency", "web_concurrency"]
