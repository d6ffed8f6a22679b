"""The pages' policy in a real browser: everything of ours goes on, nothing of others' begins."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.chat_page import ChatPage

WATCH = """
window.refused = []
document.addEventListener("securitypolicyviolation", (event) =>
  window.refused.push(`${event.effectiveDirective}: ${event.blockedURI} ${event.sample}`))
"""
# Ways in which text that got into a page begins to run; each says what became of it.
ATTACKS = {
    "inline script": "const s = document.createElement('script'); s.text = 'window.ran = 1'; document.body.append(s)",
    "handler": "document.body.setAttribute('onfocusin', 'window.ran = 1'); document.body.tabIndex = 0;"
    "document.body.dispatchEvent(new FocusEvent('focusin'))",
    "markup": "document.body.insertAdjacentHTML('beforeend', '<img src=x onerror=\"window.ran = 1\">')",
    "eval": "window.ran = eval('1')",
    "function": "window.ran = new Function('return 1')()",
    "javascript link": "const a = document.createElement('a'); a.href = 'javascript:window.ran = 1';"
    "document.body.append(a); a.click()",
    "own policy": "window.ran = trustedTypes.createPolicy('evil', {createHTML: (html) => html})",
}


@pytest.fixture
def watched(browser: Browser) -> Iterator[Page]:
    context = browser.new_context()
    context.add_init_script(WATCH)
    yield context.new_page()
    context.close()


@pytest.mark.parametrize("path", ["/", "/service", "/api/docs", "/signin", "/signup", "/forgotten"])
def test_a_page_does_nothing_that_its_own_policy_forbids(watched: Page, site: str, path: str) -> None:
    """What the policy refuses silently does not work."""
    complaints: list[str] = []
    watched.on("console", lambda said: complaints.append(said.text) if said.type in ("error", "warning") else None)

    watched.goto(f"{site}{path}", wait_until="networkidle")

    assert watched.evaluate("window.refused") == []
    assert complaints == []


def test_an_answer_is_shown_under_the_policy(watched: Page, site: str) -> None:
    """Its markup comes through the one way that is left, and what is loaded later is loaded."""
    chat = ChatPage(watched, site).open()
    answer = chat.ask("Show a table and code")
    chat.open_settings()

    expect(answer.locator("table, pre").first).to_be_visible()
    assert watched.evaluate("window.refused") == []


def test_nothing_begins_to_run_in_a_page(watched: Page, site: str) -> None:
    """Should markup slip through one day, it stays text."""
    ChatPage(watched, site).open()

    for name, attack in ATTACKS.items():
        # Later, when the rights of the test have ended.
        watched.evaluate("() => new Promise((done) => setTimeout(() => { try { " + attack + " } catch {} done() }))")
        assert watched.evaluate("window.ran") is None, name
    refused = " ".join(watched.evaluate("window.refused"))
    assert "script-src" in refused
    assert "require-trusted-types-for" in refused
