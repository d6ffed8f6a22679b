"""The memory dialog: a person sees, changes and forgets what models are told of them."""

import re

from playwright.sync_api import Page, expect

from tests.browser.accessibility import check_accessibility
from tests.browser.chat_page import ChatPage


def test_facts_are_added_changed_forgotten_and_brought_back(page: Page, site: str) -> None:
    ChatPage(page, site).open()
    page.get_by_role("button", name="Memory").click()
    memory = page.get_by_role("dialog", name="Memory")
    expect(memory.get_by_text("Nothing is remembered yet.")).to_be_visible()

    memory.get_by_label("New fact").fill("I live in a small town")
    memory.get_by_role("button", name="Add").click()
    expect(memory.get_by_role("status").first).to_have_text(re.compile(r"^Costs \d+ tokens in every conversation\.$"))
    memory.get_by_role("button", name="Edit: I live").click()
    memory.get_by_label("Fact", exact=True).fill("I live in a big city")
    page.keyboard.press("Enter")
    expect(memory.get_by_text("I live in a big city")).to_be_visible()
    check_accessibility(page)
    memory.get_by_role("button", name="Delete: I live").click()
    expect(memory.get_by_text("Nothing is remembered yet.")).to_be_visible()
    memory.get_by_role("button", name="Undo").click()
    expect(memory.get_by_text("I live in a big city")).to_be_visible()

    memory.get_by_label("Tell the model").uncheck()
    expect(memory.get_by_role("status").first).to_contain_text("Switched off")
    page.reload()
    page.get_by_role("button", name="Memory").click()
    expect(memory.get_by_label("Tell the model")).not_to_be_checked()
    expect(memory.get_by_text("I live in a big city")).to_be_visible()


def test_what_a_message_asks_to_remember_is_among_the_facts(page: Page, site: str) -> None:
    chat = ChatPage(page, site).open()

    chat.ask("Remember that I cannot eat nuts")
    page.get_by_role("button", name="Memory").click()

    expect(page.get_by_role("dialog", name="Memory").get_by_text("I cannot eat nuts")).to_be_visible()
