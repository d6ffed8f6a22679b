"""The landing page in a real browser: what a visitor sees first, and whether the miniature chat really answers."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.browser.accessibility import check_accessibility

# Sums up how far anything on the page has jumped (Layout Instability API); 0 is the aim.
WATCH_SHIFTS = """
window.shifted = 0
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) if (!entry.hadRecentInput) window.shifted += entry.value
}).observe({ type: "layout-shift", buffered: true })
"""


@pytest.fixture
def landing(page: Page, site: str) -> Page:
    page.goto(site)
    return page


@pytest.fixture
def plain_page(browser: Browser) -> Iterator[Page]:
    """A page with scripts turned off, on a phone."""
    context = browser.new_context(java_script_enabled=False, viewport={"width": 390, "height": 844})
    yield context.new_page()
    context.close()


def mini_chat(page: Page) -> Locator:
    return page.get_by_role("region", name="Try the chat")


def ask(page: Page, message: str) -> None:
    box = page.get_by_label("Your message")
    box.fill(message)
    box.press("Enter")


def test_a_starter_is_answered_on_the_spot(landing: Page) -> None:
    """The hero promises that the miniature really answers; one click is all it may take."""
    chat = mini_chat(landing)

    chat.get_by_role("button", name="Show a table").click()

    expect(chat.locator(".bubble")).to_have_text("Show a table")
    expect(chat.get_by_role("table")).to_be_visible()
    expect(chat.locator("[data-figures]")).to_contain_text("tokens")


def test_a_question_needs_no_mouse_and_keeps_the_focus(landing: Page) -> None:
    """Who types goes on typing: the next question follows without a search for the box."""
    ask(landing, "Show a list")

    expect(mini_chat(landing).locator(".bubble")).to_have_text("Show a list")
    expect(mini_chat(landing).locator("[data-figures]")).to_be_visible()
    expect(landing.get_by_label("Your message")).to_be_focused()
    expect(landing.get_by_label("Your message")).to_have_value("")


def test_the_log_is_marked_busy_while_an_answer_arrives(landing: Page) -> None:
    """A screen reader hears the finished answer, not each word of it."""
    log = mini_chat(landing).get_by_role("log")

    ask(landing, "Write a long story")

    expect(log).to_have_attribute("aria-busy", "true")
    landing.keyboard.press("Escape")
    expect(log).to_have_attribute("aria-busy", "false")


def test_stop_keeps_what_has_arrived(landing: Page) -> None:
    """Stopping is no failure: the text stays and says that it was stopped."""
    chat = mini_chat(landing)
    ask(landing, "Write a long story")
    expect(chat.locator(".turn").last.locator(".prose > *").first).to_be_visible()

    chat.get_by_role("button", name="Stop").click()

    expect(chat.locator("[data-figures]")).to_contain_text("stopped")
    expect(chat.locator(".turn").last.locator(".prose > *").first).to_be_visible()
    expect(chat.get_by_role("button", name="Send")).to_be_visible()


def test_a_long_answer_is_read_from_its_beginning(landing: Page) -> None:
    """The log follows the answer only until its question stands at the top; then it holds still for the reader."""
    chat = mini_chat(landing)

    ask(landing, "What can you do?")
    expect(chat.locator("[data-figures]")).to_be_attached()
    expect(chat.get_by_role("log")).to_have_attribute("aria-busy", "false")

    expect(chat.locator(".bubble")).to_be_in_viewport(ratio=1)
    expect(chat.locator(".turn").last.locator(".prose > *").first).to_be_in_viewport(ratio=1)


def test_who_has_scrolled_back_is_left_there(landing: Page) -> None:
    """Words that arrive never pull the page from under a reader."""
    log = mini_chat(landing).get_by_role("log")
    ask(landing, "Write a long story")
    expect(mini_chat(landing).locator(".turn").last.locator(".prose > *").nth(1)).to_be_attached()
    log.evaluate("log => { log.scrollTop = 0 }")
    arrived = landing.locator(".turn").last.locator(".prose > *").count()

    expect(mini_chat(landing).locator(".turn").last.locator(".prose > *").nth(arrived + 1)).to_be_attached()

    assert log.evaluate("log => log.scrollTop") == 0


def test_an_unreachable_server_is_told_and_the_question_asked_again(landing: Page) -> None:
    """A broken connection costs one click, not the question."""
    chat = mini_chat(landing)
    landing.context.set_offline(True)
    ask(landing, "What can you do?")
    expect(chat.locator("[data-problem]")).to_contain_text("offline")

    landing.context.set_offline(False)
    chat.get_by_role("button", name="Try again").click()

    expect(chat.locator("[data-figures]")).to_contain_text("tokens")
    expect(chat.locator(".bubble")).to_have_count(1)


def test_markup_in_a_question_stays_text(landing: Page) -> None:
    """What a person types is shown, never parsed."""
    hostile = "<img src=x onerror=\"document.title='owned'\">"

    ask(landing, hostile)

    expect(mini_chat(landing).locator(".bubble")).to_have_text(hostile)
    expect(mini_chat(landing).locator("[data-figures]")).to_be_visible()
    expect(mini_chat(landing).locator("img")).to_have_count(0)
    expect(landing).not_to_have_title("owned")


@pytest.mark.parametrize(
    ("width", "height"), [pytest.param(1280, 720, id="laptop"), pytest.param(390, 844, id="phone")]
)
def test_the_first_screen_is_complete(page: Page, site: str, width: int, height: int) -> None:
    """Promise, proof, both buttons and the live chat are seen without scrolling in either direction."""
    page.set_viewport_size({"width": width, "height": height})
    page.goto(site)

    hero = page.locator(".hero")
    parts = [hero.locator("h1"), hero.locator(".hero__proof"), mini_chat(page), *hero.locator(".hero__actions a").all()]

    for part in parts:
        expect(part).to_be_in_viewport(ratio=1)
    assert page.evaluate("document.documentElement.scrollWidth") == width


def test_an_answer_never_moves_the_page(page: Page, site: str) -> None:
    """Text that jumps while it is read is lost; the miniature scrolls within itself."""
    page.add_init_script(WATCH_SHIFTS)
    page.goto(site)

    ask(page, "Show a table")
    expect(mini_chat(page).locator("[data-figures]")).to_be_visible()

    assert page.evaluate("window.shifted") == 0


def test_nothing_is_asked_of_another_host_and_nothing_is_refused(page: Page, site: str) -> None:
    """The page says that it loads nothing from anyone else, and its own policy must not stand in its way."""
    requested: list[str] = []
    complaints: list[str] = []
    page.on("request", lambda request: requested.append(request.url))
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))

    page.goto(site, wait_until="networkidle")

    assert [url for url in requested if not url.startswith((site, "data:"))] == []
    assert complaints == []


@pytest.mark.parametrize("width", [pytest.param(1280, id="laptop"), pytest.param(390, id="phone")])
def test_axe_finds_nothing(page: Page, site: str, width: int) -> None:
    """Before and after an answer, in both themes."""
    page.set_viewport_size({"width": width, "height": 844})
    page.goto(site)
    check_accessibility(page)

    ask(page, "Show a table")
    expect(mini_chat(page).locator("[data-figures]")).to_be_visible()
    check_accessibility(page)


def test_the_keyboard_meets_things_in_reading_order(landing: Page) -> None:
    """Skip link first, then the header from left to right, then the hero."""
    names = []
    for _ in range(11):
        landing.keyboard.press("Tab")
        names.append(landing.evaluate("document.activeElement.textContent.trim()"))

    # The fifth from the end is the theme switch, which has no text.
    assert names[0] == "Skip to content"
    assert names[2:] == [
        "Home",
        "Chat",
        "Service",
        "Contacts",
        "",
        "Sign in",
        "Open chat",
        "Start chatting",
        "Add it to your site",
    ]


def test_a_chosen_theme_is_there_after_a_reload(landing: Page) -> None:
    """The choice is kept, and applied before anything is painted."""
    root = landing.locator("html")
    toggle = landing.get_by_role("button", name="Theme:")

    toggle.click()
    toggle.click()
    landing.reload()

    expect(root).to_have_attribute("data-theme", "dark")
    assert landing.evaluate("getComputedStyle(document.documentElement).colorScheme") == "dark"


def test_the_embed_line_is_copied_whole(landing: Page, site: str) -> None:
    """What is pasted into somebody's page has to work as it is."""
    landing.context.grant_permissions(["clipboard-read", "clipboard-write"])

    landing.get_by_role("button", name="Copy the embed line").click()

    expect(landing.get_by_text("Copied.")).to_be_attached()
    assert landing.evaluate("navigator.clipboard.readText()") == f'<script src="{site}/widget.js" async></script>'


