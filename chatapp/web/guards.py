"""What every request must pass and every response carries."""

import secrets
from urllib.parse import urlsplit

from flask import Flask, Response, current_app, g, request

from chatapp.config import Config
from chatapp.errors import BadInput, Forbidden, MisdirectedRequest, NotFound

# Pages take nothing from other hosts and run only what the server named in this very response.
PAGE_RULES = {
    "default-src": "'none'",
    "script-src": "'nonce-{nonce}' 'strict-dynamic'",
    "style-src": "'self'",
    "img-src": "'self' data:",
    "connect-src": "'self'",
    "font-src": "'self'",
    "manifest-src": "'self'",
    # Lets pages work without JavaScript. Browsers hold a form's redirects to it as well: none leads to another site.
    "form-action": "'self'",
    "base-uri": "'none'",
    "object-src": "'none'",
    "frame-ancestors": "'none'",
}
# Text becomes markup in two places only: `sanitisedFragment` and the widget's own.
TYPED_RULES = {"require-trusted-types-for": "'script'", "trusted-types": "chatapp chatapp-widget"}
# Whatever is not a page shows nothing and runs nothing when a browser is led straight to it.
DATA_POLICY = "default-src 'none'; base-uri 'none'; object-src 'none'; frame-ancestors 'none'; sandbox"
PERMISSIONS = "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()"
TRANSPORT = "max-age=31536000; includeSubDomains"

SAFE_METHODS = ("GET", "HEAD", "OPTIONS")
OWN_COOKIES = "chatapp_"


def init_guards(app: Flask, config: Config) -> None:
    """Check each request's host and sender before its route runs; templates get `nonce()`."""
    accepted = config.accepted_hosts
    # One address per thing: `/chat//x` is not led on to `/chat/x`.
    app.url_map.merge_slashes = False
    app.url_map.strict_slashes = True
    app.extensions["own_origin"] = _origin(config.base_url)

    def check_host() -> None:
        """Raises: `BadInput` (400) without a host, `MisdirectedRequest` (421) for a foreign one, `NotFound` (404)."""
        host = _host_name(request.environ.get("HTTP_HOST", ""))
        if host is None:
            raise BadInput("The request names no host.")
        if accepted is not None and host not in accepted:
            raise MisdirectedRequest("This site does not answer under that host name; see ALLOWED_HOSTS.")
        if request.environ["PATH_INFO"].startswith("//"):
            # The router would take it for the address with one slash, a proxy's rules would not.
            raise NotFound("There is nothing at this address.")

    app.before_request(check_host)
    app.before_request(check_sender)
    app.template_global()(nonce)
    app.after_request(_protect)


def check_sender() -> None:
    """Refuse a change that a page of another site makes a browser ask for in the person's name.

    Only what CORS opens to other sites may come from them, and only without a cookie: they have tokens.
    Raises: `Forbidden` (403).
    """
    if request.method in SAFE_METHODS or not request.endpoint:
        return
    has_cookie = any(OWN_COOKIES in name for name in request.cookies)
    is_for_others = "api" in request.blueprints
    if has_cookie or not is_for_others:
        check_same_site()


def check_same_site() -> None:
    """Refuse what another site sent in the person's name.

    Source: Fetch Metadata, `Sec-Fetch-Site`; browsers without it, or without TLS, send `Origin` with every post. Who
    sends neither is no browser of the last years.
    Raises: `Forbidden` (403).
    """
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        is_foreign = site not in ("same-origin", "none")
    else:
        origin = request.headers.get("Origin")
        is_foreign = origin is not None and origin not in _own_origins()
    if is_foreign:
        raise Forbidden("This was sent by a page of another site.")


def nonce() -> str:
    """Return what marks this response's scripts as the server's own."""
    if "nonce" not in g:
        g.nonce = secrets.token_urlsafe(18)
    found: str = g.nonce
    return found


def page_policy(*, is_typed: bool = True) -> str:
    """Return the policy of this response's page; without `is_typed` its scripts may turn any text into markup."""
    rules = {**PAGE_RULES, **(TYPED_RULES if is_typed else {})}
    policy = "; ".join(f"{name} {value}" for name, value in rules.items())
    return policy.format(nonce=nonce())


def _own_origins() -> set[str]:
    own: str = current_app.extensions["own_origin"]
    if own.startswith("https://") and own == f"https://{request.host}":
        return {own}
    # TLS may end in front of this server, which then only sees the host.
    return {own, f"http://{request.host}", f"https://{request.host}"} - {""}


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}".lower() if url else ""


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
    # Not `no-referrer`: under it a form of this very site would be sent with the origin `null`.
    headers["Referrer-Policy"] = "same-origin"
    headers.setdefault("Cross-Origin-Resource-Policy", "same-origin")
    if response.mimetype == "text/html":
        headers.setdefault("Content-Security-Policy", page_policy())
        headers["Cross-Origin-Opener-Policy"] = "same-origin"
        headers["Permissions-Policy"] = PERMISSIONS
    headers.setdefault("Content-Security-Policy", DATA_POLICY)
    headers.setdefault("Cache-Control", "no-store")
    if not headers["Cache-Control"].startswith("public"):
        response.vary.add("Cookie")
    if current_app.extensions["own_origin"].startswith("https://") or request.is_secure:
        headers["Strict-Transport-Security"] = TRANSPORT
    return response
