"""An answer outlives its connection: other tabs, reloads, lost networks and servers that stop."""

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.chat_page import ChatPage

INTERRUPTED = """event: start
data: {"request_id": "r1", "model": "good", "notices": [], "context": {"window": null}}

event: delta
data: {"text": "half of it"}

event: error
data: {"title": "Interrupted", "detail": "The server stopped.", "code": "interrupted", "retryable": true}

event: done
data: {"finish_reason": "interrupted", "elapsed_ms": 5, "saved": true}

"""


# Long enough to be still on its way when everything has been done to it.
STORY = "Tell me a story of 4000 words about a lighthouse"


@pytest.fixture
def chat(page: Page, site: str) -> ChatPage:
    return ChatPage(page, site).open()


def same_guest(browser: Browser, chat: ChatPage) -> ChatPage:
    """Another window of the same person, at the same conversation."""
    context = browser.new_context()
    context.add_cookies(chat.page.context.cookies())  # type: ignore[arg-type]  # what it gives is what it takes
    return ChatPage(context.new_page(), chat.site).open(chat.path)


def test_two_windows_follow_one_answer(browser: Browser, chat: ChatPage) -> None:
    """Neither a reload nor another window loses or doubles a word, and each can stop it for both."""
    chat.begin(STORY)
    expect(chat.answers.locator(".prose p")).not_to_have_count(0)
    chat.page.reload()
    other = same_guest(browser, chat)
    expect(other.stop).to_be_visible()
    seen = other.answers.locator(".prose p").count()
    expect(other.answers.locator(".prose p").nth(seen + 1)).to_be_attached()

    other.stop.click()
    chat.wait_until_over()
    other.wait_until_over()

    texts = [each.answers.locator(".prose").inner_text() for each in (chat, other)]
    chat.page.reload()
    assert texts == [chat.answers.locator(".prose").inner_text()] * 2
    expect(other.answers).to_contain_text("You stopped this answer.")
    expect(other.questions).to_have_count(1)
    other.page.context.close()


def test_lost_network_is_made_up_for(chat: ChatPage) -> None:
    chat.begin(STORY)
    expect(chat.answers.locator(".prose p")).not_to_have_count(0)

    chat.page.context.set_offline(True)
    expect(chat.answers).to_contain_text("Waiting for the connection…")
    seen = chat.answers.locator(".prose p").count()
    chat.page.context.set_offline(False)

    expect(chat.answers.locator(".prose p").nth(seen + 1)).to_be_attached()
    expect(chat.answers.locator(".waiting")).to_have_count(0)
    chat.stop.click()
    chat.wait_until_over()
    text = chat.answers.locator(".prose").inner_text()
    chat.page.reload()
    assert text == chat.answers.locator(".prose").inner_text()


def test_stale_window_is_told_and_keeps_its_text(browser: Browser, chat: ChatPage) -> None:
    """What went on elsewhere is shown before anything is sent after it."""
    chat.ask("Count to 3")
    stale = same_guest(browser, chat)
    chat.ask("Count to 4")
    stale.page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    expect(stale.questions).to_have_count(2)
    chat.ask("Count to 5")

    stale.begin("And now?")
    expect(stale.log.get_by_text("And now?")).to_have_count(0)
    expect(stale.composer).to_have_value("And now?")
    stale.page.get_by_role("button", name="Show what is new").click()
    expect(stale.questions).to_have_count(3)
    expect(stale.page.get_by_role("button", name="Show what is new")).to_have_count(0)
    stale.composer.press("Enter")
    stale.wait_until_over()
    expect(stale.questions).to_have_count(4)

    chat.page.request.delete(f"{chat.site}{chat.path.replace('/chat/', '/conversations/')}")
    stale.begin("Still there?")
    stale.page.get_by_role("button", name="Start a new chat").click()
    expect(stale.page).to_have_url(f"{chat.site}/chat")
    expect(stale.composer).to_have_value("Still there?")
    stale.page.context.close()


def test_interrupted_answer_can_be_continued(chat: ChatPage) -> None:
    chat.page.route(
        "**/chat/stream*",
        lambda route: route.fulfill(content_type="text/event-stream", body=INTERRUPTED),
        times=1,
    )
    chat.make_temporary()
    answer = chat.ask("Hello")
    expect(answer).to_contain_text("The server stopped in the middle of this answer. What had arrived is kept.")

    answer.get_by_role("button", name="Continue", exact=True).click()

    expect(chat.questions.last).to_contain_text("Continue exactly where you stopped.")
    expect(chat.answers).to_have_count(2)
