"""The widget on somebody else's page: another origin, a strict policy, a real server behind it."""

import json
import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Locator, Page, Request, expect

from tests.conftest import StartServer
from tests.live_server import LiveServer
from tests.wire.reader import get

PARAGRAPHS = "<p>Some text of the page that nothing should move.</p>" * 12
HOSTILE = '<img src=x onerror="window.pwned=1"><script>window.pwned=1</script><b>bold</b>'


class HostSite:
    """A web site of its own on loopback: whatever HTML it is given, under the strictest policy that allows a widget."""

    def __init__(self, chat_url: str) -> None:
        self.widget_tag = f'<script src="{chat_url}/widget.js" async></script>'
        self.policy = f"default-src 'none'; script-src {chat_url}; connect-src {chat_url}"
        self._pages: dict[str, tuple[str, bytes, str]] = {}
        pages = self._pages

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                policy, body, content_type = pages.get(self.path, ("", b"", "text/plain"))
                self.send_response(200)
                self.send_header("Content-Security-Policy", policy)
                self.send_header("Content-Type", content_type)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def page(self, head: str | None = None, *, body: str = "", policy: str = "", attributes: str = "") -> str:
        """The URL of a new page; `head` is the widget's script unless given, `policy` is added to the strict one."""
        head = self.widget_tag if head is None else head
        html = (
            f'<!doctype html><html lang="en" {attributes}><head><meta charset="utf-8"><title>A page</title>'
            f'<meta name="viewport" content="width=device-width">{head}</head>'
            f"<body><main><h1>Somebody's page</h1>{PARAGRAPHS}{body}</main></body></html>"
        )
        return self.serve(html.encode(), "text/html", self.policy + policy)

    def serve(self, content: bytes, content_type: str, policy: str = "") -> str:
        """The URL of one more file."""
        path = f"/{len(self._pages)}"
        self._pages[path] = (policy, content, content_type)
        return f"http://127.0.0.1:{self._server.server_port}{path}"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture(scope="module")
def host(site: str) -> Iterator[HostSite]:
    """A site that embeds the widget of the demo server."""
    served = HostSite(site)
    yield served
    served.close()


@pytest.fixture(scope="module")
def faulty_host(faulty_site: LiveServer) -> Iterator[HostSite]:
    """A site that embeds the widget of a server whose models fail on purpose."""
    served = HostSite(faulty_site.base_url)
    yield served
    served.close()


@pytest.fixture
def violations(page: Page) -> list[str]:
    """What the page's policy blocks, and the page's errors, as they happen."""
    seen: list[str] = []
    page.on("pageerror", lambda error: seen.append(str(error)))

    def report(violation: str) -> None:
        seen.append(violation)

    page.expose_function("reportViolation", report)
    page.add_init_script(
        "addEventListener('securitypolicyviolation', (v) => reportViolation(`${v.violatedDirective} ${v.blockedURI}`))"
    )
    return seen


def launcher(page: Page) -> Locator:
    return page.locator("chatapp-widget #launcher")


def composer(page: Page) -> Locator:
    return page.get_by_role("textbox", name="Write a message")


def log(page: Page) -> Locator:
    return page.locator("chatapp-widget").get_by_role("log", name="Conversation")


def kept(page: Page) -> dict[str, Any]:
    """What the widget keeps in the storage of the page."""
    value: dict[str, Any] = json.loads(page.evaluate("Object.values(localStorage)[0]"))
    return value


def bearer(mine: dict[str, Any]) -> dict[str, str]:
    """The credential of the guest whom the widget is."""
    return {"Authorization": f"Bearer {mine['token']}"}


def messages_of(site: str, mine: dict[str, Any]) -> list[dict[str, Any]]:
    """The conversation as the server has it."""
    reply = get(site, f"/conversations/{mine['id']}/messages", headers=bearer(mine))
    return list(reply.json["messages"])


def open_widget(page: Page, url: str) -> None:
    page.goto(url)
    page.get_by_role("button", name="Open chat").click()


def return_to(page: Page, url: str) -> None:
    """Go to a page of a site where the widget was left open."""
    page.goto(url)
    expect(page.get_by_role("dialog")).to_be_visible()
    expect(log(page)).to_have_attribute("aria-busy", "false", timeout=15_000)


