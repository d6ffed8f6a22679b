"""The widget on odd pages: styled, scripted, swapped, narrow, right-to-left, or distrustful."""

import gzip
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.browser.test_widget import HostSite, ask, begin_long_answer, composer, launcher, log, open_widget, return_to

ROOT = Path(__file__).resolve().parents[2]
WIDGET = ROOT / "static" / "widget" / "widget.js"


@pytest.fixture(scope="module")
def host(site: str) -> Iterator[HostSite]:
    """A site that embeds the widget of the demo server."""
    served = HostSite(site)
    yield served
    served.close()


def layout(page: Page) -> object:
    """Where everything of the page itself stands, and how far it scrolls."""
    return page.evaluate(
        """() => [document.documentElement.scrollWidth, document.documentElement.scrollHeight,
          ...[...document.querySelectorAll('html, body, main, main *')].map(
            (element) => JSON.stringify(element.getBoundingClientRect()))]"""
    )


def test_the_whole_widget_weighs_at_most_15_kb() -> None:
    """It is served as written, so that the comments count."""
    assert len(gzip.compress(WIDGET.read_bytes())) <= 15 * 1024


@pytest.mark.parametrize("size", [(1280, 760), (390, 844)])
def test_the_page_keeps_its_layout(page: Page, host: HostSite, size: tuple[int, int]) -> None:
    """Neither the launcher nor the open panel moves anything, whatever layout the body has."""
    page.set_viewport_size({"width": size[0], "height": size[1]})
    css = host.serve(b"body{display:grid;gap:20px;margin:10px}body>*{margin:30px;padding:9px;width:50%}", "text/css")
    style = f'<link rel="stylesheet" href="{css}">'
    page.goto(host.page(style, policy="; style-src 'self'"))
    without = layout(page)

    page.goto(host.page(style + host.widget_tag, policy="; style-src 'self'"))
    expect(launcher(page)).to_be_visible()
    closed = layout(page)
    launcher(page).click()
    expect(page.get_by_role("dialog")).to_be_visible()

    assert [closed, layout(page)] == [without, without]


def test_the_pages_style_stays_outside(page: Page, host: HostSite) -> None:
    """Rules for every element and every button of the page do not reach the widget, not even important ones."""
    rules = (
        b"*{font:40px serif!important;color:red!important;letter-spacing:9px;text-transform:uppercase}"
        b"chatapp-widget{display:block;opacity:.2;float:left}"
    )
    css = host.serve(rules, "text/css")
    open_widget(page, host.page(f'<link rel="stylesheet" href="{css}">' + host.widget_tag, policy="; style-src 'self'"))
    shown = page.locator("#title").evaluate(
        "title => { const { fontSize, letterSpacing, textTransform, color } = getComputedStyle(title);"
        " return [fontSize, letterSpacing, textTransform, color === 'rgb(255, 0, 0)'] }"
    )

    assert shown == ["15px", "normal", "none", False]


def test_two_inclusions_make_one_widget(page: Page, host: HostSite) -> None:
    """Tag managers and templates include scripts twice."""
    page.goto(host.page(host.widget_tag * 2, body=host.widget_tag))
    expect(launcher(page)).to_be_visible()
    page.wait_for_load_state("load")

    assert page.locator("chatapp-widget").count() == 1


def test_an_element_of_the_page_is_used(page: Page, host: HostSite) -> None:
    """Who writes the element decides where it stands and what it says; the script adds no second one."""
    own = '<chatapp-widget data-title="Help desk" data-send="Go" data-open></chatapp-widget>'
    page.goto(host.page(host.widget_tag.replace(" async", ""), body=own))

    expect(page.get_by_role("dialog", name="Help desk")).to_be_visible()
    expect(page.get_by_role("button", name="Go")).to_be_visible()
    expect(page.locator("body")).to_be_focused()
    assert page.locator("chatapp-widget").count() == 1


def test_it_works_where_old_libraries_changed_the_language(page: Page, host: HostSite) -> None:
    """Prototype-style pages: `toJSON` on arrays, enumerable extras, replaced methods, odd global variables."""
    page.add_init_script(
        """for (const method of ['map', 'filter', 'forEach', 'find', 'includes', 'flat', 'reduce'])
             Array.prototype[method] = () => { throw new Error('replaced') }
           Array.prototype.toJSON = () => 'broken'
           Object.prototype.toJSON = () => 'broken'
           Array.prototype.extra = Object.prototype.extra = 1
           window.name = window.status = 'odd'
           window.event = window.origin = undefined
           window.$ = window.build = window.draw = 1"""
    )
    url = host.page()
    open_widget(page, url)

    assert ask(page, "Hello").inner_text()
    return_to(page, url)
    expect(page.locator(".question")).to_have_text("Hello")


