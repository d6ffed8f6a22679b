"""The short-lived tokens that programs show: JSON Web Tokens that only this server makes and reads."""

import re
import secrets
import time
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple
from uuid import UUID

if TYPE_CHECKING:
    from joserfc.jwk import OctKey

AUDIENCE = "chatapp-api"
LIFETIME_S = 15 * 60
# Clocks of several machines are so far apart at most.
LEEWAY_S = 5
ALGORITHM = "HS256"
# RFC 9068, 2.1: of all tokens that the same key might sign, these are for access.
HEADER = {"alg": ALGORITHM, "typ": "at+jwt"}
REQUIRED = ("iss", "aud", "sub", "sid", "jti", "iat", "nbf", "exp", "scope")
LONGEST = 2_000
# The last character carries two bits that mean nothing: only one way of writing them is taken.
FORM = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]\Z")


class Claimed(NamedTuple):
    """What a token says: whose it is, and from which session."""

    user_id: UUID
    session_id: UUID


class AccessTokens:
    """Makes and reads access tokens under one key; `issuer` is this site by its public name."""

    def __init__(self, key: bytes, *, issuer: str) -> None:
        self._key = key
        self._issuer = issuer
        self._rules: dict[str, Any] = {name: {"essential": True} for name in REQUIRED}
        self._rules["iss"]["value"] = issuer
        self._rules["aud"]["value"] = AUDIENCE

    def make(self, *, user_id: UUID, session_id: UUID, scope: str) -> str:
        """Return a token that is good for the next `LIFETIME_S` seconds, as long as its session lives."""
        from joserfc import jwt  # noqa: PLC0415

        now = int(time.time())
        claims: dict[str, Any] = {
            "iss": self._issuer,
            "aud": AUDIENCE,
            "sub": str(user_id),
            "sid": str(session_id),
            "jti": secrets.token_urlsafe(16),
            "iat": now,
            "nbf": now,
            "exp": now + LIFETIME_S,
            "scope": scope,
        }
        return jwt.encode(HEADER, claims, self._imported_key, [ALGORITHM])

    def read(self, raw: str) -> Claimed | None:
        """Return what a token says if this server signed it for this use and its time has not passed."""
        if len(raw) > LONGEST or not FORM.match(raw):
            return None
        # Dear to import, and most servers never see one.
        from joserfc import errors, jwt  # noqa: PLC0415

        try:
            token = jwt.decode(raw, self._imported_key, [ALGORITHM])
            jwt.JWTClaimsRegistry(leeway=LEEWAY_S, **self._rules).validate(token.claims)
        except (errors.JoseError, ValueError, TypeError):
            return None
        if token.header != HEADER:
            return None
        try:
            return Claimed(UUID(token.claims["sub"]), UUID(token.claims["sid"]))
        except (ValueError, TypeError, AttributeError):
            return None

    @cached_property
    def _imported_key(self) -> "OctKey":
        from joserfc.jwk import OctKey  # noqa: PLC0415

        return OctKey.import_key(self._key)
