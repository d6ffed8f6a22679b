"""Model, key, settings, counters and shortcuts of the chat page."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.chat_page import ChatPage
from tests.live_server import LiveServer

KEY = "sk-a-key-of-my-own"


@pytest.fixture
def chat(page: Page, site: str) -> ChatPage:
    return ChatPage(page, site).open()


@pytest.fixture
def good_chat(page: Page, faulty_site: LiveServer) -> ChatPage:
    """A model behind a real upstream, so that a key travels somewhere."""
    return ChatPage(page, faulty_site.base_url).open()


def test_settings_travel_with_each_message(chat: ChatPage) -> None:
    settings = chat.open_settings()
    settings.get_by_label("System prompt").fill("Be brief.")
    settings.get_by_label("Temperature").fill("0.5")
    settings.get_by_label("Longest answer").fill("300")
    settings.get_by_role("button", name="Save").click()

    body = chat.body_of("Count to 3")

    assert (body["temperature"], body["max_tokens"]) == (0.5, 300)
    assert body["instructions"] == "Be brief."
    expect(chat.page.get_by_role("button", name="Settings (changed)")).to_be_visible()


def test_untouched_settings_say_nothing(chat: ChatPage) -> None:
    """The model's own defaults hold until somebody asks for something else."""
    body = chat.body_of("Count to 3")

    assert sorted(body) == ["conversation_id", "message", "model", "parent_id"]


def test_impossible_settings_are_not_saved(chat: ChatPage) -> None:
    settings = chat.open_settings()
    settings.get_by_label("Temperature").fill("9")

    settings.get_by_role("button", name="Save").click()

    expect(settings).to_be_visible()
    settings.get_by_role("button", name="Cancel").click()
    assert "temperature" not in chat.body_of("Count to 3")


def test_own_key_lives_in_this_tab_and_in_one_header(good_chat: ChatPage) -> None:
    """A key in an address or in lasting storage is a key in somebody else's hands."""
    settings = good_chat.open_settings()
    settings.get_by_label("Your own OpenAI key").fill(KEY)
    settings.get_by_role("button", name="Save").click()

    request = good_chat.request_of("Hello")

    assert request.headers["x-provider-key"] == KEY
    assert KEY not in request.url + str(request.post_data) + good_chat.kept("localStorage")
    assert KEY in good_chat.kept("sessionStorage")
    expect(good_chat.answers).to_contain_text("The answer is 42")


def test_forgotten_key_is_gone(good_chat: ChatPage) -> None:
    settings = good_chat.open_settings()
    settings.get_by_label("Your own OpenAI key").fill(KEY)
    settings.get_by_role("button", name="Save").click()
    good_chat.open_settings().get_by_role("button", name="Forget").click()
    settings.get_by_role("button", name="Cancel").click()

    request = good_chat.request_of("Hello")

    assert "x-provider-key" not in request.headers
    assert KEY not in good_chat.kept("sessionStorage")


@pytest.mark.parametrize("key", [pytest.param("sk-with space", id="space"), pytest.param("sk-ключ-ключ", id="letters")])
def test_what_cannot_be_a_key_is_refused_at_once(chat: ChatPage, key: str) -> None:
    settings = chat.open_settings()
    field = settings.get_by_label("Your own OpenAI key")
    field.fill(key)

    settings.get_by_role("button", name="Save").click()

    expect(settings.get_by_role("alert")).to_contain_text("A key has no spaces")
    expect(field).to_be_focused()
    assert "provider-key" not in chat.kept("sessionStorage")


def test_model_without_a_key_asks_for_one(chat: ChatPage) -> None:
    chat.pick("gpt-4o-mini")

    expect(chat.settings).to_be_visible()
    expect(chat.settings.get_by_label("Your own OpenAI key")).to_be_focused()
    expect(chat.page.locator("#model option:checked")).to_have_text(re.compile("needs your key"))


def test_chosen_model_is_asked_and_remembered(good_chat: ChatPage) -> None:
    good_chat.pick("u24-length")
    good_chat.page.reload()

    assert good_chat.body_of("Hello")["model"] == "u24-length"


def test_counter_shows_tokens_and_characters(chat: ChatPage) -> None:
    chat.composer.fill("How long is this?")

    expect(chat.page.locator("#counter")).to_have_text(re.compile(r"^~?\d+ tokens · 17 characters$"))
    chat.composer.fill("")
    expect(chat.page.locator("#counter")).to_have_text("")


def test_message_that_is_too_long_stays_in_the_composer(chat: ChatPage) -> None:
    """Refusing after sending would be too late: the text must still be there to be shortened."""
    chat.composer.fill("x" * 200_001)

    chat.composer.press("Enter")

    expect(chat.page.locator("#counter")).to_contain_text("1 too many")
    expect(chat.questions).to_have_count(0)


def test_gauge_tells_how_full_the_context_is(chat: ChatPage) -> None:
    gauge = chat.page.get_by_role("meter", name="Context used")
    expect(gauge).to_have_attribute("aria-valuetext", re.compile("^0 of 32,000 tokens"))

    chat.ask("Tell me a story of 800 words about a lighthouse")

    expect(gauge).to_have_attribute("aria-valuetext", re.compile(r"^[1-9][\d,]+ of 32,000 tokens \(\d+%\)$"))


def test_shortcuts_are_listed_and_work(chat: ChatPage) -> None:
    sheet = chat.page.get_by_role("dialog", name="Keyboard shortcuts")

    chat.page.keyboard.press("Control+/")
    expect(sheet).to_be_visible()
    chat.page.keyboard.press("Escape")
    expect(sheet).to_be_hidden()
    expect(chat.composer).to_be_focused()

    chat.page.keyboard.press("Control+Shift+Comma")
    expect(chat.settings).to_be_visible()
    chat.page.keyboard.press("Escape")

    chat.ask("Count to 3")
    chat.page.get_by_role("link", name=re.compile("home")).focus()
    chat.page.keyboard.press("Shift+Escape")
    expect(chat.composer).to_be_focused()
    chat.page.keyboard.press("Control+Shift+O")
    expect(chat.questions).to_have_count(0)


def test_summaries_can_be_switched_off_for_a_conversation(chat: ChatPage) -> None:
    """Only where there is one: the setting belongs to the conversation, not to the browser."""
    chat.open_settings()
    expect(chat.settings.get_by_label("Summarise long conversations")).to_be_hidden()
    chat.page.keyboard.press("Escape")
    chat.ask("Count to 3")

    chat.open_settings().get_by_label("Summarise long conversations").uncheck()
    with chat.page.expect_response("**/conversations/*"):
        chat.settings.get_by_role("button", name="Save").click()

    chat.page.reload()
    expect(chat.open_settings().get_by_label("Summarise long conversations")).not_to_be_checked()


def test_composer_grows_with_the_text_up_to_a_limit(chat: ChatPage) -> None:
    def height() -> float:
        box = chat.composer.bounding_box()
        assert box
        return box["height"]

    one_line = height()
    chat.composer.fill("line\n" * 5)
    six_lines = height()
    chat.composer.fill("line\n" * 200)

    assert one_line < six_lines
    assert height() <= 0.4 * chat.page.viewport_size["height"] + 1  # type: ignore[index]
