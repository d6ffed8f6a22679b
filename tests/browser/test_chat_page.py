"""A conversation on the chat page, in a real browser against the real server."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.chat_page import ChatPage
from tests.live_server import LiveServer

STORY = "Tell me a story of 2000 words about a lighthouse"
HOSTILE = "<img src=x onerror=\"document.title='owned'\"> <b>bold</b> & **stars**"


@pytest.fixture
def chat(page: Page, site: str) -> ChatPage:
    return ChatPage(page, site).open()


@pytest.fixture
def slow_chat(page: Page, faulty_site: LiveServer) -> ChatPage:
    """A model that says "word" a hundred times, twenty a second."""
    chat = ChatPage(page, faulty_site.base_url).open()
    chat.pick("c1-slow")
    return chat


def test_answer_arrives_with_its_figures_and_time(chat: ChatPage) -> None:
    """Every answer says what it took; every message says when it was written."""
    answer = chat.ask("What can you do?")

    expect(answer).to_contain_text(re.compile(r"[\d,]+ tokens · free · \d+\.\d s"))
    expect(answer.locator("time")).to_have_attribute("datetime", re.compile(r"^\d{4}-\d\d-\d\dT.*Z$"))
    expect(answer.locator("time")).to_have_attribute("title", re.compile(r"\d{4}.*\d\d:\d\d:\d\d"))
    expect(chat.questions.locator(".bubble")).to_have_text("What can you do?")
    expect(chat.questions.locator("time")).to_have_text(re.compile(r"^\d\d:\d\d$"))
    expect(chat.log.locator(".day")).to_have_text("Today")


def test_rendered_answer_is_the_servers_html(chat: ChatPage) -> None:
    answer = chat.ask("Show me a table")

    expect(answer.get_by_role("table")).to_be_visible()


def test_words_are_shown_while_the_answer_arrives(slow_chat: ChatPage) -> None:
    """A reader starts with the first word, not with the last."""
    slow_chat.begin("Go on")

    expect(slow_chat.answers).to_contain_text("word word")
    expect(slow_chat.log.locator(".caret")).to_be_visible()
    expect(slow_chat.stop).to_be_visible()
    expect(slow_chat.send).to_be_hidden()


def test_waiting_says_what_is_waited_for(page: Page, faulty_site: LiveServer) -> None:
    chat = ChatPage(page, faulty_site.base_url).open()
    chat.pick("u27-gaps")

    chat.begin("Think")

    expect(chat.answers).to_contain_text("Waiting for u27-gaps…")


@pytest.mark.parametrize(
    "stop",
    [
        pytest.param(lambda chat: chat.stop.click(), id="button"),
        pytest.param(lambda chat: chat.page.keyboard.press("Escape"), id="escape"),
    ],
)
def test_stopping_keeps_what_had_arrived(slow_chat: ChatPage, stop: Callable[[ChatPage], None]) -> None:
    """What was read already must not vanish, and the next message can be typed at once."""
    slow_chat.begin("Go on")
    expect(slow_chat.answers).to_contain_text("word")

    stop(slow_chat)

    slow_chat.wait_until_over()
    expect(slow_chat.answers).to_contain_text("word")
    expect(slow_chat.answers).to_contain_text("You stopped this answer.")
    expect(slow_chat.composer).to_be_focused()


def test_enter_sends_and_shift_enter_makes_a_line(chat: ChatPage) -> None:
    chat.page.keyboard.type("one")
    chat.page.keyboard.press("Shift+Enter")
    chat.page.keyboard.type("two")

    chat.page.keyboard.press("Enter")

    expect(chat.questions.locator(".bubble")).to_have_text("one\ntwo", use_inner_text=True)
    expect(chat.composer).to_have_value("")


def test_focus_stays_in_the_composer(chat: ChatPage) -> None:
    """A conversation is typed without reaching for the mouse between two messages."""
    chat.composer.fill("Count to 3")

    chat.send.click()

    chat.wait_until_over()
    expect(chat.composer).to_be_focused()


def test_retry_replaces_the_answer(chat: ChatPage) -> None:
    chat.ask("What can you do?")

    chat.answers.get_by_role("button", name="Answer again").click()

    chat.wait_until_over()
    expect(chat.answers).to_have_count(1)
    expect(chat.questions).to_have_count(1)


def test_edited_message_replaces_what_followed(chat: ChatPage) -> None:
    """Going back to a message starts the conversation again from there."""
    chat.ask("What can you do?")
    chat.ask("Show me a table")

    chat.questions.first.hover()
    chat.questions.first.get_by_role("button", name="Edit message").click()
    chat.log.get_by_role("textbox", name="Edit message").fill("Count to 3")
    chat.page.keyboard.press("Enter")

    chat.wait_until_over()
    expect(chat.questions).to_have_count(1)
    expect(chat.questions).to_contain_text("Count to 3")
    expect(chat.answers).to_have_count(1)


def test_arrow_up_edits_the_last_message_and_escape_leaves_it(chat: ChatPage) -> None:
    chat.ask("Count to 3")

    chat.composer.press("ArrowUp")
    editor = chat.log.get_by_role("textbox", name="Edit message")
    expect(editor).to_be_focused()
    editor.fill("changed")
    editor.press("Escape")

    expect(chat.questions).to_contain_text("Count to 3")
    expect(chat.questions.get_by_role("button", name="Edit message")).to_be_focused()


def test_edited_message_is_wholly_in_view(page: Page, site: str) -> None:
    """The editor is taller than the bubble it replaces, and must not end up above the window's edge."""
    page.set_viewport_size({"width": 320, "height": 480})
    chat = ChatPage(page, site).open()
    chat.ask("Count to 3")

    chat.composer.press("ArrowUp")

    expect(chat.log.locator(".editor")).to_be_in_viewport(ratio=1)


