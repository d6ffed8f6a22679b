"""`/account`: what a person sees and changes of their account."""

from datetime import datetime
from itertools import chain
from uuid import UUID

import msgspec
from flask import Blueprint, Response, jsonify, make_response, request
from msgspec import UNSET, UnsetType

from chatapp.core.accounts import SessionKind, Theme, checked_language, checked_name
from chatapp.errors import NotFound
from chatapp.services.accounts.profiles import same_email
from chatapp.web import cookies
from chatapp.web.access import needs
from chatapp.web.context import services
from chatapp.web.openapi import documented
from chatapp.web.principals import account, origin
from chatapp.web.reading import ID_FORM, read_json
from chatapp.web.signed_in import AccountOut, as_account

bp = Blueprint("account", __name__, url_prefix="/account")

WRITE_ERRORS = (400, 401, 403, 408, 413, 415, 422, 503)


class ProfileIn(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """What to change of yourself; what is left out stays."""

    name: str | UnsetType = UNSET
    language: str | UnsetType = UNSET
    theme: Theme | UnsetType = UNSET


class PasswordIn(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """A new password: at least 8 characters, better 15, and not easy to guess; and the one before, if there is one."""

    password: str
    current: str | None = None


class DeleteIn(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """Your e-mail address, so that nobody deletes an account by mistake."""

    email: str


class SessionOut(msgspec.Struct):
    """A browser or a program that is signed in; `current` is the one that asks."""

    id: str
    kind: SessionKind
    agent: str
    address: str
    created_at: datetime
    last_seen_at: datetime
    current: bool


class SessionsOut(msgspec.Struct):
    """Where you are signed in, the last used first."""

    sessions: list[SessionOut]


class EndedOut(msgspec.Struct):
    """How many sessions ended."""

    ended: int


@bp.get("")
@documented(tag="Account", summary="Your account", result=AccountOut, errors=(400, 401, 403, 503))
@needs("account")
def show_account() -> Response:
    """Return who you are to this site."""
    return jsonify(as_account(services().accounts.profiles.get(account())))


@bp.patch("")
@documented(tag="Account", summary="Change your profile", body=ProfileIn, result=AccountOut, errors=WRITE_ERRORS)
@needs("account")
def change_account() -> Response:
    """Change your name, language (of dates and numbers) or theme.

    Raises: `InvalidBody` (422).
    """
    body = read_json(request, ProfileIn)
    changed = services().accounts.profiles.change(
        account(),
        name=None if isinstance(body.name, UnsetType) else checked_name(body.name),
        language=None if isinstance(body.language, UnsetType) else checked_language(body.language),
        theme=None if isinstance(body.theme, UnsetType) else body.theme,
    )
    return jsonify(as_account(changed))


@bp.delete("")
@documented(tag="Account", summary="Delete your account", body=DeleteIn, status=204, errors=(*WRITE_ERRORS, 409))
@needs("recent")
def delete_account() -> Response:
    """Delete your account and everything that is kept of you, for good.

    Raises: `InvalidBody` (422), `Conflict` (409 `last_admin`).
    """
    accounts, whose = services().accounts, account()
    same_email(accounts.profiles.get(whose).user, read_json(request, DeleteIn).email)
    accounts.deleting.delete(whose.owner_id, actor_id=whose.owner_id, origin=origin())
    response = make_response("", 204)
    cookies.drop(response, "session")
    response.headers["Clear-Site-Data"] = '"cache", "storage"'
    return response


@bp.post("/password")
@documented(tag="Account", summary="Change your password", body=PasswordIn, status=204, errors=(*WRITE_ERRORS, 429))
@needs("recent")
def change_password() -> tuple[str, int]:
    """Set a new password; you are signed out everywhere else.

    Raises: `InvalidBody` (422 `weak_password`), `Unauthorized` (401 `wrong_credentials`), `TooManyAttempts` (429).
    """
    body = read_json(request, PasswordIn)
    services().accounts.profiles.set_password(account(), body.password, current=body.current, origin=origin())
    return "", 204


@bp.get("/sessions")
@documented(tag="Account", summary="Where you are signed in", result=SessionsOut, errors=(400, 401, 403, 503))
@needs("session")
def list_sessions() -> Response:
    """Return the browsers and programs that are signed in."""
    whose = account()
    found = services().accounts.sessions.list(whose)
    return jsonify(
        sessions=[
            {
                "id": str(each.id),
                "kind": each.kind,
                "agent": each.agent,
                "address": each.address,
                "created_at": each.created_at.isoformat(),
                "last_seen_at": each.last_seen_at.isoformat(),
                "current": each.id == whose.credential_id,
            }
            for each in found
        ]
    )


@bp.delete("/sessions")
@documented(tag="Account", summary="Sign out everywhere else", result=EndedOut, errors=(400, 401, 403, 503))
@needs("session")
def end_other_sessions() -> Response:
    """End all sessions but this one."""
    return jsonify(ended=services().accounts.sessions.end_others(account(), origin()))


@bp.delete("/sessions/<session_id>")
@documented(tag="Account", summary="End a session", status=204, errors=(400, 401, 403, 404, 503))
@needs("session")
def end_session(session_id: str) -> tuple[str, int]:
    """Sign out one browser or program, at once.

    Raises: `NotFound` (404).
    """
    if not ID_FORM.match(session_id):
        raise NotFound("There is no such session.")
    services().accounts.sessions.end(account(), UUID(session_id), origin())
    return "", 204


@bp.get("/data")
@documented(tag="Account", summary="Download your data", errors=(400, 401, 403, 503))
@needs("recent")
def download_data() -> Response:
    """Return everything that is kept of you as one JSON file."""
    pieces = services().accounts.downloading.pieces(account())
    # What fails at once is told as an error and not as half a file.
    first = next(pieces)
    headers = {"Content-Disposition": 'attachment; filename="chatapp-data.json"'}
    return Response(chain([first], pieces), mimetype="application/json", headers=headers)
