"""Refresh tokens: each is good once, and even a used one tells which session it was for."""

import hmac
import re
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from uuid import UUID

# A mark that people and scanners of leaked secrets know.
PREFIX = "cpr_"
FORM = re.compile(PREFIX + r"[A-Za-z0-9_-]{85}[AQgw]\Z")
SECRET_BYTES = 32
SEAL_BYTES = 16


class RefreshTokens:
    """Makes and reads refresh tokens: the session's id, 256 random bits, and a seal over both under `key`.

    Without the seal, whoever knows a session's id could pretend to have a used token, and end the session.
    """

    def __init__(self, key: bytes) -> None:
        self._key = key

    def make(self, session_id: UUID) -> str:
        body = session_id.bytes + secrets.token_bytes(SECRET_BYTES)
        return PREFIX + urlsafe_b64encode(body + self._seal(body)).decode("ascii").rstrip("=")

    def session_of(self, raw: str) -> UUID | None:
        """Return the session that a token was made for, whether or not it was used since; None if it is no token."""
        if not FORM.match(raw):
            return None
        content = urlsafe_b64decode(raw.removeprefix(PREFIX) + "==")
        body, seal = content[:-SEAL_BYTES], content[-SEAL_BYTES:]
        if not hmac.compare_digest(seal, self._seal(body)):
            return None
        return UUID(bytes=body[:16])

    def _seal(self, body: bytes) -> bytes:
        return hmac.digest(self._key, body, "sha256")[:SEAL_BYTES]
