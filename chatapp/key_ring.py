"""The keys that encrypt what is kept for people: given, or made on the first start and kept."""

import fcntl
import os
import re
import secrets
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from chatapp.secret_files import SecretError, kept_secret, read_secret, replace_secret, weakness

FILE = "encryption_keys"
SETTING = "ENCRYPTION_KEYS"
WORD_FORM = re.compile(r"([A-Za-z0-9_-]{1,16}):([0-9a-fA-F]{64})\Z")


def key_ring(configured: Sequence[str], folder: Path) -> dict[str, bytes]:
    """Return the keys by their ids, the newest first: those of the setting, else those of the file in `folder`.

    The file is made when it is missing; several processes that start at once get the same. Raises: `SecretError`.
    """
    if configured:
        return _ring(configured, SETTING)
    content = kept_secret(folder / FILE, _new_word, setting=SETTING)
    return _ring(content.split(), f"The file {FILE} in DATA_DIR")


def reread(folder: Path, before: Mapping[str, bytes]) -> Mapping[str, bytes]:
    """Return the keys as the file holds them now; those of before while it cannot be read."""
    try:
        content = read_secret(folder / FILE, setting=SETTING)
        return _ring(content.split(), f"The file {FILE} in DATA_DIR")
    except (OSError, SecretError):
        return before


def add_key(folder: Path) -> dict[str, bytes]:
    """Put a new key before those of the file and return them all.

    Raises: `SecretError`, `OSError`.
    """
    ring = key_ring((), folder)
    words = [_new_word(), *_words(ring)]
    replace_secret(folder / FILE, "\n".join(words))
    return _ring(words, FILE)


def drop_keys(folder: Path, in_use: Collection[str]) -> int:
    """Take the keys out of the file that nothing is encrypted under, and return how many they were.

    The two newest stay: a process may be about to store what it encrypted a moment ago. Raises: `SecretError`,
    `OSError`.
    """
    ring = key_ring((), folder)
    left = {key_id: key for place, (key_id, key) in enumerate(ring.items()) if place < 2 or key_id in in_use}
    if len(left) < len(ring):
        replace_secret(folder / FILE, "\n".join(_words(left)))
    return len(ring) - len(left)


@contextmanager
def rotating_alone(folder: Path) -> Iterator[None]:
    """Let nobody else change the file meanwhile: of two that add a key at once, one would lose the other's."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _ring(words: Sequence[str], source: str) -> dict[str, bytes]:
    ring: dict[str, bytes] = {}
    for word in words:
        found = WORD_FORM.match(word)
        if found is None or found[1] in ring:
            ring = {}
            break
        if why := weakness(found[2].lower()):
            raise SecretError(f"{source}: the key {found[1]} {why}; a key is 64 random hex digits.")
        ring[found[1]] = bytes.fromhex(found[2])
    if not ring:
        raise SecretError(f"{source} holds no usable keys: put back what was there, or what it encrypts is lost.")
    return ring


def _words(ring: Mapping[str, bytes]) -> list[str]:
    return [f"{key_id}:{key.hex()}" for key_id, key in ring.items()]


def _new_word() -> str:
    return f"{secrets.token_hex(4)}:{secrets.token_hex(32)}"
