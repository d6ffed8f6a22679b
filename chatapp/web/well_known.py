"""What is found under an address that every site has it under."""

from datetime import UTC, datetime, timedelta
from urllib.parse import quote

from flask import Blueprint, Response, url_for

from chatapp.web.access import needs
from chatapp.web.context import config

bp = Blueprint("well_known", __name__, url_prefix="/.well-known")

# Shorter than the year that the standard allows; a server that is gone soon names nobody any more.
VALID_FOR = timedelta(days=180)


@bp.get("/security.txt")
@needs("public")
def security_txt() -> Response:
    """Say whom to tell of a weakness.

    Source: RFC 9116.
    """
    expires = (datetime.now(UTC) + VALID_FOR).replace(hour=0, minute=0, second=0, microsecond=0)
    lines = [
        f"Contact: mailto:{quote(config().contact_email, safe='@+')}",
        f"Expires: {expires:%Y-%m-%dT%H:%M:%SZ}",
        "Preferred-Languages: en",
    ]
    if config().base_url:
        # Only the operator knows the address for certain: a request may have come by any.
        lines.append(f"Canonical: {config().base_url}{url_for('well_known.security_txt')}")
    response = Response("\n".join([*lines, ""]), content_type="text/plain; charset=utf-8")
    response.headers["Cache-Control"] = "public, max-age=86400"
    return response
