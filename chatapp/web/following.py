"""Where to go after signing in."""

from urllib.parse import urlsplit

from flask import url_for


def path_of(raw: str | None) -> str:
    """Return where to go afterwards: a path of this site, else the chat page."""
    raw = raw or ""
    # Browsers leave out tabs and ends of lines: `/\t/host` would lead to another site.
    is_path = raw.startswith("/") and not raw.startswith("//") and raw.isprintable() and "\\" not in raw
    return raw if is_path and not urlsplit(raw).netloc else url_for("pages.chat")