def ask(page: Page, text: str) -> Locator:
    """Send `text` by keyboard, wait for the whole answer and return it."""
    composer(page).fill(text)
    composer(page).press("Enter")
    expect(log(page)).to_have_attribute("aria-busy", "false", timeout=15_000)
    return page.locator(".answer").last


def begin_long_answer(page: Page) -> None:
    """Ask for an answer that takes a while, and return once its first words are there."""
    composer(page).fill("Write a very long story of 800 words")
    composer(page).press("Enter")
    expect(page.locator(".answer").last).to_contain_text(re.compile(r"\w\s\w"))


def test_nothing_but_the_script_is_fetched_until_somebody_asks(page: Page, host: HostSite, site: str) -> None:
    """A widget nobody uses must cost the page's visitors one small file, and tell the server nothing."""
    requests: list[Request] = []
    page.on("request", lambda request: requests.append(request) if request.url.startswith(site) else None)

    open_widget(page, host.page())
    expect(composer(page)).to_be_focused()

    assert [request.url for request in requests] == [f"{site}/widget.js"]


def test_answers_stream_under_a_strict_policy(page: Page, host: HostSite, violations: list[str]) -> None:
    """`default-src 'none'` with our host for scripts and connections is all a page has to allow."""
    open_widget(page, host.page())
    page.evaluate(
        """() => { window.lengths = new Set(); window.answers = []
          const log = document.querySelector('chatapp-widget').shadowRoot.querySelector('#log')
          new MutationObserver(() => lengths.add(log.textContent.length))
            .observe(log, { childList: true, subtree: true, characterData: true })
          addEventListener('chatapp:answer', (event) => answers.push(event.detail.text)) }"""
    )

    answer = ask(page, "Hello")

    expect(answer.locator("p").first).to_be_visible()
    assert page.evaluate("lengths.size") > 3
    assert [bool(text.strip()) for text in page.evaluate("answers")] == [True]
    assert violations == []


def test_no_cookie_and_no_page_address_is_sent(page: Page, host: HostSite, site: str) -> None:
    """What the documentation promises about privacy."""
    page.context.add_cookies([{"name": "canary", "value": "1", "url": site}])
    open_widget(page, host.page())

    with page.expect_request("**/chat/stream*") as asked:
        ask(page, "Hello")

    headers = asked.value.all_headers()
    assert "cookie" not in headers
    assert "referer" not in headers
    assert [cookie["name"] for cookie in page.context.cookies()] == ["canary"]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(page: Page, host: HostSite, scheme: str) -> None:
    """Closed, empty and with an answer in it, in both themes."""
    page.emulate_media(color_scheme="light" if scheme == "light" else "dark", reduced_motion="reduce")
    url = host.page(host.widget_tag.replace("async", f'async data-theme="{scheme}"'))
    page.goto(url)
    expect(launcher(page)).to_be_visible()

    found = [Axe().run(page)]
    launcher(page).click()
    found.append(Axe().run(page))
    ask(page, "Show me code, a table and a list")
    found.append(Axe().run(page))

    assert [result.generate_report() for result in found if result.violations_count] == []


def test_a_keyboard_is_enough(page: Page, host: HostSite) -> None:
    """Tab, Enter, type, Enter; the focus stays in the composer and Escape takes it back to the launcher."""
    page.goto(host.page())
    expect(launcher(page)).to_have_attribute("aria-expanded", "false")

    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(composer(page)).to_be_focused()
    expect(launcher(page)).to_have_attribute("aria-expanded", "true")
    page.keyboard.type("Hello")
    page.keyboard.press("Shift+Enter")
    page.keyboard.type("there")
    page.keyboard.press("Enter")
    expect(page.locator(".question")).to_have_text("Hello\nthere")
    expect(log(page)).to_have_attribute("aria-busy", "false")
    expect(composer(page)).to_be_focused()
    page.keyboard.press("Escape")

    expect(page.get_by_role("dialog")).to_be_hidden()
    expect(launcher(page)).to_be_focused()


