"""What Markdown becomes."""

import pytest

from chatapp.services.rendering import render

LINK = 'target="_blank" rel="noopener noreferrer nofollow"'


@pytest.mark.parametrize(
    ("markdown", "html"),
    [
        pytest.param("", "", id="nothing"),
        pytest.param("a\nb", '<p dir="auto">a<br>\nb</p>\n', id="lines"),
        pytest.param(
            "**a** *b* ~~c~~ `d`",
            '<p dir="auto"><strong>a</strong> <em>b</em> <s>c</s> <code>d</code></p>\n',
            id="inline",
        ),
        pytest.param("# a\n## b", '<h3 dir="auto">a</h3>\n<h4 dir="auto">b</h4>\n', id="headings-below-the-page's"),
        pytest.param("##### a\n###### b", '<h6 dir="auto">a</h6>\n<h6 dir="auto">b</h6>\n', id="lowest-headings"),
        pytest.param("> a", '<blockquote dir="auto">\n<p dir="auto">a</p>\n</blockquote>\n', id="quote"),
        pytest.param("3. a\n4. b", '<ol start="3">\n<li dir="auto">a</li>\n<li dir="auto">b</li>\n</ol>\n', id="list"),
        pytest.param("a\n\n---", '<p dir="auto">a</p>\n<hr>\n', id="rule"),
        pytest.param("a < b & c", '<p dir="auto">a &lt; b &amp; c</p>\n', id="escapes"),
        pytest.param(
            "> [!TIP]\n> a",
            '<div class="markdown-alert markdown-alert-tip">\n<p class="markdown-alert-title">Tip</p>\n'
            '<p dir="auto">a</p>\n</div>\n',
            id="alert",
        ),
    ],
)
def test_markdown_becomes_html(markdown: str, html: str) -> None:
    assert render(markdown) == html


def test_a_table_scrolls_by_keyboard_and_aligns_by_class() -> None:
    """The pages forbid style attributes, and a wide table must be reachable without a mouse."""
    html = render("|a|b|\n|:-:|-:|\n|1|2|")

    assert html.startswith('<div class="table-scroll" tabindex="0" role="region" aria-label="Table"><table>\n')
    assert '<th scope="col" dir="auto" class="align-center">a</th>' in html
    assert '<td dir="auto" class="align-right">2</td>' in html
    assert html.endswith("</table></div>\n")


def test_tasks_say_whether_they_are_done() -> None:
    """A screen reader announces a checkbox by its label."""
    html = render("- [x] a\n- [ ] b")

    assert '<input type="checkbox" disabled="" checked="" aria-label="Done"> a' in html
    assert '<input type="checkbox" disabled="" aria-label="To do"> b' in html


@pytest.mark.parametrize(
    ("markdown", "href", "text"),
    [
        pytest.param("[a](https://b.c/d)", "https://b.c/d", "a", id="link"),
        pytest.param("<https://b.c>", "https://b.c", "https://b.c", id="autolink"),
        pytest.param("https://b.c/d_e?f=1", "https://b.c/d_e?f=1", "https://b.c/d_e?f=1", id="bare"),
        pytest.param("[a](mailto:b@c.d)", "mailto:b@c.d", "a", id="mail"),
        pytest.param("[r]: http://b.c\n\n[r]", "http://b.c", "r", id="reference"),
        pytest.param("![a](https://b.c/d.png)", "https://b.c/d.png", "a (image)", id="image"),
        pytest.param("![](https://b.c/d.png)", "https://b.c/d.png", "image", id="image-without-text"),
    ],
)
def test_links_lead_out_in_a_new_tab(markdown: str, href: str, text: str) -> None:
    html = render(markdown)

    assert f'href="{href}" {LINK}>{text}</a>' in html


@pytest.mark.parametrize(
    ("markdown", "address", "after"),
    [
        pytest.param("See https://a.b/c.", "https://a.b/c", ".", id="full stop"),
        pytest.param("(https://a.b/c)", "https://a.b/c", ")", id="bracket"),
        pytest.param("https://a.b/c_(d)", "https://a.b/c_(d)", "", id="bracket of its own"),
        pytest.param("**https://a.b**", "https://a.b", "</strong>", id="bold"),
        pytest.param("https://a.b, x", "https://a.b", ", x", id="comma"),
    ],
)
def test_a_bare_address_ends_where_a_reader_would_end_it(markdown: str, address: str, after: str) -> None:
    assert f">{address}</a>{after}" in render(markdown)


@pytest.mark.parametrize("markdown", ["[a](/b)", "[a](//b.c)", "[a](#b)", "[a](javascript:b)", "[a](ftp://b.c)"])
def test_an_address_we_would_not_follow_is_shown_as_text(markdown: str) -> None:
    assert render(markdown) == f'<p dir="auto">{markdown}</p>\n'