def test_it_survives_being_moved_removed_and_put_back(page: Page, host: HostSite) -> None:
    """Single-page applications swap the body; an answer on its way survives a move."""
    open_widget(page, host.page())
    ask(page, "Hello")
    begin_long_answer(page)

    page.evaluate("document.querySelector('main').append(document.querySelector('chatapp-widget'))")
    expect(log(page)).to_have_attribute("aria-busy", "false", timeout=15_000)
    expect(page.locator(".answer .note")).to_have_count(0)
    page.evaluate("{ const kept = document.querySelector('chatapp-widget'); kept.remove(); window.kept = kept }")
    page.evaluate("document.body.append(window.kept)")

    expect(page.locator(".question")).to_have_count(2)
    assert ask(page, "Hello").inner_text()


def test_it_works_without_storage(page: Page, host: HostSite) -> None:
    """Browsers that block site data throw on every access to it."""
    page.add_init_script(
        "Object.defineProperty(window, 'localStorage', { get() { throw new DOMException('no', 'SecurityError') } })"
    )
    open_widget(page, host.page())

    assert ask(page, "Hello").inner_text()


@pytest.mark.parametrize(
    ("rule", "blocks"),
    [
        pytest.param("trusted-types chatapp-widget", 1, id="our-policy-allowed"),
        pytest.param("trusted-types 'none'", 0, id="forbidden"),
    ],
)
def test_trusted_types_are_obeyed(page: Page, host: HostSite, rule: str, blocks: int) -> None:
    """Where the page lets nobody parse HTML, the answer is shown as text rather than not at all."""
    open_widget(page, host.page(policy=f"; require-trusted-types-for 'script'; {rule}"))

    answer = ask(page, "Hello")

    assert answer.inner_text()
    assert min(answer.locator("p").count(), 1) == blocks


def test_typing_does_not_trigger_the_pages_shortcuts(page: Page, host: HostSite) -> None:
    """The page cannot see that the key came from a text field, because it comes from a shadow tree."""
    open_widget(page, host.page())
    page.evaluate("{ window.keys = []; document.addEventListener('keydown', (event) => keys.push(event.key)) }")

    page.keyboard.type("s/?")

    expect(composer(page)).to_have_value("s/?")
    assert page.evaluate("keys") == []


def test_a_phone_gets_the_whole_screen_and_targets_for_fingers(page: Page, host: HostSite) -> None:
    """Below 480 px there is no room for a corner."""
    page.set_viewport_size({"width": 390, "height": 844})
    page.emulate_media(reduced_motion="reduce")
    open_widget(page, host.page())

    assert page.get_by_role("dialog").bounding_box() == {"x": 0, "y": 0, "width": 390, "height": 844}
    expect(page.locator("#launcher")).to_be_hidden()
    assert composer(page).evaluate("input => parseFloat(getComputedStyle(input).fontSize)") >= 16
    page.get_by_role("dialog").get_by_role("button", name="Close chat").click()
    expect(launcher(page)).to_be_focused()


def test_fingers_can_hit_every_button(new_context: Callable[..., BrowserContext], host: HostSite) -> None:
    """44 px where the pointer is coarse; and opening the panel does not call up the keyboard."""
    page = new_context(has_touch=True, is_mobile=True, viewport={"width": 390, "height": 844}).new_page()
    open_widget(page, host.page())
    expect(log(page)).to_be_focused()
    sizes = "buttons => buttons.map(({ offsetWidth, offsetHeight }) => Math.min(offsetWidth, offsetHeight))"
    empty = page.get_by_role("dialog").get_by_role("button").evaluate_all(sizes)
    ask(page, "Show me code")
    filled = page.get_by_role("dialog").get_by_role("button").evaluate_all(sizes)

    assert min(empty + filled) >= 44


def test_an_on_screen_keyboard_hides_nothing(page: Page, host: HostSite) -> None:
    """Phones shrink the visual viewport only, so that what is fixed to the bottom would be covered."""
    page.set_viewport_size({"width": 390, "height": 844})
    page.emulate_media(reduced_motion="reduce")
    open_widget(page, host.page())

    page.evaluate(
        "{ Object.defineProperty(visualViewport, 'height', { value: 500 });"
        " visualViewport.dispatchEvent(new Event('resize')) }"
    )

    assert page.get_by_role("dialog").bounding_box() == {"x": 0, "y": 0, "width": 390, "height": 500}


def test_a_wide_window_gets_a_corner(page: Page, host: HostSite) -> None:
    """380 by 600 pixels above a launcher of 56."""
    page.set_viewport_size({"width": 1280, "height": 760})
    page.emulate_media(reduced_motion="reduce")
    open_widget(page, host.page())

    assert page.get_by_role("dialog").bounding_box() == {"x": 884, "y": 76, "width": 380, "height": 600}
    assert launcher(page).bounding_box() == {"x": 1208, "y": 688, "width": 56, "height": 56}