def test_copying_takes_the_text_and_the_code(chat: ChatPage) -> None:
    """Copied is what the model wrote, not what the page made of it."""
    chat.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    answer = chat.ask("Show me some Python code")
    clipboard = "navigator.clipboard.readText()"

    answer.get_by_role("button", name="Copy answer").click()
    expect(answer.get_by_role("button", name="Copy answer")).to_have_attribute("data-copied", "")
    assert chat.page.evaluate(clipboard).count("```") == 2

    answer.get_by_role("button", name="Copy code").click()
    expect(answer.get_by_role("button", name="Copy code")).to_have_attribute("data-copied", "")
    assert chat.page.evaluate(clipboard) == answer.locator("pre").inner_text()


def test_code_can_be_wrapped(chat: ChatPage) -> None:
    answer = chat.ask("Show me some Python code")
    wrap = answer.get_by_role("button", name="Wrap lines")

    wrap.click()

    expect(wrap).to_have_attribute("aria-pressed", "true")
    expect(answer.locator("pre")).to_have_css("white-space", "pre-wrap")


def test_reload_keeps_the_conversation_and_the_draft(chat: ChatPage) -> None:
    chat.ask("Show me a table")
    chat.composer.fill("half a thought")

    chat.page.reload()

    expect(chat.answers.get_by_role("table")).to_be_visible()
    expect(chat.composer).to_have_value("half a thought")
    assert "Show me a table" in str(chat.body_of("And now?")["messages"])


def test_reload_in_mid_answer_keeps_what_had_arrived(slow_chat: ChatPage) -> None:
    slow_chat.begin("Go on")
    expect(slow_chat.answers).to_contain_text("word")

    slow_chat.page.reload()

    expect(slow_chat.answers).to_contain_text("word")
    expect(slow_chat.answers).to_contain_text("This answer was cut off before it was finished.")


def test_each_day_has_its_separator(chat: ChatPage) -> None:
    chat.page.evaluate(
        """() => sessionStorage.setItem("chat.conversation", JSON.stringify(
            [40, 40, 1, 0].map((days) => ({ role: "user", text: "then", at: Date.now() - days * 86400000 }))))"""
    )

    chat.page.reload()

    expect(chat.log.locator(".day")).to_have_text([re.compile(r"\d{4}$"), "Yesterday", "Today"])


def test_what_cannot_be_a_conversation_is_passed_over(chat: ChatPage) -> None:
    """What an older version of the page had kept must not stop this one."""
    chat.page.evaluate("""sessionStorage.setItem("chat.conversation", '[null, 5, {"role": "assistant"}]')""")

    chat.page.reload()

    expect(chat.ask("Count to 3")).to_contain_text("3")


def test_new_chat_can_be_taken_back(chat: ChatPage) -> None:
    """One wrong click must not cost a conversation."""
    chat.ask("Count to 3")

    chat.page.get_by_role("button", name="New chat").click()
    expect(chat.questions).to_have_count(0)
    expect(chat.page.get_by_role("heading", name="What would you like to know?")).to_be_visible()
    chat.page.get_by_role("button", name="Bring back the last conversation").click()

    expect(chat.questions).to_contain_text("Count to 3")
    expect(chat.answers).to_have_count(1)


def test_new_chat_ends_the_answer_that_is_arriving(slow_chat: ChatPage) -> None:
    slow_chat.begin("Go on")
    expect(slow_chat.answers).to_contain_text("word")

    slow_chat.page.get_by_role("button", name="New chat").click()

    expect(slow_chat.send).to_be_visible()
    expect(slow_chat.log.get_by_role("article")).to_have_count(0)


def test_starters_are_answered(chat: ChatPage) -> None:
    """What an empty page offers has to work."""
    starters = chat.page.locator(".greeting__starters button")
    prompts = [starter.get_attribute("value") for starter in starters.all()]

    for prompt in prompts:
        chat.page.get_by_role("button", name=str(prompt)).click()
        chat.wait_until_over()
        expect(chat.questions).to_contain_text(str(prompt))
        expect(chat.card).to_have_count(0)
        chat.page.get_by_role("button", name="New chat").click()
    assert len(prompts) == 4


