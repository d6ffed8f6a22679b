"""`/auth`: registering, signing in by password, signing out; as JSON, and as forms for pages without JavaScript."""

import msgspec
from flask import Blueprint, Response, g, jsonify, make_response, redirect, request, url_for
from werkzeug.wrappers import Response as WerkzeugResponse

from chatapp.errors import AppError, InvalidBody
from chatapp.services.accounts.registering import Next
from chatapp.services.accounts.signing_in import SecondStep
from chatapp.web import cookies
from chatapp.web.access import needs
from chatapp.web.account_pages import render_second_step, render_sign_in, render_sign_up
from chatapp.web.context import services
from chatapp.web.errors import problem_of
from chatapp.web.following import path_of
from chatapp.web.openapi import documented
from chatapp.web.principals import account, guest_of_browser, origin
from chatapp.web.reading import read_body, read_json
from chatapp.web.signed_in import SignedInOut, confirmed, keep_session, signed_in

bp = Blueprint("auth", __name__, url_prefix="/auth")

FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")


class RegisterIn(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """A new account; without a name it has the address's first part. `invitation` is what its link ends in."""

    email: str
    password: str
    name: str | None = None
    invitation: str | None = None


class RegisteredOut(msgspec.Struct):
    """What comes next; the same whether or not the address had an account already."""

    next: Next


class SignInIn(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """Who you are, and that you know the password."""

    email: str
    password: str


class SignOutIn(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """Where to sign out: here, or everywhere."""

    everywhere: bool = False


class ConfirmIn(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """Either the password or a code of the second factor."""

    password: str | None = None
    code: str | None = None


@bp.post("/register")
@documented(
    tag="Signing in",
    summary="Register",
    body=RegisterIn,
    result=RegisteredOut,
    status=202,
    errors=(400, 403, 408, 413, 415, 422, 429, 503),
)
@needs("public")
def register() -> tuple[Response, int] | Response | WerkzeugResponse:
    """Make an account, without signing in; for an address that has one already, the answer is the same.

    Raises: `InvalidBody` (422, `weak_password`), `Forbidden` (403 `invitation_needed`), `TooManyAttempts` (429).
    """
    if request.mimetype in FORMS:
        return _register_by_form()
    body = read_json(request, RegisterIn)
    return jsonify(next=_register(body.email, body.password, body.name, body.invitation)), 202


@bp.post("/sign-in")
@documented(
    tag="Signing in",
    summary="Sign in with a password",
    body=SignInIn,
    result=SignedInOut,
    errors=(400, 401, 403, 408, 413, 415, 422, 429, 503),
)
@needs("public")
def sign_in() -> Response | WerkzeugResponse:
    """Begin a session in this browser; what it wrote as a guest comes along.

    Raises: `Unauthorized` (401 `wrong_credentials`), `Forbidden` (403 `account_suspended`, `address_not_confirmed`),
    `TooManyAttempts` (429).
    """
    if request.mimetype in FORMS:
        return _sign_in_by_form()
    body = read_json(request, SignInIn)
    signing_in = services().accounts.signing_in
    return signed_in(signing_in.by_password(body.email, body.password, origin(), guest_of_browser()))


@bp.post("/sign-out")
@documented(
    tag="Signing in", summary="Sign out", body=SignOutIn, status=204, errors=(400, 403, 408, 413, 415, 422, 503)
)
@needs("public")
def sign_out() -> Response | WerkzeugResponse:
    """End the session of this browser, or all sessions; who is not signed in stays so."""
    is_form = request.mimetype in FORMS
    if is_form:
        read_body(request)
    everywhere = request.form.get("everywhere") == "true" if is_form else read_json(request, SignOutIn).everywhere
    _end_session(everywhere=everywhere)
    response = redirect(url_for("pages.landing"), 303) if is_form else make_response("", 204)
    cookies.drop(response, "session")  # type: ignore[arg-type]  # what Flask's extends
    # What the browser kept of the person's pages; not its storage, where unsent drafts are.
    response.headers["Clear-Site-Data"] = '"cache"'
    return response


@bp.post("/confirm")
@documented(
    tag="Signing in",
    summary="Prove that it is you",
    body=ConfirmIn,
    status=204,
    errors=(400, 401, 403, 408, 413, 415, 422, 429, 503),
)
@needs("session")
def confirm() -> Response:
    """Prove who you are once more, by the password or a code; then, for a while, the account can be changed.

    Raises: `Unauthorized` (401 `wrong_credentials`), `TooManyAttempts` (429).
    """
    body = read_json(request, ConfirmIn)
    if (body.password is None) == (body.code is None):
        raise InvalidBody("Send either `password` or `code`.")
    accounts = services().accounts
    if body.password is not None:
        accounts.signing_in.confirm_password(account(), body.password, origin())
    else:
        assert body.code is not None
        accounts.second_factor.verify(accounts.profiles.get(account()).user, body.code, origin())
        accounts.sessions.confirm(account(), origin())
    return confirmed()


def _register(email: str, password: str, name: str | None, invitation: str | None) -> Next:
    registering = services().accounts.registering
    return registering.register(email=email, password=password, name=name, invitation=invitation, origin=origin())


def _register_by_form() -> Response | WerkzeugResponse:
    read_body(request)
    form = request.form
    try:
        following = _register(
            form.get("email", ""), form.get("password", ""), form.get("name") or None, form.get("invitation") or None
        )
        if following == "check_mail":
            return make_response(render_sign_up(is_mailed=True), 202)
        return _sign_in_by_form()
    except AppError as error:
        return _again(render_sign_up(error=_told(error), typed=_typed()), error)


def _sign_in_by_form() -> Response | WerkzeugResponse:
    read_body(request)
    form = request.form
    try:
        result = services().accounts.signing_in.by_password(
            form.get("email", ""), form.get("password", ""), origin(), guest_of_browser()
        )
    except AppError as error:
        return _again(render_sign_in(error=_told(error), typed=_typed()), error)
    following = path_of(form.get("next"))
    if isinstance(result, SecondStep):
        return make_response(render_second_step(ticket=result.ticket, following=following))
    response = redirect(following, 303)
    keep_session(response, result)  # type: ignore[arg-type]  # what Flask's extends
    return response


def _end_session(*, everywhere: bool) -> None:
    """End the session that the browser shows, if it lives; its suspended owner may end it too."""
    found = services().accounts.sessions.by_secret(cookies.read("session")) if cookies.read("session") else None
    if found is None:
        return
    session, user = found
    services().accounts.sessions.sign_out(user.id, session.id, origin(), everywhere=everywhere)


def _typed() -> dict[str, str]:
    """Return what was typed, never the password."""
    return {name: request.form.get(name, "")[:300] for name in ("email", "name", "invitation", "next")}


def _told(error: AppError) -> dict[str, object]:
    g.outcome = error.code
    return problem_of(error, g.request_id)


def _again(page: str, error: AppError) -> Response:
    response = make_response(page, error.status)
    if error.retry_after_s is not None:
        response.headers["Retry-After"] = str(error.retry_after_s)
    return response