def test_it_stands_at_the_other_side_in_right_to_left_pages_and_on_request(page: Page, host: HostSite) -> None:
    """The end of the line by default; `data-position` is meant as it is written."""
    boxes = []
    for attributes, tag in [
        ('dir="rtl"', host.widget_tag),
        ("", host.widget_tag.replace("async", 'async data-position="left"')),
        ('dir="rtl"', host.widget_tag.replace("async", 'async data-position="right"')),
    ]:
        page.goto(host.page(tag, attributes=attributes))
        box = launcher(page).bounding_box()
        boxes.append(box and box["x"])

    width = page.evaluate("document.documentElement.clientWidth")
    assert boxes == [16, 16, width - 72]


@pytest.mark.parametrize(
    ("system", "page_says", "option", "shown"),
    [
        pytest.param("dark", "", "", "dark", id="system-dark"),
        pytest.param("light", "", "", "light", id="system-light"),
        pytest.param("light", "dark", "", "dark", id="page-dark"),
        pytest.param("dark", "light", "", "light", id="page-light"),
        pytest.param("dark", "dark", "light", "light", id="option-light"),
    ],
)
def test_it_follows_the_pages_colours(  # noqa: PLR0917 - pytest passes them by name
    page: Page, host: HostSite, system: Literal["dark", "light"], page_says: str, option: str, shown: str
) -> None:
    """The page's `color-scheme` first, then the reader's system; an option settles it."""
    page.emulate_media(color_scheme=system)
    css = host.serve(b".dark{color-scheme:dark}.light{color-scheme:light}", "text/css")
    tag = host.widget_tag.replace("async", f'async data-theme="{option}"' if option else "async")
    head = f'<link rel="stylesheet" href="{css}">{tag}'
    open_widget(page, host.page(head, policy="; style-src 'self'", attributes=f'class="{page_says}"'))

    lightness = page.get_by_role("dialog").evaluate(
        "panel => parseFloat(getComputedStyle(panel).backgroundColor.match(/[\\d.]+/)[0])"
    )
    assert ("dark" if lightness < 0.5 else "light") == shown


def test_it_can_be_styled_from_outside(page: Page, host: HostSite) -> None:
    """Custom properties for the common wishes, parts for the rest."""
    rules = b"chatapp-widget{--chatapp-accent:rgb(1,2,3);--chatapp-width:300px}::part(title){color:rgb(4,5,6)}"
    css = host.serve(rules, "text/css")
    page.goto(host.page(f'<link rel="stylesheet" href="{css}">' + host.widget_tag, policy="; style-src 'self'"))

    assert "rgb(1, 2, 3)" in launcher(page).evaluate("button => getComputedStyle(button).backgroundImage")
    launcher(page).click()
    assert page.get_by_role("dialog").evaluate("panel => panel.offsetWidth") == 300
    assert page.locator("#title").evaluate("title => getComputedStyle(title).color") == "rgb(4, 5, 6)"


def test_it_answers_on_our_own_landing_page(page: Page, site: str) -> None:
    """The same file, under the site's own policy."""
    problems: list[str] = []
    page.on("console", lambda message: problems.append(message.text) if "Policy" in message.text else None)
    open_widget(page, site)

    assert ask(page, "Hello").inner_text()
    assert problems == []


def test_the_page_can_open_ask_and_close(page: Page, host: HostSite) -> None:
    """The methods and events that docs/widget.md names."""
    page.goto(host.page())
    expect(launcher(page)).to_be_visible()
    events = page.evaluate(
        """async () => { const seen = []
          for (const name of ['open', 'close', 'answer', 'error'])
            document.addEventListener(`chatapp:${name}`, (event) => seen.push(event.type))
          const widget = document.querySelector('chatapp-widget')
          await widget.ask('Hello')
          widget.close()
          return seen }"""
    )

    assert events == ["chatapp:open", "chatapp:answer", "chatapp:close"]


def test_an_answer_that_arrives_while_closed_is_marked(page: Page, host: HostSite) -> None:
    """Closing does not stop an answer, and the launcher says when it is there."""
    open_widget(page, host.page())
    composer(page).fill("Hello")
    page.keyboard.press("Enter")
    page.keyboard.press("Escape")

    expect(page.get_by_role("button", name="Open chat: a new answer has arrived")).to_be_visible(timeout=15_000)
    launcher(page).click()
    expect(page.locator(".answer p").first).to_be_visible()


def test_the_documentation_names_all_of_it() -> None:
    """Options, sentences, properties, parts and events: what is not written down cannot be used."""
    code = WIDGET.read_text()
    options = re.findall(r"\w+", re.findall(r'const OPTIONS = "(.+)"', code)[0])
    sentences = dict(re.findall(r'^    (\w+): "(.+)",$', code[: code.index("@typedef")], re.MULTILINE))
    names = {f"data-{key}" for key in [*options, *sentences]}
    names |= set(re.findall(r"--chatapp-[\w-]+", code))
    names |= set(re.findall(r'part: "(\w+)"', code))
    names |= {f"chatapp:{event}" for event in re.findall(r'#fire\("(\w+)"', code)}
    documented = (ROOT / "docs" / "widget.md").read_text()

    assert {name for name in names if f"`{name}`" not in documented} == set()
    assert [sentence for sentence in sentences.values() if sentence.replace("|", "\\|") not in documented] == []
