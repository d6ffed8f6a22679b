"""When an answer fails, the chat page says what happened, keeps every word and offers the way on."""

import re

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from tests.browser.chat_page import ChatPage
from tests.live_server import LiveServer
from tests.wire.upstream import Upstream

START = 'event: start\ndata: {"request_id": "r1", "model": "good", "notices": [], "context": {"window": null}}\n\n'


@pytest.fixture
def chat(page: Page, faulty_site: LiveServer) -> ChatPage:
    return ChatPage(page, faulty_site.base_url).open()


def test_answer_cut_by_the_provider_keeps_its_beginning(chat: ChatPage) -> None:
    chat.pick("u13-eof")

    answer = chat.ask("Hello")

    expect(answer).to_contain_text("partial")
    expect(chat.card).to_contain_text("What had arrived is kept above")
    expect(chat.card).to_contain_text(re.compile("Reference: [0-9a-z]+"))
    expect(chat.card.get_by_role("button", name="Retry")).to_be_enabled()


def test_retry_after_a_failure_asks_the_same_again(chat: ChatPage) -> None:
    """The way out of a passing fault is one click, with nothing typed twice, after a reload as well."""
    chat.pick("u13-eof")
    chat.ask("Hello")
    chat.page.reload()
    expect(chat.card).to_contain_text("What had arrived is kept above")
    chat.pick("good")

    chat.card.get_by_role("button", name="Retry").click()

    expect(chat.answers).to_contain_text("The answer is 42")
    expect(chat.card).to_have_count(0)
    expect(chat.questions).to_have_count(1)


def test_busy_model_counts_down_to_the_retry(chat: ChatPage) -> None:
    chat.pick("u06-429-7")

    chat.ask("Hello")

    retry = chat.card.get_by_role("button", name="Retry")
    expect(retry).to_have_text(re.compile(r"Retry in [1-7] s"))
    expect(retry).to_be_disabled()
    expect(chat.questions).to_contain_text("Hello")


def test_refused_key_leads_to_the_key_field(chat: ChatPage) -> None:
    chat.pick("u05-401")
    chat.ask("Hello")

    chat.card.get_by_role("button", name="Change key").click()

    expect(chat.settings.get_by_label("Your own OpenAI key")).to_be_focused()


def test_cut_at_the_length_limit_can_be_continued(chat: ChatPage) -> None:
    chat.pick("u24-length")
    answer = chat.ask("Hello")
    expect(answer).to_contain_text("Answer cut at the length limit.")

    answer.get_by_role("button", name="Continue", exact=True).click()

    expect(chat.answers).to_have_count(2)
    expect(chat.questions.last).to_contain_text("Continue")


def test_filtered_answer_says_so(chat: ChatPage) -> None:
    chat.pick("u24-content-filter")

    expect(chat.ask("Hello")).to_contain_text("content filter")


def test_estimated_figures_are_marked(chat: ChatPage) -> None:
    chat.pick("u23-none")

    answer = chat.ask("Hello")

    expect(answer).to_contain_text(re.compile(r"~[\d,]+ tokens · price unknown"))


def test_connection_that_breaks_keeps_the_words(chat: ChatPage) -> None:
    """Of a temporary chat the server keeps nothing that could be asked for again; code shows as code all the same."""
    code = 'event: delta\ndata: {"text": "half of it\\n```html\\n<b>bold</b>\\n"}\n\n'
    block = 'event: block\ndata: {"index": 0, "html": "<p>half of it</p>", "rest": "```html\\n<b>bold</b>\\n"}\n\n'
    body = START + code + block
    chat.page.route("**/chat/stream*", lambda route: route.fulfill(content_type="text/event-stream", body=body))
    chat.make_temporary()

    answer = chat.ask("Hello")

    expect(answer).to_contain_text("half of it")
    expect(answer.locator(".code-block__language")).to_have_text("html")
    expect(answer.locator(".code-block pre")).to_have_text("<b>bold</b>")
    expect(chat.card).to_contain_text("The connection was lost")


def test_answer_of_a_proxy_is_no_answer(chat: ChatPage) -> None:
    """A page of a proxy in between is told by its status; its markup is not shown."""
    chat.page.route("**/chat/stream*", lambda route: route.fulfill(status=504, body="<h1>Gateway</h1>"))

    chat.ask("Hello")

    expect(chat.card).to_contain_text("status 504")
    expect(chat.card).not_to_contain_text("Gateway")


def test_message_written_offline_is_sent_by_itself(chat: ChatPage) -> None:
    chat.composer.fill("Hello")
    expect(chat.page.locator("#counter")).to_contain_text("token ")
    chat.page.context.set_offline(True)
    banner = chat.page.get_by_text("You are offline.", exact=False).first
    expect(banner).to_be_visible()

    chat.composer.press("Enter")
    expect(chat.answers).to_contain_text("Waiting for the connection…")
    chat.page.context.set_offline(False)

    expect(chat.answers).to_contain_text("The answer is 42")
    expect(banner).to_be_hidden()
    assert chat.stored_texts()[0] == "Hello"
    assert len(chat.stored_texts()) == 2


def test_request_whose_answer_was_lost_is_answered_once(chat: ChatPage, upstream: Upstream) -> None:
    """It is sent again under the same name: one message, one upstream call."""
    chat.composer.fill("Only once, please")
    sent: list[str] = []

    def lose_the_first_answer(route: Route) -> None:
        sent.append(str(route.request.headers["idempotency-key"]))
        if len(sent) == 1:
            route.fetch()
            route.abort("connectionreset")
        else:
            route.continue_()

    chat.page.route("**/chat/stream*", lose_the_first_answer)
    chat.composer.press("Enter")

    expect(chat.answers).to_contain_text("The answer is 42")
    assert len(sent) == 2
    assert sent[0] == sent[1]
    assert len(chat.stored_texts()) == 2


def test_nothing_can_be_sent_twice_while_an_answer_arrives(chat: ChatPage) -> None:
    """An impatient second Enter must not start a second answer or lose the next message."""
    chat.pick("c1-slow")
    requests: list[str] = []
    chat.page.on("request", lambda request: requests.append(request.url) if "/chat/stream" in request.url else None)

    chat.begin("Hello")
    expect(chat.stop).to_be_visible()
    chat.begin("and again")

    expect(chat.composer).to_have_value("and again")
    assert len(requests) == 1


def test_silence_before_the_first_word_can_be_stopped(chat: ChatPage) -> None:

    def hold(route: Route) -> None:
        """Neither answer nor refuse."""

    chat.page.route("**/chat/stream*", hold)

    chat.begin("Hello")
    expect(chat.answers).to_contain_text("Waiting for")
    chat.stop.click()

    expect(chat.answers).to_contain_text("You stopped this answer before it began.")
    expect(chat.send).to_be_visible()


def test_failed_form_post_says_what_happened(browser: Browser, faulty_site: LiveServer) -> None:
    """Without JavaScript too: what was asked is kept, and so is the text of what could not be sent."""
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{faulty_site.base_url}/chat")
    page.get_by_label("Model", exact=True).select_option("u07-500")
    message = page.get_by_role("textbox", name="Message")
    message.fill("Hello")
    page.get_by_role("button", name="Send").click()
    expect(page.locator(".failure__detail")).not_to_be_empty()
    expect(page.get_by_role("article", name="You")).to_contain_text("Hello")

    page.locator("#composer input[name=parent_id]").evaluate("field => (field.value = '')")
    message.fill("And again")
    page.get_by_role("button", name="Send").click()

    expect(message).to_have_value("And again")
    expect(page.locator("#aside .failure")).to_contain_text("Your message is still below")
    context.close()
