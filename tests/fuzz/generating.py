"""Requests made from the served description of the API, and then made wrong."""

import random
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import quote, urlencode

import msgspec

from tests.fuzz import nasty
from tests.fuzz.credentials import KINDS, PASSWORD

Schema = dict[str, Any]
CANARY = "canary-of-a-secret-7731"
HEADERS = (
    "Accept", "Accept-Encoding", "Accept-Language", "Authorization", "Cookie", "Content-Encoding", "Expect-CT",
    "Forwarded", "Idempotency-Key", "If-Match", "If-Modified-Since", "If-None-Match", "Last-Event-ID", "Origin",
    "Range", "Referer", "Sec-Fetch-Site", "User-Agent", "X-API-Key", "X-Forwarded-Host", "X-Forwarded-Proto",
    "X-Request-Id",
)  # fmt: skip
SECRET_FIELDS = {"password", "key", "code", "ticket", "refresh_token", "invitation"}
KNOWN = {
    "email": ("ada@example.com",), "role": ("user", "admin"), "model": ("good", "demo", "gpt-4o"), "code": ("123456",),
    "scopes": (["chat"],), "conversation_id": ("new",), "theme": ("dark",), "language": ("en",), "message": ("Hello",),
}  # fmt: skip


class Operation(msgspec.Struct, frozen=True):
    """One method of one address, as the description has it, or as a page of the site."""

    method: str
    path: str
    body: Schema | None = None
    query: tuple[str, ...] = ()
    headers: tuple[str, ...] = ()


class Asked(msgspec.Struct, frozen=True):
    """One request, to be sent as it is; `who` says whose credentials go along."""

    number: int
    who: str
    method: str
    target: bytes
    headers: tuple[tuple[str, bytes], ...]
    body: bytes

    @property
    def described(self) -> str:
        return f"#{self.number} {self.who} {self.method} {self.target[:120]!r} {self.body[:120]!r}"


def operations_of(document: Schema, pages: list[tuple[str, str]]) -> list[Operation]:
    """Return what the description offers, and these pages (method and address)."""
    found = []
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            named = operation.get("parameters", [])
            content = operation.get("requestBody", {}).get("content", {})
            found.append(
                Operation(
                    method.upper(),
                    path,
                    content.get("application/json", {}).get("schema"),
                    tuple(each["name"] for each in named if each["in"] == "query"),
                    tuple(each["name"] for each in named if each["in"] == "header"),
                )
            )
    return found + [Operation(method, path) for method, path in pages]


