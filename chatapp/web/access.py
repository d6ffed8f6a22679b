"""What each route asks of whoever comes: declared beside the route, enforced before it in one place."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, TypeVar

from flask import Flask, Response, current_app, redirect, request, url_for
from werkzeug.wrappers import Response as WerkzeugResponse

from chatapp.core.accounts import RECENT
from chatapp.core.principals import Need, Principal, Scope
from chatapp.errors import BadInput, Forbidden, Unauthorized
from chatapp.web.context import config
from chatapp.web.errors import wants_page
from chatapp.web.guards import SAFE_METHODS
from chatapp.web.principals import principal, sign_in_required

View = TypeVar("View", bound=Callable[..., Any])

# Never in an address: addresses are logged, kept and passed on.
SECRET_PARAMETERS = frozenset(
    {"token", "access_token", "refresh_token", "api_key", "apikey", "api-key", "key", "password", "secret", "session"}
)
# What a scope reaches, of the needs that a guest can meet too.
SCOPE_OF: dict[Need, Scope] = {"chat": "chat", "read": "read", "write": "write"}


def needs(need: Need) -> Callable[[View], View]:
    """Declare what a route asks of whoever comes, see `core.principals.Need`."""

    def declare(view: View) -> View:
        view.need = need  # type: ignore[attr-defined]
        return view

    return declare


def need_of(view: Callable[..., Any]) -> Need | None:
    """Return what a view declares."""
    return getattr(view, "need", None)


def init_access(app: Flask) -> None:
    """Enforce the needs of all routes; to be called when all of them are there.

    Raises: `AssertionError` for a route that declares none: nothing is open by mistake.
    """
    undeclared = sorted(name for name, view in app.view_functions.items() if need_of(view) is None)
    assert not undeclared, f"these routes do not say what they need: {undeclared}"
    app.before_request(_guard)


def _guard() -> Response | WerkzeugResponse | None:
    view = current_app.view_functions.get(request.endpoint or "")
    # Preflights tell what is allowed, nothing else.
    if view is None or request.method == "OPTIONS":
        return None
    need = need_of(view)
    assert need is not None, "all are declared"
    _refuse_secret_parameters()
    if need == "public":
        return None
    try:
        check(principal(), need)
    except Unauthorized as refused:
        if refused.code in ("sign_in_required", "signed_out") and request.method in SAFE_METHODS and wants_page():
            return redirect(url_for("account_pages.sign_in", next=request.full_path.rstrip("?")), 303)
        raise
    return None


def check(who: Principal | None, need: Need) -> None:
    """Let only those pass who may do what a route does.

    Raises: `Unauthorized` (401 `sign_in_required`), `Forbidden` (403; `scope_missing`, `confirmation_needed`).
    """
    is_reading = request.method in SAFE_METHODS
    if need in SCOPE_OF:
        if (who is None or who.kind == "guest") and config().access != "open":
            raise sign_in_required()
        _check_scope(who, SCOPE_OF[need])
        return
    if who is None or who.kind == "guest":
        raise sign_in_required()
    if need == "admin":
        if who.role != "admin":
            raise Forbidden("Only an administrator can do this.")
        _check_scope(who, "admin")
    elif need == "account":
        _check_scope(who, "read" if is_reading else "write")
    else:
        _check_session(who, must_be_recent=need == "recent")


def check_keeping() -> None:
    """Let only those ask in a conversation that is kept who may read and write: both happens.

    Raises: `Forbidden` (403 `scope_missing`), and see `principal`.
    """
    who = principal()
    _check_scope(who, "read")
    _check_scope(who, "write")


def _check_scope(who: Principal | None, scope: Scope) -> None:
    if who is not None and not who.may(scope):
        raise Forbidden(
            f"This token may not be used for that: it lacks the scope {scope}.",
            code="scope_missing",
            facts={"scope": scope},
        )


def _check_session(who: Principal, *, must_be_recent: bool) -> None:
    if who.credential != "session" or who.confirmed_at is None:
        raise Forbidden("No token can do this: sign in with a browser.")
    if must_be_recent and datetime.now(UTC) - who.confirmed_at > RECENT:
        raise Forbidden("Prove once more that it is you, then try again.", code="confirmation_needed")


def _refuse_secret_parameters() -> None:
    if request.args and not SECRET_PARAMETERS.isdisjoint(name.lower() for name in request.args):
        raise BadInput("A secret does not belong into an address: send it in a header or in the body.")
