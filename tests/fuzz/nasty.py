"""Values that break programs, each for another reason, and JSON that is none."""

import json
import random
from typing import Any

# Means something to SQL, a template, a shell, a log, a path, a browser, a parser of addresses, a spreadsheet.
TEXTS = (
    "'; DROP TABLE users; --", '" OR 1=1 --', "' UNION SELECT password_hash FROM users --", "%' ESCAPE '", "_%", "\\",
    "{{ 7*7 }}", "${7*7}", "{% raw %}", "%(secret)s", "%s%n%x", "{0.__class__}", "{}", "$(id)", "`id`", "| id", "&& id",
    '\n{"level":"info","event":"forged"}', "\r\nSet-Cookie: a=b", "\r\n\r\n", "\x1b[2J", "\u2028\u2029", "\x00",
    "a\x00b",     "../../etc/passwd", "..\\..\\x", "%2e%2e%2f", "%00", "%", "%zz", "file:///etc/passwd", "http://127.0.0.1:1/",
    "//evil.example", "https://a@b\\@c", "javascript:alert(1)", "<script>alert(1)</script>", "<svg/onload=alert(1)>",
    "]]>", "<!--", "=1+1", "@SUM(A1)", "", " ", "\t", "null", "undefined", "NaN", "Infinity", "-0", "1e999", "0x10",
    "true", "[]", "\ufeff", "\u202e", "\u200b", "e\u0301", "\U0001f468\u200d\U0001f469", "\U000e0001", "\uffff", "ß",
    "İ", "ﬃ", "漢" * 50, "مرحبا", "٣", "²", "Ⅷ", "a" * 300, "a" * 5_000, "a@" + "b." * 150 + "c", "a@b@c", "@",
    "a@[::1]", "00000000-0000-0000-0000-000000000000", "ffffffff-ffff-ffff-ffff-ffffffffffff", "9" * 40, "-1", "1.5",
    "2026-13-40", "__proto__", "constructor", "*", "?", "#", ";", "a;b=c", "a=b&c=d", "|" * 200, "(" * 200, "(a+)+$",
    "cpt_" + "A" * 43, "eyJhbGciOiJub25lIn0.eyJzdWIiOiIxIn0.", "a.b.c", "...", "Bearer", "new", "admin", "demo",
)  # fmt: skip
NUMBERS = (
    0, -1, 1, 2**31, 2**53 + 1, 2**63, -(2**63) - 1, 2**64, 10**40, 10**400, 0.1, -0.0, 1e308, 5e-324, float("nan"),
    float("inf"), float("-inf"),
)  # fmt: skip
OTHERS: tuple[Any, ...] = (None, True, False, [], {}, [[]], [None], {"a": {}}, {"": ""}, [1, "a", None])
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE", "PROPFIND", "BREW", "get", "X-1")
CONTENT_TYPES = (
    "text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "multipart/form-data; boundary=x",
    "", "/", "application/json; charset=utf-16", "application/json; charset=nonsense", "application/jsonp",
    "application/json, a/b", "application/vnd.api+json", "text/html", "application/octet-stream", "a/b; " + "c" * 500,
)  # fmt: skip


def value(rng: random.Random) -> Any:
    """Return any one of them."""
    return rng.choice(rng.choice((TEXTS, TEXTS, NUMBERS, OTHERS)))


def text(rng: random.Random) -> str:
    """Return a text, sometimes of several in a row."""
    return "".join(rng.choice(TEXTS) for _ in range(rng.choice((1, 1, 1, 2, 5))))


def deep(rng: random.Random) -> str:
    """Return JSON that is nested more deeply than anybody means."""
    depth = rng.choice((50, 500, 1_000, 20_000))
    opened, closed = rng.choice((("[", "]"), ('{"a":', "}"), ('[{"a":', "}]")))
    is_whole = rng.random() < 0.7
    return opened * depth + "1" + (closed * depth if is_whole else "")


def encoded(rng: random.Random, body: Any) -> bytes:
    """Return a body as bytes, in most cases damaged in some way."""
    raw = json.dumps(body, ensure_ascii=rng.random() < 0.5).encode("utf-8", "surrogatepass")
    match rng.randrange(20):
        case 0:
            return raw[: rng.randrange(len(raw) + 1)]
        case 1:
            return raw + rng.choice((b"}", b",", b"\x00", b"{}", b"// c", b"\n\n"))
        case 2:
            place = rng.randrange(len(raw) + 1)
            return raw[:place] + rng.choice((b"\xff", b"\xc0\x80", b"\xed\xa0\x80", b"\xf5", b"\x00")) + raw[place:]
        case 3:
            return raw.replace(b'"', b"'")
        case 4:
            # Twice the same name: parsers disagree on which one counts.
            return raw[:1] + raw[1:-1] + (b"," if len(raw) > 2 else b"") + raw[1:-1] + raw[-1:]
        case 5:
            return rng.choice((b"\xef\xbb\xbf", b"\xff\xfe")) + raw
        case 6:
            return raw.replace(b'": "', rng.choice((b'": "\\ud800', b'": "\\u0000', b'": "\\udc00\\ud800')), 1)
        case 7:
            return deep(rng).encode()
        case _:
            return raw
