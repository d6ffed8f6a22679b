"""Which other sites' pages may call the API, as flask-cors wants to hear it."""

import re
from collections.abc import Sequence
from typing import Any

from chatapp.web.principals import TOKEN_HEADER
from chatapp.web.reading import KEY_HEADER, REQUEST_KEY_HEADER

EXPOSED = ["X-Request-Id", "Retry-After"]


def cors_options(origins: Sequence[str]) -> dict[str, Any]:
    """Return flask-cors's options for a list of origins.

    `*` is answered with `*`, never with the caller's origin, and never with credentials. Others become anchored
    patterns, because flask-cors reads an item with a star as a regular expression that need not match to the end.
    """
    is_open = "*" in origins
    return {
        "origins": "*" if is_open else [_pattern(origin) for origin in origins],
        "send_wildcard": is_open,
        "supports_credentials": False,
        "allow_headers": [
            "Content-Type",
            "Authorization",
            TOKEN_HEADER,
            "Last-Event-ID",
            KEY_HEADER,
            REQUEST_KEY_HEADER,
        ],
        "expose_headers": EXPOSED,
        "methods": ["GET", "POST", "PATCH", "DELETE"],
        "max_age": 86_400,
    }


def _pattern(origin: str) -> re.Pattern[str]:
    scheme, _, host = origin.partition("://")
    if host.startswith("*."):
        return re.compile(rf"{scheme}://(?:[a-z0-9-]+\.)+{re.escape(host[2:])}\Z", re.IGNORECASE)
    return re.compile(re.escape(origin) + r"\Z", re.IGNORECASE)
