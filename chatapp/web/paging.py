"""Places in long lists, as opaque texts that go with the address of the next page."""

import base64
from datetime import datetime, timedelta
from typing import Any

import msgspec
from flask import request

from chatapp.errors import BadInput
from chatapp.web.reading import NOT_TEXT

MAX_PAGE = 100


def as_cursor(place: Any) -> str | None:
    """Return a place as a text, None for none."""
    return None if place is None else base64.urlsafe_b64encode(msgspec.json.encode(place)).rstrip(b"=").decode()


def read_place(shape: Any, name: str = "after") -> Any:
    """Return the place in a query parameter, as `as_cursor` gave it, None without one; `shape` is its type.

    Raises: `BadInput` (400 `bad_cursor`).
    """
    raw = request.args.get(name)
    if not raw:
        return None
    try:
        decoded = base64.b64decode(raw.encode("ascii") + b"=" * (-len(raw) % 4), altchars=b"-_", validate=True)
        place = msgspec.json.decode(decoded, type=shape)
    except (ValueError, RecursionError, msgspec.DecodeError) as error:
        raise bad_place(name) from error
    # No text in any database holds a NUL.
    if b"\\u0000" in decoded or not all(map(_is_kept_so, _parts_of(place))):
        raise bad_place(name)
    return place


def _parts_of(place: Any) -> tuple[Any, ...]:
    if isinstance(place, msgspec.Struct):
        return msgspec.structs.astuple(place)
    return place if isinstance(place, tuple) else ()


def _is_kept_so(part: Any) -> bool:
    """Say whether a time is in UTC, as the lists give it; others may be none that a database can hold."""
    return not isinstance(part, datetime) or part.utcoffset() == timedelta(0)


def read_limit(usual: int) -> int:
    """Read `limit`.

    Raises: `BadInput` (400).
    """
    raw = request.args.get("limit") or str(usual)
    if not (raw.isascii() and raw.isdigit() and len(raw) <= 3 and 1 <= int(raw) <= MAX_PAGE):
        raise BadInput(f"`limit` must be a whole number from 1 to {MAX_PAGE}.")
    return int(raw)


def read_search(name: str, *, longest: int) -> str:
    """Read what is searched for, without the spaces around it; empty when nothing is.

    Raises: `BadInput` (400).
    """
    raw = request.args.get(name, "").strip()
    if len(raw) > longest or NOT_TEXT.search(raw):
        raise BadInput(f"`{name}` must be text of at most {longest} characters.")
    return raw


def bad_place(name: str) -> BadInput:
    """Return the error for a cursor from elsewhere."""
    return BadInput(f"`{name}` is not one that this list gave.", code="bad_cursor")