class Generator:
    """Gives the request of a number, always the same for the same seed but for the ids in it."""

    def __init__(
        self, operations: list[Operation], schemas: dict[str, Schema], seed: int, any_id: Callable[[random.Random], str]
    ) -> None:
        self._operations = operations
        self._schemas = schemas
        self._seed = seed
        self._any_id = any_id

    def request(self, number: int) -> Asked:
        rng = random.Random(f"{self._seed}:{number}")
        operation = self._operations[number % len(self._operations)]
        headers: dict[str, bytes] = {"X-Forwarded-For": b"10.%d.%d.%d" % tuple(rng.randrange(256) for _ in range(3))}
        body = b""
        if operation.body is not None or rng.random() < 0.1:
            body = self._body(rng, operation.body or {"type": "object"})
            headers["Content-Type"] = b"application/json"
        if rng.random() < 0.1:
            headers["Content-Type"] = rng.choice(nasty.CONTENT_TYPES).encode()
        for name in operation.headers:
            if rng.random() < 0.3:
                headers[name] = _header(rng)
        for _ in range(rng.choice((0, 0, 1, 2))):
            headers[rng.choice(HEADERS)] = _header(rng)
        method = rng.choice(nasty.METHODS) if rng.random() < 0.08 else operation.method
        target = self._target(rng, operation)
        return Asked(number, rng.choice(KINDS), method, target, tuple(headers.items()), body)

    def _target(self, rng: random.Random, operation: Operation) -> bytes:
        path = re.sub(r"{[a-z_]+}", lambda _: self._segment(rng), operation.path)
        match rng.randrange(24):
            case 0:
                path = path + rng.choice(("/", "//", "/.", ";x", "%2f", "%00", ".json", "/..", "%20", "\\"))
            case 1:
                path = path.replace("/", rng.choice(("//", "/./", "/%2e/", "\\", "/a/../")), 1)
            case 2:
                path = path.upper()
            case 3:
                path = path + "/" + _quoted(nasty.text(rng))[:2_000]
        wanted = [name for name in operation.query if rng.random() < 0.6]
        wanted += [rng.choice(("token", "q", "limit", "cursor", "render", "next", "a[]"))] if rng.random() < 0.1 else []
        pairs = [(name, self._query_value(rng)) for name in wanted for _ in range(rng.choice((1, 1, 1, 2)))]
        query = urlencode(pairs, errors="surrogatepass")
        return f"{path}?{query}".encode("latin-1", "replace")[:4_000] if query else path.encode("latin-1", "replace")

    def _segment(self, rng: random.Random) -> str:
        return self._any_id(rng) if rng.random() < 0.6 else _quoted(nasty.text(rng))[:1_000] or "x"

    def _query_value(self, rng: random.Random) -> str:
        return rng.choice(
            (self._any_id(rng), nasty.text(rng)[:1_000], str(rng.choice(nasty.NUMBERS))[:50], "html", "5")
        )

    def _body(self, rng: random.Random, schema: Schema) -> bytes:
        body = self._sample(rng, schema)
        if isinstance(body, dict):
            for _ in range(rng.choice((0, 1, 1, 2))):
                self._spoil(rng, body)
        elif rng.random() < 0.5:
            body = nasty.value(rng)
        return nasty.encoded(rng, body)

    def _spoil(self, rng: random.Random, body: dict[str, Any]) -> None:
        name = rng.choice([*body, *nasty.TEXTS[:8], "extra"])
        match rng.randrange(4):
            case 0:
                body.pop(name, None)
            case 1:
                body[name] = "x" * rng.choice((1_000, 60_000))
            case _:
                body[name] = nasty.value(rng)

    def _sample(self, rng: random.Random, schema: Schema, name: str = "") -> Any:
        """Return something that fits the schema, and is at times even right."""
        schema = self._resolved(schema)
        if "anyOf" in schema:
            return self._sample(rng, rng.choice(schema["anyOf"]), name)
        if "enum" in schema:
            return rng.choice(schema["enum"])
        if name in SECRET_FIELDS and rng.random() < 0.6:
            return rng.choice((PASSWORD, CANARY))
        if name in KNOWN and rng.random() < 0.6:
            return rng.choice(KNOWN[name])
        match schema.get("type"):
            case "object":
                wanted = schema.get("required", [])
                fields = schema.get("properties", {})
                return {
                    each: self._sample(rng, kind, each)
                    for each, kind in fields.items()
                    if each in wanted or rng.random() < 0.4
                }
            case "array":
                return [self._sample(rng, schema.get("items", {}), name) for _ in range(rng.choice((0, 1, 1, 2, 30)))]
            case "string":
                return self._any_id(rng) if name.endswith("_id") and rng.random() < 0.7 else nasty.text(rng)
            case "integer":
                return rng.choice((0, 1, 7, 10, 90))
            case "number":
                return rng.choice((0, 0.5, 1, 2))
            case "boolean":
                return rng.random() < 0.5
            case _:
                return nasty.value(rng)

    def _resolved(self, schema: Schema) -> Schema:
        while "$ref" in schema:
            schema = self._schemas[schema["$ref"].rpartition("/")[2]]
        return schema


def _quoted(text: str) -> str:
    return quote(text, safe="'()*;:@=+$,!", errors="surrogatepass")


def _header(rng: random.Random) -> bytes:
    """Return a header's value with anything in it that a header can have."""
    value = rng.choice(
        (
            nasty.text(rng),
            CANARY,
            "text/html",
            "application/json;q=0",
            "same-origin",
            "null",
            f"Bearer {CANARY}",
            f"chatapp_session={CANARY}",
            f"chatapp_guest={nasty.text(rng)}",
            "bytes=5-1",
        )
    )
    raw = value.encode("utf-8", "surrogatepass")[:3_000]
    # What ends a line is the other fuzzer's.
    return bytes(byte for byte in raw if byte >= 32 and byte != 127)
