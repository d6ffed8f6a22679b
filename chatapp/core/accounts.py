"""Accounts, their sessions and groups, and the rules for what a person may write into them."""

import re
import unicodedata
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

import msgspec

from chatapp.core.principals import Role, Scope
from chatapp.errors import InvalidBody

Theme = Literal["auto", "light", "dark"]
SessionKind = Literal["browser", "program"]

# A browser stays signed in while it comes back, a program's refresh token as long; nobody for longer than the second.
IDLE_LIFETIME = timedelta(days=30)
WHOLE_LIFETIME = timedelta(days=180)
# How long a proof of who they are lets a person do what could take the account from them.
RECENT = timedelta(minutes=15)

LONGEST_NAME = 100
# Folding can make a name longer.
LONGEST_NAME_KEY = 200
LONGEST_EMAIL = 254
EMAIL_FORM = re.compile(r"[^\s@<>\"(),:;\\\[\]]{1,64}@[^\s@<>\"(),:;\\\[\]/?#]{1,189}\Z")
LANGUAGE_FORM = re.compile(r"[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8}){0,3}\Z")


class User(msgspec.Struct, frozen=True, kw_only=True):
    """An account; its id is that of the owner of its conversations."""

    id: UUID
    email: str
    name: str
    language: str
    theme: Theme
    role: Role
    created_at: datetime
    confirmed_at: datetime | None
    suspended_at: datetime | None
    last_seen_at: datetime | None
    has_password: bool
    has_totp: bool


class Session(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody who is signed in, in a browser or with a program."""

    id: UUID
    user_id: UUID
    kind: SessionKind
    scopes: frozenset[Scope] | None
    agent: str
    address: str
    created_at: datetime
    last_seen_at: datetime
    expires_at: datetime
    confirmed_at: datetime


def email_key(email: str) -> str:
    """Fold an address so that two spellings of it are one account."""
    return unicodedata.normalize("NFKC", email).casefold()


def name_key(name: str) -> str:
    """Fold a name so that it is found however its beginning is typed."""
    return unicodedata.normalize("NFKC", name).casefold()[:LONGEST_NAME_KEY]


def checked_email(raw: str) -> str:
    """Return an address that can have an account.

    Raises: `InvalidBody` (422).
    """
    email = raw.strip()
    if len(email) > LONGEST_EMAIL or not email.isprintable() or not EMAIL_FORM.match(email_key(email)):
        raise InvalidBody("`email` is not an e-mail address.")
    return email


def checked_name(raw: str, field: str = "name") -> str:
    """Return a name as people write it: one line, nothing that is not seen.

    Raises: `InvalidBody` (422).
    """
    name = " ".join(unicodedata.normalize("NFC", raw).split())
    if not 1 <= len(name) <= LONGEST_NAME:
        raise InvalidBody(f"`{field}` must have 1 to {LONGEST_NAME} characters.")
    # Signs that turn or hide their surroundings would let one name look like another.
    if any(unicodedata.category(char) in ("Cc", "Cf", "Cs", "Co", "Cn") for char in name):
        raise InvalidBody(f"`{field}` holds a character that cannot be shown.")
    return name


def checked_language(raw: str) -> str:
    """Return a language as BCP 47 writes it.

    Raises: `InvalidBody` (422).
    """
    if not LANGUAGE_FORM.match(raw):
        raise InvalidBody("`language` is not a language tag such as en or pt-BR.")
    return raw


def initials_of(name: str) -> str:
    """Return the one or two letters that stand for a person."""
    words = [word for word in re.split(r"[\s@._-]+", name) if word and word[0].isalnum()]
    letters = [word[0] for word in (words[:1] + words[1:][-1:])]
    return "".join(letters).upper() or "?"
