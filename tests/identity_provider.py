"""A real OpenID Connect provider on loopback that does what a test says, good or bad."""

import base64
import hashlib
import json
import secrets
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from joserfc import jws
from joserfc.jwk import RSAKey

CLIENT_ID = "chatapp-test"
# What a provider says that nobody may see, and with a character that its form must escape.
CLIENT_SECRET = "provider-canary:secret"
CANARY = "provider-canary"

Answer = tuple[int, dict[str, str], bytes]


class IdentityProvider:
    """Signs in whoever `person` says; `close()` it when done.

    `claims` changes what it signs, `sign` how, and `answers` gives other answers at some paths.
    """

    def __init__(self) -> None:
        self._server = _Server(("127.0.0.1", 0), _handler(self))
        self.issuer = f"http://127.0.0.1:{self._server.server_address[1]}"
        self.key = RSAKey.generate_key(2048, auto_kid=True)
        self.published = [self.key]
        self.behave()
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def behave(self) -> None:
        """Be good again, and sign in somebody new; the keys stay."""
        self.asked: list[str] = []
        self.mistakes: list[BaseException] = []
        self.person: dict[str, Any] = {"sub": secrets.token_hex(8), "name": "Ada Example", "email_verified": True}
        self.person["email"] = f"{self.person['sub']}@example.com"
        self.claims: Callable[[dict[str, Any]], dict[str, Any]] = lambda claims: claims
        self.sign: Callable[[dict[str, Any]], object] = self.signed
        self.metadata: dict[str, Any] = {}
        self.answers: dict[str, Callable[[], Answer]] = {}
        self._codes: dict[str, dict[str, str]] = {}

    def rotate(self) -> None:
        """Sign with a new key from now on; the one before stays known."""
        self.key = RSAKey.generate_key(2048, auto_kid=True)
        self.published.insert(0, self.key)

    def code_for(self, address: str) -> str:
        """Consent to what a browser was sent with, and return the code that it takes back."""
        asked = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
        assert (asked["client_id"], asked["response_type"]) == (CLIENT_ID, "code")
        assert asked["code_challenge_method"] == "S256"
        code = secrets.token_hex(8)
        self._codes[code] = asked
        return code

    def signed(self, claims: dict[str, Any], *, key: Any = None, **header: Any) -> str:
        """Return claims signed as they should be, or with another key or header."""
        header = {"alg": "RS256", "kid": self.key.kid, **header}
        if header["alg"] == "none":
            return f"{_urlsafe(json.dumps(header).encode())}.{_urlsafe(json.dumps(claims).encode())}."
        return jws.serialize_compact(header, json.dumps(claims), key or self.key, algorithms=[header["alg"]])

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def answer(self, path: str, form: dict[str, str], authorization: str) -> Answer:
        self.asked.append(path)
        if path in self.answers:
            return self.answers[path]()
        if path == "/.well-known/openid-configuration":
            return as_json(self._metadata())
        if path == "/jwks":
            return as_json({"keys": [key.as_dict(private=False) for key in self.published]})
        if path == "/userinfo":
            assert authorization == "Bearer an-access-token"
            return as_json(self.person)
        assert path == "/token"
        return self._token(form, authorization)

    def _metadata(self) -> dict[str, Any]:
        return {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize?tenant=1",
            "token_endpoint": f"{self.issuer}/token",
            "userinfo_endpoint": f"{self.issuer}/userinfo",
            "jwks_uri": f"{self.issuer}/jwks",
            **self.metadata,
        }

    def _token(self, form: dict[str, str], authorization: str) -> Answer:
        asked = self._codes.pop(form["code"], None)
        challenge = _urlsafe(hashlib.sha256(form["code_verifier"].encode()).digest())
        client = base64.b64decode(authorization.removeprefix("Basic ")).decode()
        # RFC 6749, 2.3.1: both halves are written as in a form.
        is_client = client in (f"{CLIENT_ID}:{CLIENT_SECRET}", f"{CLIENT_ID}:{CLIENT_SECRET.replace(':', '%3A')}")
        if asked is None or challenge != asked["code_challenge"] or form["redirect_uri"] != asked["redirect_uri"]:
            return as_json({"error": "invalid_grant", "error_description": CANARY}, 400)
        if not is_client:
            return as_json({"error": "invalid_client", "error_description": CANARY}, 401)
        now = int(time.time())
        claims = {"iss": self.issuer, "aud": CLIENT_ID, "iat": now, "exp": now + 300, "nonce": asked["nonce"]}
        half = hashlib.sha256(b"an-access-token").digest()[:16]
        token = self.sign(self.claims({**claims, "at_hash": _urlsafe(half), **self.person}))
        answer = {"access_token": "an-access-token", "token_type": "Bearer", "expires_in": 60, "id_token": token}
        return as_json({name: value for name, value in answer.items() if value is not None})


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_where: Any) -> None:
        """Say nothing: clients may leave, and mistakes are kept where tests look."""


def as_json(body: object, status: int = 200) -> Answer:
    return status, {"Content-Type": "application/json"}, json.dumps(body).encode()


def _urlsafe(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _handler(provider: IdentityProvider) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
            form = {name: values[0] for name, values in parse_qs(body).items()}
            authorization = self.headers.get("Authorization", "")
            try:
                status, headers, content = provider.answer(urlsplit(self.path).path, form, authorization)
            except Exception as error:
                # The test is to know that not its subject failed.
                provider.mistakes.append(error)
                raise
            self.send_response(status)
            for name, value in {"Content-Length": str(len(content)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        do_POST = do_GET  # noqa: N815

        def log_message(self, *_parts: Any) -> None:
            """Say nothing."""

    return Handler
