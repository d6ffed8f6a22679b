"""Encryption of what the server keeps for people and has to read again: provider keys, secrets of second factors."""

import os
from collections.abc import Callable, Mapping

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

FORMAT = 1
NONCE_BYTES = 12
TAG_BYTES = 16

# Keys of 32 bytes by their ids; the first is used for new things.
Ring = Mapping[str, bytes]


class Unreadable(Exception):
    """What was sealed cannot be opened: its key is not here, or it is not what was sealed for this place."""


class Cipher:
    """AES-256-GCM under one of several keys, bound to the place where the result is kept.

    A sealed value is the format (1 byte), the length of the key's id (1 byte), the id, the nonce and the ciphertext
    with its tag. `reload` takes the ring known so far and returns it as it is now: another process may have put a newer
    key first.
    """

    def __init__(self, ring: Ring, *, reload: Callable[[Ring], Ring] | None = None) -> None:
        self._ring = ring
        self._reload = reload

    def seal(self, plain: bytes, *, bound_to: str) -> bytes:
        """Encrypt `plain` under the newest key; only who names the same `bound_to` can open the result."""
        self._refresh()
        key_id = next(iter(self._ring))
        nonce = os.urandom(NONCE_BYTES)
        name = key_id.encode("ascii")
        ciphertext = AESGCM(self._ring[key_id]).encrypt(nonce, plain, _context(bound_to, key_id))
        return bytes((FORMAT, len(name))) + name + nonce + ciphertext

    def open(self, sealed: bytes, *, bound_to: str) -> bytes:
        """Return what was sealed.

        Raises: `Unreadable`.
        """
        key_id, nonce, ciphertext = _parts(sealed)
        if key_id not in self._ring:
            self._refresh()
        key = self._ring.get(key_id)
        if key is None:
            raise Unreadable("its encryption key is not here")
        try:
            return AESGCM(key).decrypt(nonce, ciphertext, _context(bound_to, key_id))
        except InvalidTag:
            raise Unreadable("it was changed, moved, or sealed under another key of the same id") from None

    def needs_rotation(self, sealed: bytes) -> bool:
        """Say whether a newer key than that of `sealed` is in use.

        Raises: `Unreadable` for what was never sealed.
        """
        return _parts(sealed)[0] != next(iter(self._ring))

    def _refresh(self) -> None:
        if self._reload is not None:
            self._ring = self._reload(self._ring)


def key_id_of(sealed: bytes) -> str:
    """Return the id of the key that `sealed` was sealed under.

    Raises: `Unreadable` for what was never sealed.
    """
    return _parts(sealed)[0]


def _parts(sealed: bytes) -> tuple[str, bytes, bytes]:
    if len(sealed) < 2 or sealed[0] != FORMAT or len(sealed) < 2 + sealed[1] + NONCE_BYTES + TAG_BYTES:
        raise Unreadable("it is not in a form known here")
    end = 2 + sealed[1]
    name = sealed[2:end]
    if not name.isascii():
        raise Unreadable("it is not in a form known here")
    return name.decode("ascii"), sealed[end : end + NONCE_BYTES], sealed[end + NONCE_BYTES :]


def _context(bound_to: str, key_id: str) -> bytes:
    # An id holds no NUL: no two places can be written the same way.
    return f"{key_id}\0{bound_to}".encode()
