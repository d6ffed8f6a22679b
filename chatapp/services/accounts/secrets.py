"""Secrets that are shown once and kept as hashes."""

import secrets
from hashlib import sha256

SECRET_BYTES = 32


def new_secret() -> str:
    """Return 256 bits as 43 characters that need no escaping anywhere."""
    return secrets.token_urlsafe(SECRET_BYTES)


def hash_of(secret: str) -> str:
    """Return what is stored: of a secret that long, no slow hash is needed."""
    return sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()