@pytest.mark.parametrize("markdown", ["![a](/b)", "![a](data:image/png;base64,AAAA)", "![a](//b.c/d)"])
def test_a_picture_without_a_web_address_leaves_its_description(markdown: str) -> None:
    assert render(markdown) == '<p dir="auto">a</p>\n'


def test_a_picture_in_a_link_leaves_one_link() -> None:
    assert render("[![a](http://b.c)](http://d.e)") == f'<p dir="auto"><a href="http://d.e" {LINK}>a</a></p>\n'


@pytest.mark.parametrize("markdown", ["$a$", r"\(a\)"])
def test_a_formula_in_a_line(markdown: str) -> None:
    assert render(f"x {markdown} y") == '<p dir="auto">x <math><mi>a</mi></math> y</p>\n'


@pytest.mark.parametrize("markdown", ["$$a$$", "$$\na\n$$", "\\[\na\n\\]", r"\[ a \]"])
def test_a_formula_of_its_own(markdown: str) -> None:
    """Models write formulas in all these ways, often right below a sentence."""
    block = '<div class="math-block" dir="ltr"><math display="block"><mi>a</mi></math></div>\n'

    assert render(markdown) == block
    assert render(f"text:\n{markdown}\ntext") == f'<p dir="auto">text:</p>\n{block}<p dir="auto">text</p>\n'


@pytest.mark.parametrize("text", ["$5 and $10", "US$ 5, C$ 6", "$HOME:$PATH", "a $ b $ c", r"\$a\$", "$$", "$ $"])
def test_money_and_variables_are_no_formulas(text: str) -> None:
    assert "<math" not in render(text)


def test_a_formula_that_is_not_understood_is_shown_as_written() -> None:
    html = render(r"$\unknown{a<b}$")

    assert html == '<p dir="auto"><code class="math-source" dir="ltr">\\unknown{a&lt;b}</code></p>\n'


def test_footnotes_stand_at_the_end_and_lead_back() -> None:
    html = render("a[^x] b[^y] c[^x] d[^z]\n\n[^y]: why\n[^x]: ex\n\nend")

    prefix = html.split('href="#')[1].split("-1")[0]
    assert prefix.startswith("fn-")
    assert f'<a href="#{prefix}-1" id="{prefix}-1-ref" aria-label="Footnote 1"' in html
    assert html.count(f'id="{prefix}-1-ref"') == 1
    assert "[^z]" in html
    assert html.index("end</p>") < html.index('<section class="footnotes"')
    assert html.index(">ex<") < html.index(">why<")
    assert f'href="#{prefix}-2-ref" aria-label="Back to reference 2"' in html


def test_two_answers_with_footnotes_do_not_share_anchors() -> None:
    """Many answers stand on one page."""
    first, second = render("a[^1]\n\n[^1]: b"), render("c[^1]\n\n[^1]: b")

    assert first.split('id="')[1].split('"')[0] != second.split('id="')[1].split('"')[0]


def test_no_answer_may_be_larger_than_the_budget_of_its_text() -> None:
    """A definition of 1,500 characters that 25,000 references repeat would be 38 MB."""
    text = "[a]: http://b.c/" + "d" * 1_500 + "\n\n" + ("[a] " * 500 + "\n\n") * 50

    assert len(render(text)) < 5 * len(text) + 64_000


def test_a_wide_table_does_not_fill_up_thousands_of_rows() -> None:
    text = "|a" * 256 + "\n" + "|-" * 256 + "\n" + "x\n" * 8_000

    assert len(render(text)) < 5 * len(text) + 64_000


def test_what_is_too_long_for_markdown_is_plain_but_whole() -> None:
    text = "*word* " * 40_000

    html = render(text)

    assert html.count("*word*") + html.count("<em>word</em>") == 40_000


@pytest.mark.parametrize("text", ["*" * 5_000 + "a" + "*" * 5_000, "[" * 20_000, "> " * 20_000 + "a", "- " * 9_000])
def test_deep_nesting_is_cut(text: str) -> None:
    """Cleaning 100,000 nested elements takes 12 seconds."""
    html = render(text)

    assert html.count("<strong>") + html.count("<blockquote") + html.count("<ul>") < 100


def test_a_task_with_paragraphs_keeps_its_box_in_the_first_line() -> None:
    html = render("1. [x] a\n\n   b\n2. c")

    assert html.startswith('<ol>\n<li class="task-list-item" dir="auto"><p dir="auto"><input type="checkbox" ')
    assert '<li dir="auto"><p dir="auto">c</p>' in html
