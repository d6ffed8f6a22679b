"""Who a request comes from: by a cookie, or by a token in a header."""

import re
from hashlib import sha256
from uuid import UUID

from flask import Response, current_app, g, request
from itsdangerous import BadSignature, Signer
from uuid_utils.compat import uuid7

from chatapp.core.accounts import Session, User
from chatapp.core.principals import Origin, Principal
from chatapp.errors import AppError, BadInput, Unauthorized
from chatapp.services.accounts.personal_tokens import PREFIX
from chatapp.services.revoking import signed_out, suspended
from chatapp.web import cookies
from chatapp.web.context import config, services
from chatapp.web.guards import check_same_site

SCHEME = "bearer "
# An IPv6 address in brackets, with or without a port, or an IPv4 address with one.
PORT_BEHIND = re.compile(r"(?:\[([0-9A-Fa-f:.]+)\](?::[0-9]+)?|([0-9.]+):[0-9]+)\Z")
TOKEN_HEADER = "X-API-Key"  # noqa: S105  # a name


def principal() -> Principal | None:
    """Return who sends this request, None without a credential; found out once per request.

    A guest's cookie that does not fit is no credential. A session that has ended is an error, or the person would go on
    as a guest without noticing; so is a token that does not fit.
    Raises: `Unauthorized` (401 `invalid_credential`, `signed_out`), `Forbidden` (403 `account_suspended`),
    `BadInput` (400) for two credentials that differ.
    """
    if "principal" not in g:
        g.principal = _find()
    found: Principal | None = g.principal
    return found


def visitor() -> Principal | None:
    """Return who sends this request, None also where `principal` raises: for pages that are there for everybody."""
    try:
        return principal()
    except AppError:
        return None


def principal_or_new() -> Principal:
    """Return who sends this request; somebody new becomes a guest, and gets or keeps a cookie with the response.

    Raises: see `principal`.
    """
    found = principal()
    if found is None:
        check_same_site()
        found = g.principal = Principal(owner_id=uuid7())
    if found.credential == "guest_cookie":
        g.kept_guest = found
    return found


def account() -> Principal:
    """Return the account that sends this request.

    Raises: `Unauthorized` (401 `sign_in_required`), and see `principal`.
    """
    found = principal()
    if found is None or found.kind != "user":
        raise sign_in_required()
    return found


def guest_of_browser() -> Principal | None:
    """Return the guest that this browser is without signing in."""
    owner_id = read_guest(cookies.read("guest"))
    return None if owner_id is None else Principal(owner_id=owner_id)


def origin() -> Origin:
    """Return where this request comes from."""
    agent = request.headers.get("User-Agent", "")
    return Origin(
        address=client_address(),
        agent="".join(char if char.isprintable() else "?" for char in agent)[:200],
        request_id=g.request_id,
    )


def client_address() -> str:
    """Return the address of who asks: behind trusted proxies, the one that the outermost of them saw."""
    hops = config().trusted_proxies
    peer = request.remote_addr or ""
    if not hops:
        return peer
    forwarded = [each.strip() for each in ",".join(request.headers.getlist("X-Forwarded-For")).split(",")]
    # What stands further left was written by whoever asks.
    seen = forwarded[-hops] if len(forwarded) >= hops else ""
    with_port = PORT_BEHIND.match(seen)
    if with_port is not None:
        # Some proxies tell the port as well, which is another one each time.
        seen = with_port[1] or with_port[2]
    return seen[:64] if seen and seen.isascii() and seen.isprintable() else peer


def sign_in_required() -> Unauthorized:
    return Unauthorized("This needs an account: sign in first.", code="sign_in_required")


def keep_cookies(response: Response) -> Response:
    """Give a guest the cookie, so that who comes back within its time is known; take away that of an ended session."""
    guest: Principal | None = g.get("kept_guest")
    if guest is not None:
        cookies.keep(response, "guest", sign_guest(guest.owner_id), age_s=cookies.LONGEST_S)
    # Only with a page: a script's request must not make the page that sent it a guest's.
    if g.get("has_dead_session") and response.mimetype == "text/html":
        cookies.drop(response, "session")
    return response


def guest_signers(key: bytes, key_before: bytes) -> tuple[Signer, Signer]:
    """Return what signs guests' credentials, and what did so in earlier versions, by SHA-1: both are still known."""
    return (
        Signer(key, salt="guest", key_derivation="none", digest_method=sha256),
        Signer(key_before, salt="guest"),
    )


def sign_guest(owner_id: UUID) -> str:
    """Return the credential of a guest."""
    return _signers()[0].sign(owner_id.hex).decode()


def read_guest(credential: str) -> UUID | None:
    """Return the guest whose credential this is, None for one that was not signed here."""
    for signer in _signers():
        try:
            return UUID(hex=signer.unsign(credential).decode("ascii"))
        except (BadSignature, ValueError):
            continue
    return None


def _find() -> Principal | None:
    token = _token()
    by_cookie = _by_cookie(is_token_given=token is not None)
    if token is not None:
        by_token = _by_token(token)
        if by_cookie is not None and by_cookie.owner_id != by_token.owner_id:
            raise BadInput("The request carries two credentials that differ.")
        return by_token
    return by_cookie


def _token() -> str | None:
    """Return the token of this request, by whichever header it comes.

    Raises: `BadInput` (400) for two that differ.
    """
    header = request.headers.get("Authorization", "").strip()
    found = [header[len(SCHEME) :].strip()] if header[: len(SCHEME)].lower() == SCHEME else []
    if header and " " not in header:
        # Without the word before it is the same token all the same, and no stranger's request.
        found = [header]
    found += [each.strip() for each in request.headers.getlist(TOKEN_HEADER)]
    if len(set(found)) > 1:
        raise BadInput("The request carries two credentials that differ.")
    return found[0] if found else None


def _by_token(token: str) -> Principal:
    found: Principal | None
    if token.startswith(PREFIX):
        found = services().accounts.personal_tokens.principal_of(token)
    elif token.count(".") == 2:
        found = services().accounts.program_tokens.principal_of(token)
    else:
        owner_id = read_guest(token)
        found = None if owner_id is None else Principal(owner_id=owner_id, credential="guest_token")
    if found is None:
        raise Unauthorized("This token is not valid here: it is misspelt, has ended, or is from another site.")
    return found


def _by_cookie(*, is_token_given: bool) -> Principal | None:
    secret = cookies.read("session")
    if not secret:
        return guest_of_browser()
    found = services().accounts.sessions.by_secret(secret)
    if found is not None:
        return _of_session(*found)
    g.has_dead_session = True
    if is_token_given:
        return None
    raise signed_out()


def _of_session(session: Session, user: User) -> Principal:
    """Raises: `Forbidden` (403 `account_suspended`)."""
    if user.suspended_at is not None:
        raise suspended()
    g.user = user
    return Principal(
        owner_id=user.id,
        kind="user",
        credential="session",
        credential_id=session.id,
        role=user.role,
        confirmed_at=session.confirmed_at,
    )


def _signers() -> tuple[Signer, Signer]:
    signers: tuple[Signer, Signer] = current_app.extensions["guest_signers"]
    return signers
