"""The cookies: one for a guest, one for somebody who is signed in."""

from typing import Literal

from flask import Response, request

from chatapp.web.context import config

Purpose = Literal["guest", "session", "sign_in"]

# Browsers keep no cookie longer than this.
LONGEST_S = 400 * 24 * 3600


def is_secure() -> bool:
    """Say whether cookies travel over TLS only: the site is known to be served that way, or this request was."""
    return config().is_secure or request.is_secure


def name_of(purpose: Purpose) -> str:
    """Return a cookie's name; a `__Host-` cookie is one that no other host and no plain connection can have set."""
    return f"{'__Host-' if is_secure() else ''}chatapp_{purpose}"


def read(purpose: Purpose) -> str:
    """Return the cookie's value, empty without one."""
    return request.cookies.get(name_of(purpose), "")


def keep(response: Response, purpose: Purpose, value: str, *, age_s: int) -> None:
    response.set_cookie(
        name_of(purpose), value, max_age=age_s, path="/", secure=is_secure(), httponly=True, samesite="Lax"
    )


def drop(response: Response, purpose: Purpose) -> None:
    """Have the browser forget a cookie, if it has one."""
    if name_of(purpose) in request.cookies:
        response.delete_cookie(name_of(purpose), path="/", secure=is_secure(), httponly=True, samesite="Lax")
