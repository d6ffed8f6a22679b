"""Bytes that are hardly requests, or one request for one parser and two for another (C8 of HTTP's faults)."""

import random
from itertools import pairwise

from tests.fuzz import nasty

Pieces = list[bytes]
BODY = b'{"message": "Hi"}'


def pieces(seed: int, number: int) -> Pieces:
    """Return what to send on one connection, piece by piece; the same for the same seed and number."""
    rng = random.Random(f"{seed}:raw:{number}")
    made = KINDS[number % len(KINDS)](rng)
    if rng.random() < 0.2:
        made = made[: rng.randrange(len(made) + 1)]
    if rng.random() < 0.2:
        cuts = sorted(rng.randrange(len(made) + 1) for _ in range(5))
        return [made[start:end] for start, end in pairwise([0, *cuts, len(made)]) if end > start]
    return [made] if made else []


def _request(line: bytes, *headers: bytes, body: bytes = b"", host: bytes | None = b"127.0.0.1") -> bytes:
    named = [] if host is None else [b"Host: " + host]
    return b"\r\n".join([line, *named, *headers, b"", body])


def _broken_line(rng: random.Random) -> bytes:
    line = rng.choice(
        (
            b"GET",
            b"GET /",
            b"GET  / HTTP/1.1",
            b"GET / HTTP/9.9",
            b"GET / HTTP/1.1 x",
            b" / HTTP/1.1",
            b"G\x00T / HTTP/1.1",
            b"GET / http/1.1",
            b"GET /\x7f HTTP/1.1",
            b"GET /\xff\xfe HTTP/1.1",
            b"GET http://a.example/ HTTP/1.1",
            b"GET //evil.example/%2e%2e HTTP/1.1",
            b"GET /a b HTTP/1.1",
            b"CONNECT a.example:443 HTTP/1.1",
            b"GET * HTTP/1.1",
            b"OPTIONS * HTTP/1.1",
            b"PRI * HTTP/2.0",
            b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
            b"{}",
            b"\r\n\r\n\r\n",
            b"GET /?" + b"a" * rng.choice((100, 4_000, 5_000, 70_000)) + b" HTTP/1.1",
            b"\xf0\x9f\x90\xa6 / HTTP/1.1",
            b"A" * rng.choice((10, 10_000, 200_000)),
            b"GET /health HTTP/1.0",
            b"GET /health",
            b"GET ? HTTP/1.1",
            b"GET /%ZZ%00%ff HTTP/1.1",
            b"GET /health#x HTTP/1.1",
            b"GET /;x HTTP/1.1",
            b"GET \\ HTTP/1.1",
        )
    )
    return _request(line)


def _headers(rng: random.Random) -> bytes:
    name = rng.choice((b"X", b"Cookie", b"Authorization", b"Content-Type", b"Accept", b"Origin", b"X-Forwarded-For"))
    value = nasty.text(rng).encode("utf-8", "surrogatepass")[:200]
    headers = rng.choice(
        (
            [b"X-%d: y" % number for number in range(rng.choice((50, 99, 101, 5_000)))],
            [name + b": " + b"y" * rng.choice((8_000, 8_200, 100_000))],
            [name + b" : a"],
            [b": a"],
            [name],
            [b" folded: a"],
            [name + b": a", b" b"],
            [name + b":\x00"],
            [name + b": " + value],
            [name + b":a\rb"],
            [b"Bad Name: a"],
            [b"X\xff: a"],
            [b"Host: a.example"],
            [name + b": a"] * 90,
            [b"Content-Length: " + rng.choice((b"-1", b"+5", b"5, 5", b"0x5", b"1e3", b"9" * 30, b"\xd9\xa3", b""))],
            [b"Expect: " + rng.choice((b"100-continue", b"nonsense"))],
            [b"Upgrade: h2c", b"Connection: Upgrade, HTTP2-Settings"],
            [b"Connection: close, keep-alive"],
            [b"Upgrade: websocket", b"Connection: Upgrade", b"Sec-WebSocket-Key: a"],
        )
    )
    return _request(b"GET /health HTTP/1.1", *headers)


