"""The page that shows the API and lets one try it."""

from playwright.sync_api import Page, expect

from tests.browser.accessibility import check_accessibility


def test_the_api_page_is_accessible(page: Page, site: str) -> None:
    """Swagger UI's own faults are mended as far as its first view goes."""
    page.goto(f"{site}/api/docs")
    expect(page.locator(".opblock-tag-section").first).to_be_visible()

    check_accessibility(page)


def test_a_route_can_be_tried_from_the_page(page: Page, site: str) -> None:
    """Under the same policy as every page: nothing inline, nothing from elsewhere."""
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.on("request", lambda request: complaints.append(request.url) if not request.url.startswith(site) else None)
    page.goto(f"{site}/api/docs")
    page.locator(".opblock-summary-control", has_text="/health").click()
    page.get_by_role("button", name="Try it out").click()
    page.get_by_role("button", name="Execute").click()

    expect(page.locator(".live-responses-table tbody .response-col_status").first).to_contain_text("200")
    assert [text for text in complaints if not text.startswith("data:")] == []
