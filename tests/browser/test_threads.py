"""The list of conversations: found again, kept in order, put away, brought back."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.accessibility import check_accessibility
from tests.browser.chat_page import ChatPage
from tests.browser.threads_page import ThreadsPage

NOW = "2026-11-20T12:00:00"


@pytest.fixture
def threads(page: Page, site: str) -> ThreadsPage:
    return ThreadsPage(page, site)


def test_answered_conversation_stands_in_the_list_at_once(threads: ThreadsPage) -> None:
    """Without a reload: at the top, under today, marked as the one shown. So does one begun elsewhere, on return."""
    threads.keep("An older matter")
    threads.open()

    ChatPage(threads.page, threads.site).ask("Count to 3")

    expect(threads.panel.get_by_role("listitem").first.get_by_role("link")).to_have_attribute("aria-current", "page")
    expect(threads.panel.get_by_role("heading", name="Today")).to_be_visible()
    expect(threads.panel.get_by_role("listitem")).to_have_count(2)
    expect(threads.panel.get_by_text("(answering)").filter(visible=True)).to_have_count(0)
    threads.keep("Begun on another device")
    threads.page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    expect(threads.thread("Begun on another device")).to_be_visible()


def test_menu_works_by_keyboard_alone(threads: ThreadsPage) -> None:
    """Rename, then pin, with the focus never lost."""
    shown, _ = threads.keep("First", "Second")
    threads.open(shown)
    more = threads.thread("First").get_by_role("button")
    more.focus()

    threads.page.keyboard.press("Enter")
    expect(threads.menu.get_by_role("menuitem", name="Rename")).to_be_focused()
    threads.page.keyboard.press("Enter")
    expect(threads.page.get_by_role("textbox", name="Title of the conversation")).to_be_focused()
    threads.page.keyboard.type("Prime numbers")
    threads.page.keyboard.press("Enter")
    expect(threads.thread("Prime numbers").get_by_role("link")).to_be_focused()
    threads.page.keyboard.press("Tab")
    threads.page.keyboard.press("Enter")
    expect(threads.menu.get_by_role("menuitem", name="Rename")).to_be_focused()
    threads.page.keyboard.press("ArrowDown")
    # The list shows it at once; a reload must not come before the server knows.
    with threads.page.expect_response(lambda response: response.request.method == "PATCH"):
        threads.page.keyboard.press("Enter")

    expect(threads.panel.get_by_role("heading", name="Pinned")).to_be_visible()
    expect(threads.page.get_by_role("heading", name="Prime numbers", level=1)).to_be_visible()
    threads.page.reload()
    assert threads.titles() == ["Prime numbers", "Second"]


def test_deleted_conversation_comes_back_by_undo(threads: ThreadsPage) -> None:
    """From the list, and after the page of the deleted one itself had to be left."""
    shown, _ = threads.keep("Shown", "Another")
    threads.open(shown)

    threads.act("Another", "Delete")
    expect(threads.thread("Another")).to_have_count(0)
    threads.toast.get_by_role("button", name="Undo").click()
    expect(threads.thread("Another")).to_be_visible()

    threads.act("Shown", "Delete")
    threads.page.wait_for_url("**/chat")
    expect(threads.toast.get_by_role("status")).to_have_text("Conversation deleted.")
    assert threads.titles() == ["Another"]
    threads.page.keyboard.press("Control+z")
    threads.page.wait_for_url(f"**/chat/{shown}")


def test_folders_tags_and_archive_narrow_the_list(threads: ThreadsPage) -> None:
    threads.keep("Rent", "Holidays", "Old")
    threads.open()
    filter_ = threads.page.get_by_role("combobox", name="Show")
    expect(filter_).to_be_hidden()

    threads.act("Holidays", "Move to folder")
    labels = threads.page.get_by_role("dialog", name="Folder and tags")
    labels.get_by_label("Folder", exact=True).fill("Travel")
    labels.get_by_role("combobox", name="Tags").fill("summer")
    labels.get_by_role("button", name="Save").click()
    expect(labels).to_be_hidden()
    threads.act("Old", "Archive")
    expect(threads.thread("Old")).to_have_count(0)

    for option, title in (("Travel", "Holidays"), ("summer", "Holidays"), ("Archived", "Old")):
        filter_.select_option(label=option)
        expect(threads.panel.locator(".thread__title")).to_have_text([title])
    filter_.select_option(label="All conversations")
    expect(threads.panel.locator(".thread__title")).to_have_text(["Holidays", "Rent"])


def test_search_finds_an_accent_without_it(threads: ThreadsPage) -> None:
    """As one types, with the words marked; Enter opens the conversation at the message."""
    found = threads.ask("Where is the best café?")
    threads.keep("Something else")
    threads.open()

    threads.page.keyboard.press("Control+k")
    expect(threads.query).to_be_focused()
    threads.page.keyboard.type("cafe")

    result = threads.panel.get_by_role("list", name="Search results").get_by_role("link").first
    expect(result.locator("mark").first).to_have_text("café")
    threads.page.keyboard.press("ArrowDown")
    expect(result).to_be_focused()
    threads.page.keyboard.press("Enter")
    threads.page.wait_for_url(re.compile(rf"/chat/{found}(\?at=[0-9a-f-]+#m-[0-9a-f-]+)?$"))

    threads.open().query.fill("nowhere")
    expect(threads.panel.get_by_role("status")).to_have_text("Nothing found for “nowhere”.")


def test_search_works_without_scripts(browser: Browser, site: str) -> None:
    context = browser.new_context(java_script_enabled=False)
    threads = ThreadsPage(context.new_page(), site)
    threads.keep("Prime numbers", "Café Central")
    threads.page.goto(f"{site}/chat")

    threads.query.fill("cafe")
    threads.query.press("Enter")

    expect(threads.panel.get_by_role("link", name="Café Central")).to_be_visible()
    expect(threads.panel.locator("mark")).to_have_text("Café")
    context.close()


def test_long_list_grows_as_one_scrolls(threads: ThreadsPage) -> None:
    threads.keep(*(f"Matter {number}" for number in range(32)))
    threads.open()
    expect(threads.panel.get_by_role("listitem")).to_have_count(30)

    threads.thread("Matter 2").first.scroll_into_view_if_needed()
    threads.panel.get_by_role("button", name="Load more").scroll_into_view_if_needed()

    expect(threads.panel.get_by_role("listitem")).to_have_count(32)
    expect(threads.panel.get_by_role("button", name="Load more")).to_be_hidden()


def test_list_that_was_put_away_stays_away(threads: ThreadsPage) -> None:
    """And is away before the page is painted, so that nothing jumps."""
    threads.keep("Matter")
    threads.open()
    toggle = threads.page.locator(".chat-header [data-command=threads]")

    toggle.click()
    threads.page.reload(wait_until="commit")

    expect(threads.page.locator("html")).to_have_attribute("data-threads", "closed")
    expect(threads.panel).to_be_hidden()
    toggle.click()
    expect(threads.panel).to_be_visible()


@pytest.fixture
def phone(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    yield context.new_page()
    context.close()


def test_on_a_phone_the_list_is_a_sheet(phone: Page, site: str) -> None:
    """Closed at first; while it is open, nothing beneath it can be reached; what is tapped is large enough."""
    threads = ThreadsPage(phone, site)
    threads.keep("Matter")
    threads.open()
    toggle = phone.locator(".chat-header [data-command=threads]")
    expect(threads.panel).to_be_hidden()

    toggle.tap()
    expect(threads.panel.get_by_role("link", name="New chat")).to_be_focused()
    expect(phone.locator(".chat__conversation")).to_have_attribute("inert", "")
    small = threads.panel.evaluate("""panel => [...panel.querySelectorAll("a, button, input, select")]
        .filter((element) => element.checkVisibility())
        .filter((element) => Math.min(element.offsetWidth, element.offsetHeight) < 44)
        .map((element) => element.outerHTML.slice(0, 120))""")
    phone.keyboard.press("Escape")

    expect(threads.panel).to_be_hidden()
    expect(toggle).to_be_focused()
    assert small == []


def test_list_has_no_accessibility_fault(threads: ThreadsPage) -> None:
    """With its menu, a toast and search results, in the light and in the dark theme."""
    threads.keep("Matter", "Café", "Gone")
    threads.open()
    threads.act("Gone", "Archive")
    expect(threads.toast.get_by_role("button", name="Undo")).to_be_visible()
    threads.thread("Matter").hover()
    threads.thread("Matter").get_by_role("button").click()
    check_accessibility(threads.page)

    threads.page.keyboard.press("Escape")
    threads.query.fill("caf")
    expect(threads.panel.locator("mark")).to_have_count(1)
    check_accessibility(threads.page)


def test_headings_follow_the_days_of_the_reader(browser: Browser, site: str) -> None:
    """Late in the evening here is tomorrow in UTC."""
    context = browser.new_context(timezone_id="America/New_York")
    page = context.new_page()
    page.goto(f"{site}/chat")
    entry = page.locator("script[type=module]").get_attribute("src")
    address = str(entry).removesuffix("chat.js") + "chat/threads_list.js"

    def heading(updated_at: str, *, pinned: bool = False) -> str:
        script = """async ([address, conversation, now]) =>
            (await import(address)).headingOf(conversation, Date.parse(now))"""
        return str(page.evaluate(script, [address, {"updated_at": updated_at, "pinned": pinned}, f"{NOW}-05:00"]))

    assert heading("2026-11-21T04:30:00Z") == "Today"
    assert heading("2026-11-20T04:30:00Z") == "Yesterday"
    assert heading("2026-11-13T12:00:00Z") == "Previous 7 days"
    assert heading("2026-10-21T16:00:00Z") == "Previous 30 days"
    assert heading("2026-10-02T02:00:00Z") == "October 2026"
    assert heading("2026-10-01T02:00:00Z") == "September 2026"
    assert heading("2020-01-01T00:00:00Z", pinned=True) == "Pinned"
    context.close()
