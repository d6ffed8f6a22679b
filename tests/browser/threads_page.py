"""The list of conversations as its tests use it: what a person sees and does, by role and name."""

from typing import Any

from playwright.sync_api import Locator, Page, expect


class ThreadsPage:
    """The chat page of a guest who has conversations, by what a person sees and does in their list."""

    def __init__(self, page: Page, site: str) -> None:
        self.page = page
        self.site = site
        self.panel = page.get_by_role("navigation", name="Conversations")
        self.query = page.get_by_role("searchbox", name="Search conversations")
        self.menu = page.get_by_role("menu")
        self.toast = page.locator("#toast")
        page.request.post(f"{site}/guests", data={"credential": "cookie"})

    def keep(self, *titles: str) -> list[str]:
        """Have conversations with these titles, the last the newest; returns their ids."""
        return [self._post("/conversations", {"title": title})["id"] for title in titles]

    def ask(self, message: str) -> str:
        """Have a conversation that begins with this message, answered; returns its id."""
        return str(
            self._post("/chat", {"conversation_id": "new", "parent_id": None, "message": message})["conversation_id"]
        )

    def open(self, conversation_id: str = "") -> "ThreadsPage":
        self.page.goto(f"{self.site}/chat/{conversation_id}".rstrip("/"))
        # The toggle is named by the script that has taken over.
        expect(self.page.locator(".chat-header [data-command=threads][aria-expanded]")).to_have_count(1)
        return self

    def thread(self, title: str) -> Locator:
        return self.panel.get_by_role("listitem").filter(has_text=title)

    def act(self, title: str, action: str) -> None:
        """Choose an action of a conversation's menu."""
        thread = self.thread(title)
        thread.hover()
        thread.get_by_role("button").click()
        self.menu.get_by_role("menuitem", name=action).click()

    def titles(self) -> list[str]:
        return self.panel.locator(".thread__title").all_inner_texts()

    def _post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        response = self.page.request.post(f"{self.site}{path}", data=body)
        assert response.ok, response.text()
        made: dict[str, Any] = response.json()
        return made
