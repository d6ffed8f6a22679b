"""The service page in a real browser: the model table, and examples that work as they are copied."""

import json
import re
import shlex
from itertools import pairwise
from urllib.request import Request, urlopen

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.accessibility import check_accessibility


@pytest.fixture
def service(page: Page, site: str) -> Page:
    page.goto(f"{site}/service")
    return page


def request_of(command: str) -> Request:
    """Read a `curl` command the way a shell and curl would, for the options the examples use."""
    words = shlex.split(command.replace("\\\n", " "))
    url = next(word for word in words if word.startswith("http"))
    options = list(pairwise(words))
    headers = dict(value.split(": ", 1) for option, value in options if option == "-H")
    body = next((value.encode() for option, value in options if option == "-d"), None)
    return Request(url, data=body, headers=headers)


def test_every_model_is_listed_with_its_status(service: Page, site: str) -> None:
    """The table is the server's own list, not a text somebody has to keep."""
    with urlopen(f"{site}/models") as response:
        listed = [model["id"] for model in json.load(response)["models"]]

    rows = service.locator("[data-models] tr")

    expect(rows).to_have_count(len(listed))
    assert rows.locator("th code").all_text_contents() == listed
    assert all(rows.locator("td:nth-child(2) .badge").all_text_contents())


def test_a_refreshed_row_reads_like_the_first(browser: Browser, page: Page, site: str) -> None:
    """The server writes the table and the script rewrites it: nobody may notice."""
    without_scripts = browser.new_context(java_script_enabled=False).new_page()
    without_scripts.goto(f"{site}/service")
    page.goto(f"{site}/service")
    expect(page.locator("[data-models-status]")).to_contain_text("checked at")

    served, refreshed = (
        [re.sub(r"\s+", "", row) for row in each.locator("[data-models] tr").all_text_contents()]
        for each in (without_scripts, page)
    )
    without_scripts.context.close()

    assert refreshed == served


def test_unknown_figures_are_called_unknown(service: Page) -> None:
    """A missing price must not pass for a free model, nor a missing window for none."""
    figures = service.locator("[data-models] .number").all_text_contents()

    assert all(re.fullmatch(r"unknown|free|[\d,]+(\.\d+)?", figure) for figure in figures), figures


def test_a_failed_refresh_keeps_the_table(service: Page) -> None:
    """Old figures with a word of warning are worth more than none."""
    status = service.locator("[data-models-status]")
    expect(status).to_contain_text("checked at")
    rows = service.locator("[data-models] tr").count()
    service.context.set_offline(True)

    service.get_by_role("button", name="Refresh").click()

    expect(status).to_contain_text("could not be refreshed")
    expect(service.locator("[data-models] tr")).to_have_count(rows)
    expect(service.get_by_role("button", name="Refresh")).to_be_focused()


def test_the_copied_commands_answer(service: Page) -> None:
    """An example that does not work is worse than none."""
    for name in ("chat", "stream", "models", "health"):
        command = service.locator(f"#example-{name}").text_content() or ""

        with urlopen(request_of(command)) as response:
            body = response.read().decode()

        assert response.status == 200, name
        assert body.strip(), name


def test_the_javascript_example_runs_as_written(service: Page) -> None:
    """Pasted into a page, it gives the text, the usage and the price it names."""
    code = service.locator("#example-fetch").text_content()

    text, usage = service.evaluate(f"async () => {{ {code}\n return [text, usage] }}")

    assert text
    assert usage["total_tokens"] > 0


def test_the_embed_line_names_this_server(service: Page, site: str) -> None:
    """The copied line must point at the server it was copied from."""
    service.context.grant_permissions(["clipboard-read", "clipboard-write"])

    service.get_by_role("button", name="Copy the embed line").click()

    expect(service.locator("#copy-status")).to_have_text("Copied.")
    assert service.evaluate("navigator.clipboard.readText()") == f'<script src="{site}/widget.js" async></script>'


def test_the_reference_can_be_reached(service: Page) -> None:
    """Every link of the page that stays on this site leads somewhere."""
    paths = service.locator("main a[href^='/']").evaluate_all("links => [...new Set(links.map(link => link.href))]")

    statuses = {path: service.request.get(path).status for path in paths}

    assert paths
    assert set(statuses.values()) == {200}, statuses


def test_only_the_table_scrolls_sideways(page: Page, site: str) -> None:
    """A wide table moves within itself; the page never does."""
    for width in (320, 390, 768, 1280, 1920):
        page.set_viewport_size({"width": width, "height": 800})
        page.goto(f"{site}/service")

        assert page.evaluate("document.documentElement.scrollWidth") == width


@pytest.mark.parametrize("width", [pytest.param(1280, id="laptop"), pytest.param(390, id="phone")])
def test_axe_finds_nothing(page: Page, site: str, width: int) -> None:
    """In both themes and on both sizes, with the refreshed table."""
    page.set_viewport_size({"width": width, "height": 844})
    page.goto(f"{site}/service")
    expect(page.locator("[data-models-status]")).to_contain_text("checked at")

    check_accessibility(page)


def test_an_unknown_address_gets_a_page_that_leads_on(page: Page, site: str) -> None:
    """A mistyped address is answered in the same design, with a way back and a request id to quote."""
    response = page.goto(f"{site}/no-such-page")

    assert response is not None
    assert response.status == 404
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    expect(page.get_by_role("link", name="Go to the home page")).to_be_visible()
    expect(page.locator("main code")).not_to_be_empty()