def _two_lengths(rng: random.Random) -> bytes:
    """CL+TE and their kin: where does this request end, and does another begin?"""
    length, coding = b"Content-Length: %d" % rng.choice((0, 3, 17, 500)), b"Transfer-Encoding: chunked"
    pair = rng.choice(
        (
            [length, coding],
            [coding, length],
            [length, b"Content-Length: 5"],
            [coding, coding],
            [length, length],
            [b"Transfer-Encoding: identity, chunked"],
            [b"Transfer-Encoding: chunked, gzip"],
            [b"Transfer-Encoding: x"],
            [b"Transfer-Encoding:\x0bchunked"],
            [b"Transfer-Encoding: CHUNKED "],
            [b"Transfer_Encoding: chunked", length],
            [b"Transfer-Encoding", length],
            [b"X: a\nTransfer-Encoding: chunked", length],
        )
    )
    smuggled = _request(b"GET /admin/users HTTP/1.1")
    body = rng.choice((BODY, b"0\r\n\r\n" + smuggled, b"5\r\nhello\r\n0\r\n\r\n", smuggled))
    return _request(b"POST /chat HTTP/1.1", b"Content-Type: application/json", *pair, body=body)


def _chunks(rng: random.Random) -> bytes:
    body = rng.choice(
        (
            b"zz\r\n",
            b"-5\r\nhello\r\n0\r\n\r\n",
            b"5\nhello\n0\n\n",
            b'5;ext="\r"\r\nhello\r\n0\r\n\r\n',
            b"ffffffffffffffffff\r\n",
            b"5\r\nhelloX0\r\n\r\n",
            b"5\r\nhel",
            b"0\r\nTrailer: a\r\n\r\n",
            b"0\r\n" + b"T: a\r\n" * 2_000 + b"\r\n",
            b"0x5\r\nhello\r\n",
            b"11\r\n" + BODY + b"\r\n0\r\n\r\n",
            b"1" * 5_000 + b"\r\n",
            b"5;" + b"a" * 20_000 + b"\r\nhello\r\n0\r\n\r\n",
            b"\r\n",
            b"",
            (b"1\r\na\r\n" * 3_000) + b"0\r\n\r\n",
            b" 5 \r\nhello\r\n0\r\n\r\n",
            b"5\r\nhello\r\n0\r\nHost: b\r\n\r\n",
        )
    )
    coding = b"Transfer-Encoding: chunked"
    return _request(b"POST /chat HTTP/1.1", b"Content-Type: application/json", coding, body=body)


def _pipeline(rng: random.Random) -> bytes:
    made = []
    for _ in range(rng.choice((2, 5, 30))):
        kind = rng.randrange(4)
        if kind == 0:
            made.append(_request(b"GET /health HTTP/1.1"))
        elif kind == 1:
            length = b"Content-Length: %d" % rng.choice((len(BODY), len(BODY) + 9, 3))
            made.append(_request(b"POST /tokens HTTP/1.1", b"Content-Type: application/json", length, body=BODY))
        elif kind == 2:
            made.append(_request(b"GET /robots.txt HTTP/1.1"))
        else:
            made.append(_request(b"GET /no HTTP/1.1", b"Connection: " + rng.choice((b"close", b"keep-alive"))))
    return b"".join(made)


def _hosts(rng: random.Random) -> bytes:
    host = rng.choice(
        (
            None,
            b"",
            b"evil.example",
            b"127.0.0.1:99999",
            b"[::1",
            b"a@127.0.0.1",
            b"127.0.0.1/x",
            b"127.0.0.1, b",
            b"\xff",
            b"a" * 5_000,
            b"127.0.0.1\t",
            b"LOCALHOST",
            b"localhost.",
            b"127.0.0.1:",
            b"[::ffff:127.0.0.1]",
        )
    )
    return _request(rng.choice((b"GET / HTTP/1.1", b"GET /account HTTP/1.1", b"GET / HTTP/1.0")), host=host)


def _noise(rng: random.Random) -> bytes:
    return rng.randbytes(rng.choice((1, 30, 1_000, 70_000)))


KINDS = (_broken_line, _headers, _two_lengths, _chunks, _pipeline, _hosts, _headers, _noise)
