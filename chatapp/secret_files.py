"""Secrets that the server makes on its first start and keeps in files which only it may read."""

import os
import re
import stat
import tempfile
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

FEWEST_CHARACTERS = 8
# What examples and guides write where a secret belongs; letters only.
PLACEHOLDERS = re.compile(
    "changeme|changethis|replaceme|replacethis|your(own)?(secret|key)|supersecret|secretkey|mysecret|insecure|donotuse"
    "|(un|not(so|very)?)safe|example(key|secret)|default(key|secret)|(dev|test)(key|secret)|password|letmein|qwerty"
)


class SecretError(Exception):
    """A secret cannot be used; the message is one line that says why."""


def kept_secret(path: Path, make: Callable[[], str], *, setting: str) -> str:
    """Return the content of a secret file, which is made when it is missing.

    Several processes that start at once get the same. `setting` is what can be set in place of the file.
    Raises: `SecretError` for a file that cannot be read or written, or that others could read.
    """
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not path.exists():
            _make(path, make())
        return read_secret(path, setting=setting)
    except OSError as exc:
        raise SecretError(f"DATA_DIR cannot be written: {exc.strerror}. Set DATA_DIR, or {setting}.") from exc


def read_secret(path: Path, *, setting: str) -> str:
    """Return the content of a secret file.

    Raises: `OSError`, `SecretError` for a file that is no text or that others could read.
    """
    # Asked of the open file: a name can come to mean another one in between.
    with path.open("rb") as file:
        mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
        content = file.read()
    if mode & 0o077:
        raise SecretError(
            f"The file {path.name} in DATA_DIR is open to other users (mode {mode:o}): chmod 600 it, or set {setting}."
        )
    try:
        return content.decode("ascii").strip()
    except UnicodeDecodeError:
        raise SecretError(f"The file {path.name} in DATA_DIR is damaged: put it back, or set {setting}.") from None


def replace_secret(path: Path, content: str) -> None:
    """Put another content in place of a secret file's, whole or not at all; it stays its owner's.

    Raises: `OSError`.
    """
    owner = path.stat()
    draft = _draft(path, content)
    try:
        if owner.st_uid != os.geteuid():
            # An operator's command may run as root; the server must still be able to read the file.
            os.chown(draft, owner.st_uid, owner.st_gid)
        draft.replace(path)
    except BaseException:
        draft.unlink()
        raise
    _settle(path.parent)


def weakness(secret: str) -> str:
    """Return why a secret could be guessed, as the end of a sentence; "" when nothing speaks against it."""
    if len(set(secret)) < FEWEST_CHARACTERS:
        return "has too few different characters"
    if any(secret == (secret[:length] * len(secret))[: len(secret)] for length in range(1, len(secret) // 2 + 1)):
        return "repeats itself"
    steps = [abs(ord(after) - ord(before)) for before, after in pairwise(secret)]
    if sum(step <= 1 for step in steps) > len(steps) * 3 / 4:
        return "follows the alphabet"
    if PLACEHOLDERS.search(re.sub("[^a-z]", "", secret.lower())):
        return "is a placeholder that everybody knows"
    return ""


def _make(path: Path, content: str) -> None:
    # Whole or not at all under its name, and the first of several processes wins.
    draft = _draft(path, content)
    try:
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        draft.unlink()
    _settle(path.parent)


def _draft(path: Path, content: str) -> Path:
    # For its owner only from the beginning; named by chance, because processes of other machines may be at it too.
    descriptor, name = tempfile.mkstemp(prefix=f"{path.name}.", dir=path.parent)
    draft = Path(name)
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
    except BaseException:
        draft.unlink()
        raise
    return draft


def _settle(folder: Path) -> None:
    """Have the disk keep a name that was made or changed: what is encrypted under a lost key is lost."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
