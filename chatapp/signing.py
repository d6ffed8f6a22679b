"""The key that signs credentials: given, or made on the first start and kept; and keys derived from it."""

import secrets
from pathlib import Path

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from chatapp.secret_files import SecretError, kept_secret, weakness

KEY_BYTES = 32
SHORTEST = 32


def signing_key(configured: str, folder: Path) -> bytes:
    """Return the configured key, else that of the file `secret_key` in `folder`, which is made when it is missing.

    Several processes that start at once get the same. Raises: `SecretError`.
    """
    if configured:
        if why := weakness(configured):
            raise SecretError(f"SECRET_KEY {why}: make one that is random, for example with `openssl rand -hex 32`.")
        return configured.encode()
    key = kept_secret(folder / "secret_key", lambda: secrets.token_hex(KEY_BYTES), setting="SECRET_KEY")
    if len(key) < SHORTEST or weakness(key):
        raise SecretError("The file secret_key in DATA_DIR is damaged; delete it, and guests begin anew.")
    return key.encode()


def derived_key(master: bytes, label: str) -> bytes:
    """Return the 32 bytes that stand for `master` in one use, the label's: one use's key tells nothing of another's."""
    return HKDF(SHA256(), KEY_BYTES, salt=None, info=f"chatapp {label}".encode()).derive(master)
