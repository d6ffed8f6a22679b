"""A conversation on the chat page, in a real browser against the real server."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

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


def test_answering_again_keeps_both_answers(chat: ChatPage) -> None:
    """Nothing is overwritten: the arrows lead from one version to the other, by mouse and by keyboard."""
    chat.ask("What can you do?")

    chat.answers.get_by_role("button", name="Answer again").click()
    chat.wait_until_over()
    expect(chat.answers).to_have_count(1)
    expect(chat.version(chat.answers)).to_have_text("2/2")

    chat.answers.get_by_role("link", name="Previous version").click()
    expect(chat.version(chat.answers)).to_have_text("1/2")
    expect(chat.answers.get_by_role("link", name="Previous version")).to_be_focused()
    expect(chat.page.locator("#status")).to_have_text("Version 1 of 2")
    chat.page.keyboard.press("Alt+ArrowRight")
    expect(chat.version(chat.answers)).to_have_text("2/2")


def test_edited_message_begins_a_branch(chat: ChatPage) -> None:
    """Going back to a message starts the conversation again from there; what followed stays in the first version."""
    chat.ask("What can you do?")
    chat.ask("Show me a table")

    chat.questions.first.hover()
    chat.questions.first.get_by_role("button", name="Edit message").click()
    chat.log.get_by_role("textbox", name="Edit message").fill("Count to 3")
    chat.page.keyboard.press("Enter")
    chat.wait_until_over()
    expect(chat.questions.locator(".bubble")).to_have_text("Count to 3")
    expect(chat.answers).to_have_count(1)

    chat.page.get_by_role("region", name="Conversation").focus()
    chat.page.keyboard.press("Alt+ArrowLeft")
    expect(chat.questions.locator(".bubble")).to_have_text(["What can you do?", "Show me a table"])
    chat.page.reload()
    expect(chat.questions.locator(".bubble")).to_have_text(["What can you do?", "Show me a table"])


def test_answer_can_be_rated_kept_and_continued_elsewhere(chat: ChatPage) -> None:
    answer = chat.ask("Count to 3")
    good, bad, kept = (
        answer.get_by_role("button", name=name) for name in ("Good answer", "Bad answer", "Keep in context")
    )
    with chat.page.expect_response("**/messages/*"):
        good.click()
    with chat.page.expect_response("**/messages/*"):
        bad.click()
    with chat.page.expect_response("**/messages/*"):
        kept.click()

    path = chat.path
    chat.page.reload()
    pressed = [button.get_attribute("aria-pressed") for button in (good, bad, kept)]
    assert pressed == ["false", "true", "true"]

    answer.get_by_role("button", name="Continue in a new chat").click()
    chat.page.wait_for_url(lambda url: not url.endswith(path))
    expect(chat.questions.locator(".bubble")).to_have_text("Count to 3")


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
    """Each conversation has its own draft, and the one of a new chat moves along when that begins."""
    chat.ask("Show me a table")
    chat.composer.fill("half a thought")
    path = chat.path

    chat.page.reload()
    expect(chat.answers.get_by_role("table")).to_be_visible()
    expect(chat.composer).to_have_value("half a thought")

    chat.open()
    expect(chat.composer).to_have_value("")
    chat.open(path)
    expect(chat.composer).to_have_value("half a thought")


def test_each_day_has_its_separator(chat: ChatPage) -> None:
    """By the reader's own calendar."""
    chat.ask("Count to 3")

    chat.page.clock.set_fixed_time(datetime.now(UTC) + timedelta(days=1))
    chat.page.reload()
    expect(chat.log.locator(".day")).to_have_text("Yesterday")
    chat.ask("Count to 4")

    expect(chat.log.locator(".day")).to_have_text(["Yesterday", "Today"])


def test_temporary_chat_leaves_nothing_behind(chat: ChatPage) -> None:
    """Neither on the server nor in this browser, and the model is told all the same what was said before."""
    chat.make_temporary()
    chat.ask("Count to 3")
    chat.composer.fill("a secret draft")

    body = chat.body_of("What did I ask first?")

    assert [message["role"] for message in body["messages"]] == ["user", "assistant", "user"]
    assert chat.path == "/chat"
    assert chat.page.request.get(f"{chat.site}/conversations").json()["conversations"] == []
    kept = chat.kept("localStorage") + chat.kept("sessionStorage")
    assert "Count" not in kept
    assert "secret" not in kept
    chat.page.reload()
    expect(chat.questions).to_have_count(0)


def test_starters_are_answered(chat: ChatPage) -> None:
    """What an empty page offers has to work."""
    starters = chat.page.locator(".greeting__starters button")
    prompts = [starter.get_attribute("value") for starter in starters.all()]

    for prompt in prompts:
        chat.page.get_by_role("button", name=str(prompt)).click()
        chat.wait_until_over()
        expect(chat.questions).to_contain_text(str(prompt))
        expect(chat.card).to_have_count(0)
        chat.page.locator(".chat-header").get_by_role("link", name="New chat").click()
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

    assert body["parent_id"] == chat.answers.first.get_attribute("data-id")
    expect(chat.answers).to_have_count(2)
