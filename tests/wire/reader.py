"""A plain HTTP client for tests: asks, waits to the end, and keeps what came and when."""

import http.client
import json
import time
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

Payload = dict[str, Any]
TIMEOUT_S = 30


@dataclass(frozen=True)
class Reply:
    """One whole response.

    Units: seconds since the request was sent, until the status line and until the end.
    """

    status: int
    headers: http.client.HTTPMessage
    body: bytes
    head_s: float
    elapsed_s: float

    @cached_property
    def text(self) -> str:
        return self.body.decode("utf-8")

    @cached_property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def is_stream(self) -> bool:
        return self.headers.get_content_type() == "text/event-stream"

    @cached_property
    def events(self) -> list[tuple[str, Payload]]:
        """Shape: (event name, its data), comments left out."""
        return [_event(frame) for frame in self.text.split("\n\n") if frame.strip() and not frame.startswith(":")]

    @property
    def heartbeats(self) -> int:
        return sum(line.startswith(":") for line in self.text.split("\n"))

    @property
    def answer(self) -> str:
        """What a reader of this response shows as the answer."""
        if not self.is_stream:
            return str(self.json["text"])
        return "".join(str(data["text"]) for name, data in self.events if name == "delta")

    @property
    def problem(self) -> Payload:
        """The one problem document in it, be it the body or an `error` event."""
        if not self.is_stream:
            assert self.headers.get_content_type() == "application/problem+json", self.body[:300]
            assert self.json["status"] == self.status
            return dict(self.json)
        [problem] = [data for name, data in self.events if name == "error"]
        return problem

    @property
    def result(self) -> Payload:
        """What is told at the end: the `done` event, or the JSON answer."""
        if not self.is_stream:
            return dict(self.json)
        name, data = self.events[-1]
        assert name == "done", self.events[-3:]
        return data


def _event(frame: str) -> tuple[str, Payload]:
    """Read one event strictly: exactly `event:` and one `data:` line."""
    lines = [line for line in frame.split("\n") if not line.startswith(":")]
    assert len(lines) == 2, f"not one event and one data line: {frame[:200]!r}"
    assert lines[0].startswith("event: "), lines[0][:200]
    assert lines[1].startswith("data: "), lines[1][:200]
    return lines[0].removeprefix("event: "), json.loads(lines[1].removeprefix("data: "))


def ask(
    base_url: str,
    path: str,
    *,
    model: str | None = None,
    message: str = "Hi",
    headers: dict[str, str] | None = None,
    **fields: object,
) -> Reply:
    """Ask one question through the chat API."""
    body = {"message": message, **({"model": model} if model else {}), **fields}
    return send(
        base_url, "POST", path, json.dumps(body).encode(), {"Content-Type": "application/json"} | (headers or {})
    )


def get(base_url: str, path: str, headers: dict[str, str] | None = None) -> Reply:
    return send(base_url, "GET", path, None, headers or {})


def send(base_url: str, method: str, path: str, body: bytes | None, headers: dict[str, str]) -> Reply:
    connection = http.client.HTTPConnection(urlsplit(base_url).netloc, timeout=TIMEOUT_S)
    started = time.monotonic()
    try:
        connection.request(method, path, body, headers)
        response = connection.getresponse()
        head_s = time.monotonic() - started
        content = response.read()
        return Reply(response.status, response.headers, content, head_s, time.monotonic() - started)
    finally:
        connection.close()


def marker() -> str:
    """A text that stands in one request only, by which its calls upstream are found again."""
    return f"case-{uuid4().hex}"