def test_contacts_lead_to_phone_and_mail(landing: Page) -> None:
    """The header's Contacts scrolls to the footer, where a tap calls or writes."""
    landing.get_by_role("navigation", name="Main").get_by_role("link", name="Contacts").click()

    contacts = landing.locator("#contacts")
    expect(contacts).to_be_in_viewport()
    expect(contacts.locator("a[href^='tel:']")).to_have_count(1)
    expect(contacts.locator("a[href^='mailto:']")).to_have_count(1)


def test_without_scripts_the_menu_opens(plain_page: Page, site: str) -> None:
    """A phone without scripts still reaches every page."""
    plain_page.goto(site)

    plain_page.locator("summary", has=plain_page.locator("svg")).click()
    plain_page.get_by_role("link", name="Service", exact=True).first.click()

    expect(plain_page.get_by_role("heading", level=1)).to_have_text("Service")


@pytest.mark.parametrize("starter", [pytest.param(True, id="starter"), pytest.param(False, id="typed")])
def test_without_scripts_the_miniature_leads_to_an_answer(plain_page: Page, site: str, starter: bool) -> None:
    """The miniature is a plain form then, answered by the chat page."""
    plain_page.goto(site)

    if starter:
        plain_page.get_by_role("button", name="Show a table").click()
    else:
        ask(plain_page, "Show a table")

    expect(plain_page).to_have_url(re.compile(rf"^{site}/chat/[0-9a-f-]+#"))
    expect(plain_page.locator("main")).to_contain_text("Show a table")
    expect(plain_page.get_by_role("table")).to_be_visible()
