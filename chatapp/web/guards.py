"""What every request must pass and every response carries."""

from urllib.parse import urlsplit

from flask import Flask, Response, request

from chatapp.config import Config
from chatapp.errors import BadInput, Forbidden, MisdirectedRequest

# Pages take nothing from other hosts and run nothing inline. `form-action` lets the chat page work without JavaScript.
PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "font-src 'self'; manifest-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
DATA_POLICY = "default-src 'none'; frame-ancestors 'none'"


def init_guards(app: Flask, config: Config) -> None:
    accepted = config.accepted_hosts

    def check_host() -> None:
        """Raises: `BadInput` (400) without a host, `MisdirectedRequest` (421) for a foreign one."""
        host = _host_name(request.environ.get("HTTP_HOST", ""))
        if host is None:
            raise BadInput("The request names no host.")
        if accepted is not None and host not in accepted:
            raise MisdirectedRequest("This site does not answer under that host name; see ALLOWED_HOSTS.")

    app.before_request(check_host)
    app.after_request(_protect)


def check_same_site() -> None:
    """Refuse a form that another site sent in the person's name.

    Source: Fetch Metadata, `Sec-Fetch-Site`; browsers without it send `Origin` with every post.
    Raises: `Forbidden` (403).
    """
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        is_foreign = site not in ("same-origin", "none")
    else:
        origin = request.headers.get("Origin")
        is_foreign = origin is not None and urlsplit(origin).netloc != request.host
    if is_foreign:
        raise Forbidden("This form came from another site.")


def _host_name(raw: str) -> str | None:
    if not raw or any(char in raw for char in "/\\@?#, \t"):
        return None
    try:
        parts = urlsplit("//" + raw)
        _ = parts.port
    except ValueError:
        return None
    name = parts.hostname
    return f"[{name}]" if name and ":" in name else name


def _protect(response: Response) -> Response:
    headers = response.headers
    headers["X-Content-Type-Options"] = "nosniff"
    headers["Referrer-Policy"] = "no-referrer"
    is_page = response.mimetype == "text/html"
    headers.setdefault("Content-Security-Policy", PAGE_POLICY if is_page else DATA_POLICY)
    if is_page:
        headers["Cross-Origin-Opener-Policy"] = "same-origin"
        headers["Permissions-Policy"] = "camera=(), geolocation=(), microphone=()"
    headers.setdefault("Cache-Control", "no-store")
    return response
