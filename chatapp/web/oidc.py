"""Signing in with an account at another provider: out to it, back from it, and the link between the two."""

import re

from flask import Blueprint, Response, g, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as WerkzeugResponse

from chatapp.core.identities import Arrival
from chatapp.core.principals import Principal
from chatapp.errors import AppError
from chatapp.services.accounts.identities import UNDERWAY
from chatapp.services.accounts.signing_in import SecondStep
from chatapp.web import cookies
from chatapp.web.access import needs
from chatapp.web.account_pages import render_second_step, render_sign_in, render_sign_up
from chatapp.web.context import services
from chatapp.web.errors import problem_of, wants_page
from chatapp.web.following import path_of
from chatapp.web.openapi import documented
from chatapp.web.principals import account, guest_of_browser, origin, visitor
from chatapp.web.reading import read_body
from chatapp.web.signed_in import keep_session

bp = Blueprint("oidc", __name__)

INVITATION_FORM = re.compile(r"[A-Za-z0-9_-]{20,100}\Z")
# Longer than any code or state of a provider; what is longer is none.
LONGEST_PARAMETER = 4096


@bp.post("/auth/oidc")
@needs("public")
def leave_to_sign_in() -> Response:
    """Send the browser to the provider.

    Body: a form with `next`, a path of this site, and `invitation`, both optional.
    Raises: `NotFound` (404), `TooManyAttempts` (429), `IdentityProviderError` (502).
    """
    read_body(request)
    invitation = request.form.get("invitation", "").strip()
    return _leave(
        following=path_of(request.form.get("next")),
        invitation=invitation if INVITATION_FORM.match(invitation) else "",
        linked_to=None,
    )


@bp.post("/account/identities")
@needs("recent")
def leave_to_link() -> Response:
    """Send the browser to the provider, to link the account there with the one here.

    Raises: see `leave_to_sign_in`.
    """
    read_body(request)
    return _leave(following=url_for("account_pages.settings"), invitation="", linked_to=account())


@bp.delete("/account/identities/<host>")
@documented(tag="Account", summary="Unlink a provider", status=204, errors=(400, 401, 403, 404, 409, 503))
@needs("recent")
def unlink(host: str) -> tuple[str, int]:
    """Forget who you are at a provider, unless that is the only way into your account.

    Raises: `NotFound` (404), `Conflict` (409 `last_credential`).
    """
    services().accounts.identities.unlink(account(), host, origin())
    return "", 204


@bp.get("/auth/oidc/callback")
@needs("public")
def come_back() -> Response | WerkzeugResponse:
    """Take the browser in again: signed in, asked for a second factor, linked, or told what to do.

    It changes something although it is a GET, because the provider says so; what it needs for that works once, and
    in the browser that left only.
    """
    given = {name: request.args.get(name, "")[:LONGEST_PARAMETER] for name in ("state", "code", "error", "iss")}
    arrival = Arrival(state=given["state"], code=given["code"], error=given["error"], issuer=given["iss"])
    try:
        returned = services().accounts.identities.come_back(
            arrival, secret=cookies.read("sign_in"), principal=visitor(), guest=guest_of_browser(), origin=origin()
        )
    except AppError as error:
        if not wants_page():
            raise
        response = _told(error)
    else:
        following = path_of(returned.following)
        if returned.must_confirm:
            response = make_response(render_sign_up(is_mailed=True), 202)
        elif isinstance(returned.result, SecondStep):
            response = make_response(render_second_step(ticket=returned.result.ticket, following=following))
        else:
            response = make_response(redirect(following, 303))
            if returned.result is not None:
                keep_session(response, returned.result)
    cookies.drop(response, "sign_in")
    return response


def _leave(*, following: str, invitation: str, linked_to: Principal | None) -> Response:
    """Lead the browser away by a page of our own.

    A form must not be redirected to another site: browsers hold every step of that to our `form-action`, also those
    from there to a third one.
    """
    leaving = services().accounts.identities.leave(
        following=following, invitation=invitation, linked_to=linked_to, origin=origin()
    )
    response = make_response(
        render_template("account/leaving.html", page="account", address=leaving.address, name=leaving.name)
    )
    cookies.keep(response, "sign_in", leaving.secret, age_s=int(UNDERWAY.total_seconds()))
    return response


def _told(error: AppError) -> Response:
    """Return the page for signing in, which says what went wrong; for who is signed in, a page with that only."""
    found = visitor()
    if found is not None and found.kind == "user":
        raise error
    g.outcome = error.code
    return make_response(render_sign_in(error=problem_of(error, g.request_id)), error.status)
