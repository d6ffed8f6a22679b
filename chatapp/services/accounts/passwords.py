"""Passwords: which are taken, and how they are kept."""

import threading
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import Any

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from gevent import get_hub

from chatapp.errors import AppError, InvalidBody

# OWASP Password Storage Cheat Sheet: Argon2id with 19 MiB, two passes, one lane.
_HASHER = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
# The hash of a random secret that was thrown away, by the same settings: who has no account costs the same work.
_NOBODY = "$argon2id$v=19$m=19456,t=2,p=1$Nz1tTVpXuJAAXB0WeO++jA$DanaZlqmcFiS/T5BFkPFZOfmqHcPdHk0/Ddfftf8dEg"
# Each hash takes 19 MiB while it is made.
MOST_AT_ONCE = 2
PATIENCE_S = 10.0

SHORTEST = 8
LONGEST = 256
# zxcvbn's estimate of guesses; what an attacker tries first is below it.
FEWEST_GUESSES = 10**8
# What it looks at grows with the square of the length; a hundred characters tell enough.
LOOKED_AT = 72


class Busy(AppError):
    """More people sign in at this moment than there is memory for."""

    status = 503
    default_code = "busy"
    retryable = True


_turns = threading.BoundedSemaphore(MOST_AT_ONCE)


def hash_password(password: str) -> str:
    """Return what is stored of a password.

    Raises: `Busy` (503).
    """
    with _turn():
        return str(_apart(_HASHER.hash, password))


def verify_password(stored: str | None, password: str) -> bool:
    """Say whether it is the password; without a stored one the same work ends in no.

    Raises: `Busy` (503).
    """
    with _turn():
        is_right = bool(_apart(_matches, stored or _NOBODY, password))
    return is_right and stored is not None


def check_password(password: str, *, about: Collection[str]) -> None:
    """See that a password is not one that would be tried early; `about` are words that its owner is known by.

    Raises: `InvalidBody` (422 `weak_password`).
    """
    if len(password) < SHORTEST:
        _refuse(f"The password is too short: take at least {SHORTEST} characters, better 15.")
    if len(password) > LONGEST:
        _refuse(f"The password is too long: take at most {LONGEST} characters.")
    if "\0" in password or any("\ud800" <= char <= "\udfff" for char in password):
        _refuse("The password holds a character that is no text.")
    known = [word for each in about for word in (each, *each.replace("@", " ").replace(".", " ").split()) if word]
    if _apart(_guesses, password[:LOOKED_AT], known) < FEWEST_GUESSES:
        _refuse("The password is easy to guess. Take a longer one, such as four words that have nothing in common.")


@contextmanager
def _turn() -> Iterator[None]:
    if not _turns.acquire(timeout=PATIENCE_S):
        raise Busy("Too many people sign in at this moment; try again in a few seconds.", retry_after_s=3)
    try:
        yield
    finally:
        _turns.release()


def _guesses(password: str, known: list[str]) -> int:
    """Return how many tries an attacker needs who knows common passwords, words, names and the person."""
    # Its lists of words take a third of a second to load, and only who chooses a password needs them.
    from zxcvbn import zxcvbn  # type: ignore[import-untyped]  # noqa: PLC0415

    return int(zxcvbn(password, user_inputs=known)["guesses"])


def _apart(work: Any, *values: object) -> Any:
    """Do it in a thread: in its own, the worker would answer nobody meanwhile."""
    return get_hub().threadpool.apply(work, values)


def _matches(stored: str, password: str) -> bool:
    try:
        return _HASHER.verify(stored, password.encode("utf-8", "surrogatepass"))
    except (VerificationError, InvalidHashError):
        return False


def _refuse(message: str) -> None:
    raise InvalidBody(message, code="weak_password")