def test_escape_returns_the_focus_to_where_it_was(page: Page, host: HostSite) -> None:
    """A page that opens the chat from its own button gets its reader back there."""
    page.goto(host.page(body="<button>Ask us</button>"))
    expect(launcher(page)).to_be_visible()
    page.get_by_role("button", name="Ask us").focus()

    page.evaluate("document.querySelector('chatapp-widget').open()")
    expect(composer(page)).to_be_focused()
    page.keyboard.press("Escape")

    expect(page.get_by_role("button", name="Ask us")).to_be_focused()


def test_a_finished_answer_is_announced_once(page: Page, host: HostSite) -> None:
    """A screen reader must neither spell out every token nor stay silent."""
    open_widget(page, host.page())
    page.evaluate(
        """() => { window.said = []
          const status = document.querySelector('chatapp-widget').shadowRoot.querySelector('[role=status]')
          new MutationObserver(() => status.textContent && said.push(status.textContent))
            .observe(status, { childList: true }) }"""
    )

    answer = ask(page, "Hello")

    assert page.evaluate("said") == [answer.text_content()]
    expect(log(page)).to_have_attribute("aria-live", "off")


def test_the_conversation_survives_a_reload_and_ends_on_request(page: Page, host: HostSite, site: str) -> None:
    """The server keeps it for whom this page's storage names; when it ends, neither keeps anything."""
    url = host.page()
    open_widget(page, url)
    before = ask(page, "Hello").inner_text()

    return_to(page, url)
    expect(page.locator(".question")).to_have_text("Hello")
    assert page.locator(".answer").inner_text() == before
    mine = kept(page)
    ask(page, "And then?")
    assert [message["role"] for message in messages_of(site, mine)] == ["user", "assistant"] * 2
    with page.expect_response(lambda response: response.request.method == "DELETE"):
        page.get_by_role("button", name="New conversation").click()

    expect(page.locator(".turn")).to_have_count(0)
    assert {name: value for name, value in kept(page).items() if value} == {"open": True}
    assert get(site, f"/conversations/{mine['id']}", headers=bearer(mine)).status == 404
    return_to(page, url)
    expect(page.locator("#greeting")).to_be_visible()


def test_what_the_user_types_is_only_text(page: Page, host: HostSite, violations: list[str]) -> None:
    """Markup in a question never becomes markup."""
    open_widget(page, host.page())

    ask(page, HOSTILE)

    expect(page.locator(".question")).to_have_text(HOSTILE)
    assert page.locator(".question img, .question b, .question script").count() == 0
    assert page.evaluate("window.pwned") is None
    assert violations == []


def test_poisoned_storage_stays_inert(page: Page, host: HostSite, violations: list[str]) -> None:
    """Other scripts write to the same storage; what they leave there is text, and the server knows no such guest."""
    url = host.page(policy=" 'unsafe-inline'; script-src-attr 'unsafe-inline'")
    open_widget(page, url)
    page.get_by_role("button", name="Close chat").first.click()
    pending = {"key": "k1", "body": {"conversation_id": "new", "parent_id": None, "message": HOSTILE}}
    poison = {"token": HOSTILE, "id": "x", "head": HOSTILE, "pending": pending}
    page.evaluate("value => localStorage.setItem(Object.keys(localStorage)[0], JSON.stringify(value))", poison)

    page.get_by_role("button", name="Open chat").click()
    expect(page.locator(".question")).to_have_text(HOSTILE)
    expect(log(page)).to_have_attribute("aria-busy", "false", timeout=15_000)

    assert page.evaluate("window.pwned") is None
    assert page.locator(".question").locator("img, script, b").count() == 0
    expect(page.locator(".answer .block").first).to_be_visible()
    assert violations == []


def test_stop_keeps_what_has_arrived(page: Page, host: HostSite) -> None:
    """The button that sends becomes Stop, and a stopped answer is not lost."""
    open_widget(page, host.page())
    begin_long_answer(page)

    page.get_by_role("button", name="Stop the answer").click()

    expect(log(page)).to_have_attribute("aria-busy", "false")
    expect(page.locator(".answer .note")).to_have_text("You stopped this answer.")
    expect(composer(page)).to_be_focused()
    assert len(page.locator(".answer").inner_text()) > len("You stopped this answer.")


