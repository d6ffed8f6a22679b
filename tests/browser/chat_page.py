"""The chat page as its tests use it: what a person sees and does, by role and name."""

import re
from typing import Any

from playwright.sync_api import Locator, Page, Request, expect


class ChatPage:
    """One open chat page. Everything waits until it is there, up to Playwright's own limit."""

    def __init__(self, page: Page, site: str) -> None:
        self.page = page
        self.site = site
        self.address = f"{site}/chat"
        self.composer = page.get_by_role("textbox", name="Message", exact=True)
        self.send = page.get_by_role("button", name="Send", exact=True)
        self.stop = page.get_by_role("button", name="Stop the answer")
        self.log = page.get_by_role("log", name="Messages")
        self.questions = self.log.get_by_role("article", name="You")
        self.answers = self.log.get_by_role("article", name="Answer")
        self.card = self.log.locator(".failure")
        self.settings = page.get_by_role("dialog", name="Settings")

    def open(self, path: str = "/chat") -> "ChatPage":
        self.page.goto(f"{self.site}{path}")
        # The field gets the focus when the page's script has taken over.
        expect(self.composer).to_be_focused()
        return self

    @property
    def path(self) -> str:
        """Where the conversation is found again."""
        return self.page.url.removeprefix(self.site)

    def make_temporary(self) -> None:
        self.page.get_by_role("button", name="Temporary chat").click()
        expect(self.page.get_by_text("nothing is kept")).to_be_visible()

    def pick(self, model: str) -> None:
        self.page.get_by_label("Model", exact=True).select_option(model)

    def begin(self, message: str) -> None:
        """Send a message without waiting for its answer."""
        self.composer.fill(message)
        self.composer.press("Enter")

    def ask(self, message: str) -> Locator:
        """Send a message and return its answer once that is over, however it ended."""
        answers = self.answers.count()
        self.begin(message)
        expect(self.answers).to_have_count(answers + 1)
        self.wait_until_over()
        return self.answers.last

    def wait_until_over(self) -> None:
        expect(self.send).to_be_visible(timeout=15_000)

    def version(self, message: Locator) -> Locator:
        """Which version of a message is shown, as in "2/3"."""
        return message.locator(".versions__count")

    def stored_texts(self) -> list[str]:
        """What the server has of the conversation, oldest first."""
        found = self.page.request.get(f"{self.site}{self.path.replace('/chat/', '/conversations/')}/messages").json()
        return [message["text"] for message in found["messages"]]

    def request_of(self, message: str) -> Request:
        """Send a message and return the request that asked for its answer."""
        with self.page.expect_request("**/chat/stream*") as asked:
            self.ask(message)
        return asked.value

    def body_of(self, message: str) -> dict[str, Any]:
        body = self.request_of(message).post_data_json
        assert isinstance(body, dict)
        return body

    def open_settings(self) -> Locator:
        self.page.get_by_role("button", name=re.compile("^Settings")).click()
        expect(self.settings).to_be_visible()
        return self.settings

    def kept(self, area: str) -> str:
        """Everything in `localStorage` or `sessionStorage`, as text."""
        return str(self.page.evaluate(f"JSON.stringify({{...{area}}})"))

    def distance_from_end(self) -> float:
        """How many pixels of the conversation lie below what is visible."""
        script = "e => e.scrollHeight - e.scrollTop - e.clientHeight"
        distance: float = self.page.get_by_role("region", name="Conversation").evaluate(script)
        return distance

    def scroll_to(self, top: int) -> None:
        self.page.get_by_role("region", name="Conversation").evaluate("(e, top) => (e.scrollTop = top)", top)
