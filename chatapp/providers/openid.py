"""OpenID Connect: the authorisation code flow with PKCE, as a client of one provider."""

import logging
import re
import time
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from io import BytesIO
from typing import Any
from urllib.parse import urlsplit

import gevent
import msgspec
import requests
from authlib.common.errors import AuthlibBaseError
from authlib.common.security import is_secure_transport
from authlib.integrations.requests_client import OAuth2Session
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import ClaimError, InvalidKeyIdError, JoseError, SecurityWarning
from joserfc.jwk import KeySet
from requests.adapters import HTTPAdapter
from requests.exceptions import BaseHTTPError  # type: ignore[attr-defined]  # urllib3's, on which it stands

from chatapp.core.identities import Arrival, Claims, Departure
from chatapp.errors import IdentityProviderError

log = logging.getLogger(__name__)

SCOPE = "openid email profile"
# Signatures by the provider's own key only: with `none` or a shared secret, others could sign as well.
ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "ES256", "ES384", "EdDSA", "Ed25519")
CONNECT_LIMIT_S = 5.0
READ_LIMIT_S = 10.0
WHOLE_LIMIT_S = 20.0
MOST_BYTES = 256 * 1024
# What the libraries raise when an answer is late, cut, not what it should be, or so odd that they stumble over it.
FAULTS = (
    AuthlibBaseError,
    JoseError,
    requests.RequestException,
    BaseHTTPError,
    msgspec.MsgspecError,
    ArithmeticError,
    AttributeError,
    LookupError,
    RecursionError,
    TypeError,
    ValueError,
)
# How long what the provider says of itself is believed, its keys among it.
FRESH_S = 3600.0
# Two clocks may differ so much.
LEEWAY_S = 60
LONGEST_SUBJECT = 255
LONGEST_TEXT = 254


class Metadata(msgspec.Struct, frozen=True):
    """What a provider says of itself.

    Source: OpenID Connect Discovery 1.0, section 3.
    """

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str | None = None
    # Source: RFC 8414, section 2: `client_secret_basic` when it is not said.
    token_endpoint_auth_methods_supported: tuple[str, ...] = ("client_secret_basic",)
    # Source: RFC 9207.
    authorization_response_iss_parameter_supported: bool = False


class OpenIDProvider:
    """One provider. `redirect_uri` is where it sends browsers back to; `name` is for people.

    `limit_s` bounds all that is asked of it while a person waits.
    """

    def __init__(
        self,
        *,
        issuer: str,
        client_id: str,
        client_secret: str,
        name: str,
        redirect_uri: str,
        limit_s: float = WHOLE_LIMIT_S,
    ) -> None:
        self.issuer = issuer
        self.name = name
        self._client_id = client_id
        self._client_secret = client_secret
        self._redirect_uri = redirect_uri
        self._limit_s = limit_s
        self._metadata: tuple[float, Metadata] | None = None
        self._keys: tuple[float, KeySet] | None = None

    def address(self, departure: Departure) -> str:
        """Return where the browser has to go.

        Raises: `IdentityProviderError` (502).
        """
        with self._told_as_ours(), self._session() as session:
            metadata = self._known_metadata(session)
            url, _ = session.create_authorization_url(
                metadata.authorization_endpoint,
                state=departure.state,
                nonce=departure.nonce,
                code_verifier=departure.verifier,
            )
        return str(url)

    def claims(self, departure: Departure, arrival: Arrival) -> Claims:
        """Return who it is that came back with a code.

        Raises: `IdentityProviderError` (502), also for what is not signed as it must be.
        """
        with self._told_as_ours(), self._session() as session:
            metadata = self._known_metadata(session)
            if arrival.issuer != self.issuer and (
                arrival.issuer or metadata.authorization_response_iss_parameter_supported
            ):
                raise _Unbelievable("response_issuer")
            session.token_endpoint_auth_method = _auth_method(metadata, has_secret=bool(self._client_secret))
            token = session.fetch_token(
                metadata.token_endpoint,
                grant_type="authorization_code",
                code=arrival.code,
                code_verifier=departure.verifier,
                redirect_uri=self._redirect_uri,
            )
            said = self._signed_claims(session, metadata, token, departure.nonce)
            if not said.get("email") and metadata.userinfo_endpoint:
                said = {**_userinfo(session, metadata.userinfo_endpoint, str(said["sub"])), **said}
            return _claims(self.issuer, said)

    def _session(self) -> OAuth2Session:
        session = OAuth2Session(
            self._client_id,
            self._client_secret or None,
            scope=SCOPE,
            redirect_uri=self._redirect_uri,
            code_challenge_method="S256",
            # A token is used at once, however short it lives.
            leeway=0,
        )
        for scheme in ("https://", "http://"):
            session.mount(scheme, _LimitedAdapter(self._limit_s))
        return session

    @contextmanager
    def _told_as_ours(self) -> Iterator[None]:
        """Bound what is asked of the provider, and turn whatever goes wrong into one error."""
        too_late = requests.Timeout()
        try:
            with gevent.Timeout(self._limit_s, too_late):
                yield
        except FAULTS as error:
            log.warning("sign_in_provider.failed", extra={"reason": _reason(error)})
            raise IdentityProviderError(
                f"{self.name} did not answer as it should, so nobody was signed in. Try again in a minute; if it stays "
                "like this, sign in another way or tell the people who run this site."
            ) from None

    def _known_metadata(self, session: OAuth2Session) -> Metadata:
        if self._metadata is None or self._metadata[0] < time.monotonic():
            url = self.issuer.rstrip("/") + "/.well-known/openid-configuration"
            metadata = msgspec.json.decode(_get(session, url), type=Metadata)
            if metadata.issuer != self.issuer:
                raise _Unbelievable("issuer")
            endpoints = (metadata.authorization_endpoint, metadata.token_endpoint, metadata.jwks_uri)
            if not all(_is_safe(url) for url in (*endpoints, metadata.userinfo_endpoint or self.issuer)):
                raise _Unbelievable("endpoint")
            self._metadata = (time.monotonic() + FRESH_S, metadata)
        return self._metadata[1]

    def _known_keys(self, session: OAuth2Session, metadata: Metadata, *, is_new: bool = False) -> KeySet:
        if is_new or self._keys is None or self._keys[0] < time.monotonic():
            found = msgspec.json.decode(_get(session, metadata.jwks_uri), type=dict[str, Any])
            keys = found.get("keys")
            if not isinstance(keys, list) or not all(isinstance(each, dict) for each in keys):
                raise _Unbelievable("keys")
            signing = [each for each in keys if each.get("kty") != "oct" and each.get("use", "sig") == "sig"]
            self._keys = (time.monotonic() + FRESH_S, KeySet.import_key_set({"keys": signing}))
        return self._keys[1]

    def _signed_claims(
        self, session: OAuth2Session, metadata: Metadata, token: Mapping[str, Any], nonce: str
    ) -> dict[str, Any]:
        """Return the claims of the provider's token once its signature and all of them are right.

        Source: OpenID Connect Core 1.0, section 3.1.3.7.
        """
        raw = token.get("id_token")
        if not isinstance(raw, str):
            raise _Unbelievable("id_token")
        try:
            decoded = _decoded(raw, self._known_keys(session, metadata))
        except InvalidKeyIdError:
            # The provider may have changed its keys since they were asked for.
            decoded = _decoded(raw, self._known_keys(session, metadata, is_new=True))
        claims = CodeIDToken(
            decoded.claims,
            decoded.header,
            options={
                "iss": {"essential": True, "value": self.issuer},
                "sub": {"essential": True},
                "aud": {"essential": True, "value": self._client_id},
            },
            params={"nonce": nonce, "client_id": self._client_id, "access_token": token.get("access_token")},
        )
        claims.validate(leeway=LEEWAY_S)
        return dict(claims)


