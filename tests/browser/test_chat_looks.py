"""The chat page for every eye, hand and screen: accessible in each state, never too wide, light to load."""

import gzip
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit
from uuid import UUID

import pytest
from playwright.sync_api import Browser, Page, expect

from chatapp.config import Config
from chatapp.store import conversations
from chatapp.store.db import Database
from tests.browser.accessibility import check_accessibility
from tests.browser.chat_page import ChatPage
from tests.live_server import LiveServer
from tests.unit.services.threads import say

STATIC = Path(__file__).resolve().parents[2] / "static"
WIDE = "A" * 400 + " " + "Ж" * 400
MANY = 2_000
WIDTHS = (320, 390, 768, 1280)


def ask_for_everything(chat: ChatPage) -> None:
    chat.ask("Show me everything")


def fail(chat: ChatPage) -> None:
    chat.page.route("**/chat/stream*", lambda route: route.fulfill(status=504, body="Gateway"))
    chat.ask("Hello")


def answer_twice(chat: ChatPage) -> None:
    ask_for_everything(chat)
    chat.answers.get_by_role("button", name="Answer again").click()
    expect(chat.version(chat.answers)).to_have_text("2/2")
    chat.wait_until_over()


STATES: dict[str, Callable[[ChatPage], None]] = {
    "empty": lambda chat: expect(chat.answers).to_have_count(0),
    "conversation": answer_twice,
    "temporary": ChatPage.make_temporary,
    "failed": fail,
    "settings": lambda chat: expect(chat.open_settings()).to_be_visible(),
    "shortcuts": lambda chat: chat.page.keyboard.press("Control+/"),
}


@pytest.mark.parametrize("state", STATES)
def test_no_state_has_an_accessibility_fault(page: Page, site: str, state: str) -> None:
    """Neither in the light nor in the dark theme."""
    chat = ChatPage(page, site).open()
    STATES[state](chat)

    check_accessibility(page)


def test_nothing_widens_the_page(page: Page, site: str) -> None:
    """Long words, wide tables and code scroll or wrap in their own place."""
    chat = ChatPage(page, site).open()
    chat.ask(WIDE)
    ask_for_everything(chat)
    scroller = page.get_by_role("region", name="Conversation")

    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 800})
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert scroller.evaluate("e => e.scrollWidth - e.clientWidth") == 0, width
        expect(chat.send).to_be_in_viewport(ratio=1)


@pytest.fixture
def phone(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    yield context.new_page()
    context.close()


def test_targets_are_large_enough_for_fingers(phone: Page, site: str) -> None:
    """44 px for everything that is tapped; links inside running text may be smaller."""
    phone.goto(f"{site}/chat")
    phone.get_by_role("button", name="Show me some Python code").tap()
    expect(phone.get_by_role("button", name="Copy code")).to_be_visible()
    expect(phone.get_by_role("button", name="Answer again")).to_be_visible()

    small = phone.evaluate("""() => [...document.querySelectorAll("button, select, .chat-header a, textarea")]
        .filter((element) => element.checkVisibility())
        .filter((element) => Math.min(element.offsetWidth, element.offsetHeight) < 44)
        .map((element) => element.outerHTML.slice(0, 120))""")

    assert small == []


def test_each_message_finds_its_own_direction(page: Page, faulty_site: LiveServer) -> None:
    chat = ChatPage(page, faulty_site.base_url).open()

    chat.ask("مرحبا بالعالم")

    bubble = chat.questions.locator(".bubble")
    assert bubble.evaluate("e => getComputedStyle(e).direction") == "rtl"
    assert chat.answers.locator("p").first.evaluate("e => getComputedStyle(e).direction") == "ltr"


def test_long_conversation_stays_quick(page: Page, site_server: LiveServer) -> None:
    """Two thousand messages open at the last one; older ones come as one scrolls up, and what is read stays put."""
    chat = ChatPage(page, site_server.base_url).open()
    chat.ask("Count to 3")
    say_much(site_server, chat)
    page.reload()
    last = chat.log.get_by_text(f"word {MANY - 1}", exact=True)
    expect(last).to_be_in_viewport()
    assert chat.distance_from_end() <= 2
    assert chat.log.locator(".message").count() == 30

    chat.log.locator(".message").first.scroll_into_view_if_needed()
    expect(chat.log.locator(".message")).to_have_count(60)
    expect(chat.log.get_by_text(f"word {MANY - 30}", exact=True)).to_be_in_viewport()


def say_much(server: LiveServer, chat: ChatPage) -> None:
    """Put the rest of `MANY` messages behind the conversation's two."""
    database = Database(Config(data_dir=server.data_dir).database)
    with database.read() as connection:
        thread = conversations.get(connection, UUID(chat.path.removeprefix("/chat/")))
    assert thread
    say(database, thread, [f"{'ua'[n % 2]}:word {n}" for n in range(2, MANY)], after=thread.head_id)
    database.close()


def test_page_asks_nobody_else_and_breaks_no_policy(page: Page, site: str) -> None:
    """Nothing is fetched from another host, nothing is refused by the content security policy, nothing throws."""
    complaints: list[str] = []
    hosts: set[str] = set()
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("request", lambda request: hosts.add(urlsplit(request.url).netloc))

    ask_for_everything(ChatPage(page, site).open())

    assert complaints == []
    assert hosts == {urlsplit(site).netloc}


def test_all_modules_are_fetched_at_once(page: Page, site: str) -> None:
    """Modules that only their importers name would come one round trip after the other."""
    chat = ChatPage(page, site).open()

    fetched = chat.page.evaluate(
        "performance.getEntriesByType('resource').map(e => e.name).filter(n => /[.]js$/.test(n))"
    )
    named = chat.page.evaluate(
        "[...document.querySelectorAll('link[rel=modulepreload], script[src]')].map(e => e.href || e.src)"
    )

    assert sorted(fetched) == sorted(named)


def test_page_stays_light(page: Page, site: str) -> None:
    """At most 35 KB of script and 20 KB of style sheets, gzipped file by file as they are sent."""
    paths: set[str] = set()
    page.on("request", lambda request: paths.add(urlsplit(request.url).path))
    ChatPage(page, site).open()

    def size(suffix: str) -> int:
        files = [STATIC / re.sub(r"^/static/[^/]+/", "", path) for path in paths if path.endswith(suffix)]
        assert files
        return sum(len(gzip.compress(file.read_bytes(), 6)) for file in files)

    assert size(".js") <= 35 * 1024
    assert size(".css") <= 20 * 1024