def test_an_error_is_told_and_can_be_retried(page: Page, faulty_host: HostSite) -> None:
    """The server's own sentence, a way on, and the question still there."""
    open_widget(page, faulty_host.page(faulty_host.widget_tag.replace("async", 'async data-model="u07-503"')))
    page.evaluate(
        """() => { window.errors = []
          addEventListener('chatapp:error', (event) => errors.push(event.detail)) }"""
    )
    ask(page, "Hello")
    card = page.locator(".card")
    expect(card).to_be_visible()
    error = page.evaluate("errors[0]")
    told = card.locator("p").inner_text()

    page.evaluate("document.querySelector('chatapp-widget').dataset.model = 'good'")
    card.get_by_role("button", name="Try again").click()

    expect(card).to_have_count(0)
    expect(page.locator(".question")).to_have_count(1)
    expect(page.locator(".answer p").first).to_be_visible()
    expect(composer(page)).to_be_focused()
    assert error == {"code": error["code"], "message": told}


def test_a_broken_answer_keeps_what_arrived(page: Page, faulty_host: HostSite) -> None:
    """Half an answer is worth more than none."""
    open_widget(page, faulty_host.page(faulty_host.widget_tag.replace("async", 'async data-model="u13-eof"')))

    answer = ask(page, "Hello")

    expect(answer.locator(".card")).to_be_visible()
    assert "".join(answer.locator(".block, .rest").all_inner_texts()).strip()


def test_a_site_for_accounts_only_says_so_at_once(page: Page, start_server: StartServer) -> None:
    """Trying again would not help, and the words are still there."""
    closed = HostSite(start_server({"ACCESS": "signin", "WEB_CONCURRENCY": "1"}).base_url)
    open_widget(page, closed.page())

    answer = ask(page, "Hello")

    expect(answer.locator(".card")).to_contain_text("needs an account")
    expect(composer(page)).to_have_value("Hello")
    closed.close()


def test_what_would_be_refused_again_goes_back_into_the_composer(page: Page, faulty_host: HostSite) -> None:
    """A retry would not help, other words may."""
    open_widget(page, faulty_host.page(faulty_host.widget_tag.replace("async", 'async data-model="u05-401"')))

    answer = ask(page, "Hello")

    expect(answer.locator(".card")).to_be_visible()
    expect(answer.get_by_role("button", name="Try again")).to_have_count(0)
    expect(composer(page)).to_have_value("Hello")


def test_a_page_that_forbids_the_connection_gets_a_clear_error(page: Page, host: HostSite) -> None:
    """Forgetting `connect-src` is the likeliest mistake of somebody who embeds the widget."""
    host_policy = host.policy
    try:
        host.policy = host_policy.split("; connect-src")[0]
        url = host.page()
    finally:
        host.policy = host_policy
    open_widget(page, url)

    ask(page, "Hello")

    expect(page.locator(".card")).to_contain_text("The chat cannot be reached.")


def test_code_can_be_copied(page: Page, host: HostSite) -> None:
    """The button copies the code and nothing else."""
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    open_widget(page, host.page())
    answer = ask(page, "Show me code")

    answer.get_by_role("button", name="Copy code").first.click()

    expect(page.get_by_role("status")).to_have_text("Copied")
    assert page.evaluate("navigator.clipboard.readText()") == answer.locator("pre").first.text_content()


def test_the_readers_place_is_respected(page: Page, host: HostSite) -> None:
    """Who scrolled up to read is not pulled down by new words."""
    open_widget(page, host.page())
    ask(page, "Write a very long story of 800 words")
    assert log(page).evaluate("log => log.scrollHeight - log.scrollTop - log.clientHeight") < 8
    begin_long_answer(page)

    log(page).evaluate("log => { log.scrollTop = 10 }")
    expect(page.get_by_role("button", name="Jump to the latest message")).to_be_visible()
    expect(log(page)).to_have_attribute("aria-busy", "false", timeout=15_000)

    assert log(page).evaluate("log => log.scrollTop") == 10
    page.get_by_role("button", name="Jump to the latest message").click()
    assert log(page).evaluate("log => log.scrollHeight - log.scrollTop - log.clientHeight") < 8