def test_page_follows_the_answer_until_the_reader_leaves(chat: ChatPage) -> None:
    """The newest line stays in view; a reader who scrolled up is never pulled back."""
    chat.page.set_viewport_size({"width": 800, "height": 400})
    jump = chat.page.get_by_role("button", name="Jump to latest")
    chat.begin(STORY)
    paragraphs = chat.answers.locator("p")
    expect(paragraphs.nth(3)).to_be_attached()
    assert chat.distance_from_end() <= 2
    expect(jump).to_be_hidden()

    chat.scroll_to(10)
    expect(jump).to_be_visible()
    seen = paragraphs.count()
    expect(paragraphs.nth(seen)).to_be_attached()
    expect(paragraphs.nth(seen)).not_to_be_in_viewport()
    assert chat.page.get_by_role("region", name="Conversation").evaluate("e => e.scrollTop") == 10

    jump.click()
    expect(jump).to_be_hidden()
    assert chat.distance_from_end() <= 2


def test_finished_answer_is_announced_once(slow_chat: ChatPage) -> None:
    """A screen reader hears the whole answer, not a hundred single words."""
    status = slow_chat.page.locator("#status")
    slow_chat.begin("Go on")
    expect(slow_chat.answers).to_contain_text("word")

    expect(slow_chat.log).to_have_attribute("aria-busy", "true")
    expect(slow_chat.answers.locator(".prose")).to_have_attribute("aria-live", "off")
    expect(status).to_have_text("")
    slow_chat.stop.click()

    expect(slow_chat.log).to_have_attribute("aria-busy", "false")
    expect(status).to_have_text(re.compile(r"^(word )+\s*Stopped\.$"))


def test_markup_in_a_message_stays_text(chat: ChatPage) -> None:
    chat.ask(HOSTILE)

    expect(chat.questions.locator(".bubble")).to_have_text(HOSTILE)
    expect(chat.page).not_to_have_title("owned")
    assert chat.log.locator(".bubble *").count() == 0


def test_markup_in_an_answer_stays_text_while_it_arrives(page: Page, faulty_site: LiveServer) -> None:
    """Words that are not yet a finished block are text nodes; finished ones went through the server's cleaner."""
    chat = ChatPage(page, faulty_site.base_url).open()
    chat.pick("t15-active-content")

    answer = chat.ask("Attack")

    expect(answer).to_contain_text("<script>")
    assert answer.locator("script, iframe, style, form, svg:not(.icon, .mark)").count() == 0
    assert answer.locator("[onerror], [onload]").count() == 0


def test_earlier_messages_and_answers_go_along(chat: ChatPage) -> None:
    chat.ask("Count to 3")

    body = chat.body_of("What did I ask first?")

    assert [message["role"] for message in body["messages"]] == ["user", "assistant", "user"]
    assert body["messages"][0]["content"] == "Count to 3"


def test_form_post_answers_without_javascript(browser: Browser, site: str) -> None:
    """The page is of use on any browser: each post is answered with the conversation so far."""
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{site}/chat")
    expect(page.get_by_role("button", name="Settings")).to_be_hidden()

    for message in ("Show me a table", "Count to 3"):
        page.get_by_role("textbox", name="Message").fill(message)
        page.get_by_role("button", name="Send").click()

    expect(page.get_by_role("article", name="You")).to_have_count(2)
    expect(page.get_by_role("article", name="Answer")).to_have_count(2)
    expect(page.get_by_role("table")).to_be_visible()
    context.close()


def test_failed_form_post_is_taken_over_as_well(page: Page, faulty_site: LiveServer) -> None:
    """The card of the server's page becomes one that can retry, and the message stands in the conversation once."""
    chat = ChatPage(page, faulty_site.base_url)
    page.goto(chat.address)
    chat.pick("u07-500")
    page.evaluate("document.querySelector('#message').value = 'Hello'; document.querySelector('#composer').submit()")
    expect(chat.card).to_contain_text("Your message is kept above.")
    expect(chat.composer).to_have_value("")
    chat.pick("good")

    chat.card.get_by_role("button", name="Retry").click()

    expect(chat.answers).to_contain_text("The answer is 42")
    expect(chat.questions).to_have_count(1)


def test_empty_page_begins_at_its_beginning(page: Page, site: str) -> None:
    """On a small screen the greeting comes first, not the last of the starters."""
    page.set_viewport_size({"width": 320, "height": 480})

    ChatPage(page, site).open()

    expect(page.get_by_role("heading", name="What would you like to know?")).to_be_in_viewport(ratio=1)


def test_script_takes_over_after_a_form_post(page: Page, site: str) -> None:
    """A form sent before the script ran is no dead end: the conversation goes on from there."""
    page.goto(f"{site}/chat")
    page.evaluate(
        "document.querySelector('#message').value = 'Count to 3'; document.querySelector('#composer').submit()"
    )
    chat = ChatPage(page, site)
    expect(chat.answers).to_have_count(1)

    body = chat.body_of("Go on")

    assert [message["role"] for message in body["messages"]] == ["user", "assistant", "user"]
