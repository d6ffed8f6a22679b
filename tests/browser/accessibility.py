"""Whether a page can be used by everybody, as axe sees it."""

from typing import Literal

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")


def check_accessibility(page: Page) -> None:
    """Fail with axe's report if the page, as it stands, has a fault in the light or in the dark theme."""
    for scheme in SCHEMES:
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        result = Axe().run(page)
        assert result.violations_count == 0, f"{scheme}: {result.generate_report()}"
