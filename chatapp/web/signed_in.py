"""The end of every way of signing in: the cookie, and what the browser is told."""

from datetime import datetime
from typing import Any, Literal

import msgspec
from flask import Response, jsonify, make_response

from chatapp.core.accounts import WHOLE_LIFETIME, Theme, initials_of
from chatapp.core.principals import Role
from chatapp.services.accounts.profiles import Profile
from chatapp.services.accounts.signing_in import SecondStep, SignedIn
from chatapp.web import cookies
from chatapp.web.context import services
from chatapp.web.principals import account


class GroupRef(msgspec.Struct):
    """A group that you are in."""

    id: str
    name: str


class AccountOut(msgspec.Struct):
    """Your account; `identities` are other providers that you sign in with, by their addresses."""

    id: str
    email: str
    name: str
    initials: str
    language: str
    theme: Theme
    role: Role
    created_at: datetime
    groups: list[GroupRef]
    has_password: bool
    has_totp: bool
    recovery_codes_left: int
    passkeys: int
    identities: list[str]


class SignedInOut(msgspec.Struct):
    """Either you are signed in, or a second step follows: `ticket` goes with the code to `POST /auth/second-factor`."""

    state: Literal["signed_in", "second_factor"]
    account: AccountOut | None
    ticket: str | None
    methods: list[Literal["totp", "recovery_code"]]


def signed_in(result: SignedIn | SecondStep) -> Response:
    """Tell the browser how far it is, and give it the cookie when it is signed in."""
    if isinstance(result, SecondStep):
        return jsonify(state="second_factor", account=None, ticket=result.ticket, methods=["totp", "recovery_code"])
    profile = services().accounts.profiles.of_user(result.user.id)
    response = jsonify(state="signed_in", account=as_account(profile), ticket=None, methods=[])
    keep_session(response, result)
    return response


def keep_session(response: Response, result: SignedIn) -> None:
    """Give the browser the session, in the place of the guest, or of the session, that it was."""
    if before := cookies.read("session"):
        services().accounts.sessions.leave(before)
    cookies.keep(response, "session", result.secret, age_s=int(WHOLE_LIFETIME.total_seconds()))
    cookies.drop(response, "guest")


def confirmed() -> Response:
    """Tell a browser that its person has proven who they are; its session goes on under a new secret."""
    response = make_response("", 204)
    secret = services().accounts.sessions.renew(account())
    cookies.keep(response, "session", secret, age_s=int(WHOLE_LIFETIME.total_seconds()))
    return response


def as_account(profile: Profile) -> dict[str, Any]:
    """Return the fields of `AccountOut`."""
    user = profile.user
    return {
        "id": str(user.id),
        "email": user.email,
        "name": user.name,
        "initials": initials_of(user.name),
        "language": user.language,
        "theme": user.theme,
        "role": user.role,
        "created_at": user.created_at.isoformat(),
        "groups": [{"id": str(group_id), "name": name} for group_id, name in profile.groups],
        "has_password": user.has_password,
        "has_totp": user.has_totp,
        "recovery_codes_left": profile.recovery_codes_left,
        "passkeys": profile.passkeys,
        "identities": profile.issuers,
    }
