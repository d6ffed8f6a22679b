"""A device that keeps passkeys, in software: what a browser and a security key do together, lies included."""

import json
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from hashlib import sha256
from typing import Any

import cbor2
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256

PRESENT, VERIFIED, HAS_CREDENTIAL = 1, 4, 64


class Authenticator:
    """Keeps one passkey for `origin`; its public attributes can be changed to make it lie.

    `count` is what the next use says; a device that does not count says 0 each time.
    """

    def __init__(self, origin: str, *, count: int = 1) -> None:
        self.origin = origin
        self.count = count
        self.flags = PRESENT | VERIFIED
        self.credential_id = secrets.token_bytes(32)
        self.user_handle = b""
        self.rp_id = ""
        self._key = ec.generate_private_key(ec.SECP256R1())

    def create(self, options: dict[str, Any]) -> dict[str, Any]:
        """Make the passkey; what `navigator.credentials.create(…)` gives, as `toJSON()` writes it."""
        self.rp_id = self.rp_id or options["rp"]["id"]
        self.user_handle = from_base64(options["user"]["id"])
        numbers = self._key.public_key().public_numbers()
        public_key = cbor2.dumps(
            {1: 2, 3: -7, -1: 1, -2: numbers.x.to_bytes(32, "big"), -3: numbers.y.to_bytes(32, "big")}
        )
        length = len(self.credential_id).to_bytes(2, "big")
        data = self._data(HAS_CREDENTIAL) + bytes(16) + length + self.credential_id + public_key
        return self._credential(
            clientDataJSON=self._client_data("webauthn.create", options),
            attestationObject=cbor2.dumps({"fmt": "none", "attStmt": {}, "authData": data}),
        )

    def use(self, options: dict[str, Any]) -> dict[str, Any]:
        """Sign with the passkey; what `navigator.credentials.get(…)` gives, as `toJSON()` writes it."""
        client_data = self._client_data("webauthn.get", options)
        data = self._data()
        return self._credential(
            clientDataJSON=client_data,
            authenticatorData=data,
            signature=self._key.sign(data + sha256(client_data).digest(), ec.ECDSA(SHA256())),
            userHandle=self.user_handle,
        )

    def _data(self, more_flags: int = 0) -> bytes:
        count = self.count.to_bytes(4, "big")
        if self.count:
            self.count += 1
        return sha256(self.rp_id.encode()).digest() + bytes((self.flags | more_flags,)) + count

    def _client_data(self, kind: str, options: dict[str, Any]) -> bytes:
        said = {"type": kind, "challenge": options["challenge"], "origin": self.origin, "crossOrigin": False}
        return json.dumps(said).encode()

    def _credential(self, **response: bytes) -> dict[str, Any]:
        own_id = to_base64(self.credential_id)
        return {
            "id": own_id,
            "rawId": own_id,
            "type": "public-key",
            "authenticatorAttachment": "platform",
            "clientExtensionResults": {},
            "response": {name: to_base64(value) for name, value in response.items()},
        }


def to_base64(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode()


def from_base64(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))