class _LimitedAdapter(HTTPAdapter):
    """Follows nobody elsewhere, and reads neither long nor much."""

    def __init__(self, limit_s: float) -> None:
        super().__init__()
        self._limits = (min(CONNECT_LIMIT_S, limit_s), min(READ_LIMIT_S, limit_s))

    def send(self, request: Any, **options: Any) -> requests.Response:  # type: ignore[override]
        options |= {"stream": True, "timeout": self._limits}
        response = super().send(request, **options)
        with response.raw:
            if response.is_redirect:
                raise _Unbelievable("redirect")
            body = response.raw.read(MOST_BYTES + 1, decode_content=True)
        if len(body) > MOST_BYTES:
            raise _Unbelievable("size")
        # What reads it next finds it whole.
        response.raw = BytesIO(body)
        return response


class _Unbelievable(ValueError):
    """The provider said something that cannot be right; the text names what, in our words."""


def _decoded(raw: str, keys: KeySet) -> jwt.Token:
    with warnings.catch_warnings():
        # `EdDSA` has a newer name, which few providers use yet.
        warnings.simplefilter("ignore", SecurityWarning)
        return jwt.decode(raw, keys, ALGORITHMS)


def _get(session: OAuth2Session, url: str, *, withhold_token: bool = True) -> bytes:
    headers = {"Accept": "application/json"}
    response: requests.Response = session.get(url, withhold_token=withhold_token, headers=headers)
    response.raise_for_status()
    return response.content


def _userinfo(session: OAuth2Session, url: str, subject: str) -> dict[str, Any]:
    """Return what the provider says of a person where it does not sign it.

    Source: OpenID Connect Core 1.0, section 5.3: it counts only if it is about the same subject.
    """
    found = msgspec.json.decode(_get(session, url, withhold_token=False), type=dict[str, Any])
    if found.get("sub") != subject:
        raise _Unbelievable("userinfo")
    return found


def _claims(issuer: str, said: Mapping[str, Any]) -> Claims:
    subject = said["sub"]
    if not isinstance(subject, str) or not subject.isprintable() or not 1 <= len(subject) <= LONGEST_SUBJECT:
        raise _Unbelievable("sub")
    return Claims(
        issuer=issuer,
        subject=subject,
        email=_text(said.get("email")),
        is_email_verified=said.get("email_verified") is True,
        name=_text(said.get("name")) or _text(said.get("preferred_username")),
    )


def _text(value: object) -> str:
    return value if isinstance(value, str) and len(value) <= LONGEST_TEXT else ""


def _auth_method(metadata: Metadata, *, has_secret: bool) -> str:
    if not has_secret:
        return "none"
    supported = metadata.token_endpoint_auth_methods_supported
    return "client_secret_basic" if "client_secret_basic" in supported else "client_secret_post"


def _is_safe(url: str) -> bool:
    """Say whether nobody on the way can read or change what is sent there."""
    return url.isprintable() and " " not in url and bool(urlsplit(url).hostname) and is_secure_transport(url)


def _reason(error: Exception) -> str:
    """Name what went wrong, for who runs the site, without the provider's sentences."""
    name = type(error).__name__
    if isinstance(error, _Unbelievable):
        return str(error)
    if isinstance(error, ClaimError):
        return f"{name} {error.claim}"
    # Source: RFC 6749, section 5.2, such as `invalid_client`.
    code = getattr(error, "error", None)
    return f"{name} {code}" if isinstance(code, str) and re.fullmatch(r"[a-z_]{1,40}", code) else name
