"""The key that signs credentials: given, or made on the first start and kept."""

import os
import secrets
from pathlib import Path

KEY_BYTES = 32
SHORTEST = 32


class SecretError(Exception):
    """The key cannot be used; the message is one line that says why."""


def signing_key(configured: str, folder: Path) -> bytes:
    """Return the configured key, else that of the file `secret_key` in `folder`, which is made when it is missing.

    Several processes that start at once get the same. Raises: `SecretError`.
    """
    if configured:
        return configured.encode()
    path = folder / "secret_key"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        _make(path)
        key = path.read_bytes().strip()
    except OSError as exc:
        raise SecretError(f"DATA_DIR cannot be written: {exc.strerror}. Set DATA_DIR, or SECRET_KEY.") from exc
    if len(key) < SHORTEST:
        raise SecretError("The file secret_key in DATA_DIR is damaged; delete it, and guests begin anew.")
    return key


def _make(path: Path) -> None:
    if path.exists():
        return
    # Whole or not at all under its name, and the first of several processes wins.
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    descriptor = os.open(draft, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(secrets.token_hex(KEY_BYTES))
    try:
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        draft.unlink()
