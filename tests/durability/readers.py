"""Those who use the server: guests, the streams they open, and what they have read over several connections."""

import http.client
import json
import socket
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any, Self
from urllib.parse import urlencode

from tests.durability.scripted import MODEL
from tests.live_server import LiveServer
from tests.wire.reader import Payload, Reply, send

TIMEOUT_S = 30
# What a connection that is cut looks like to its reader.
CUT = (OSError, http.client.HTTPException)


@dataclass(frozen=True)
class Event:
    name: str
    data: Payload
    id: int | None = None


@dataclass
class Reading:
    """What one reader has of an answer, over any number of connections, as the API says that it is to be put
    together."""

    text: str = ""
    start: Payload = field(default_factory=dict)
    error: Payload | None = None
    done: Payload | None = None
    pieces: int = 0

    @property
    def run_id(self) -> str:
        return str(self.start["run_id"])

    @property
    def result(self) -> Payload:
        """What was told at the end."""
        assert self.done is not None, "the stream had no end"
        return self.done

    def take(self, event: Event) -> None:
        if event.name == "start":
            self.start = event.data
            # What is not stored has no position.
            self.text = self.text[: event.data.get("position", 0)]
        elif event.name == "delta":
            self.text += event.data["text"]
            self.pieces += 1
            assert event.id in (None, len(self.text)), "an id is the number of characters up to it"
        elif event.name == "error":
            self.error = event.data
        elif event.name == "done":
            self.done = event.data

    def take_all(self, stream: "Stream") -> Self:
        """Read a stream to its end; raises one of `CUT` when it has none."""
        for event in stream:
            self.take(event)
        return self

    def take_until_text(self, stream: "Stream", characters: int) -> Self:
        """Read on until there are so many characters."""
        for event in stream:
            self.take(event)
            if len(self.text) >= characters:
                break
        return self


class Stream:
    """An open response: iterate its events, or read its body as JSON; `close()` it when done."""

    def __init__(self, connection: http.client.HTTPConnection) -> None:
        self._connection = connection
        assert connection.sock is not None
        self.sock: socket.socket = connection.sock
        self.port = int(self.sock.getsockname()[1])
        self._response = connection.getresponse()
        self.status = self._response.status
        self.headers = self._response.headers
        self._received = b""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __iter__(self) -> Iterator[Event]:
        while True:
            while b"\n\n" in self._received:
                frame, self._received = self._received.split(b"\n\n", 1)
                if (event := event_in(frame)) is not None:
                    yield event
            more = self._response.read1()
            if not more:
                return
            self._received += more

    def read_bytes(self, count: int) -> list[Event]:
        """Return the whole events among the next bytes of the stream, however the bytes end."""
        while len(self._received) < count and (more := self._response.read1(count - len(self._received))):
            self._received += more
        return [event for frame in self._received.split(b"\n\n")[:-1] if (event := event_in(frame)) is not None]

    def start(self) -> Payload:
        """Read the first event."""
        event = next(iter(self))
        assert event.name == "start", event
        return event.data

    def json(self) -> Payload:
        with closing(self):
            return dict(json.loads(self._response.read()))

    def close(self) -> None:
        self._response.close()
        self._connection.close()


class Guest:
    """Somebody with a token of their own, which is good at every server that has the same secret."""

    def __init__(self, server: LiveServer) -> None:
        headers = {"Content-Type": "application/json"}
        reply = send(server.base_url, "POST", "/guests", b'{"credential": "token"}', headers)
        self.headers = {"Authorization": f"Bearer {reply.json['token']}"}

    def ask(
        self,
        server: LiveServer,
        message: str,
        *,
        conversation_id: str = "new",
        parent_id: str | None = None,
        key: str | None = None,
        timeout_s: float = TIMEOUT_S,
        **fields: Any,
    ) -> Stream:
        """Send a message; raises one of `CUT` when the server is not there."""
        body = {"message": message, "model": MODEL, "conversation_id": conversation_id, "parent_id": parent_id}
        headers = {**self.headers, "Content-Type": "application/json", **({"Idempotency-Key": key} if key else {})}
        raw = json.dumps({**body, **fields}).encode()
        return self._open(server, "POST", "/chat/stream", body=raw, headers=headers, timeout_s=timeout_s)

    def ask_in_passing(self, server: LiveServer, message: str) -> Stream:
        """Ask what is not to be stored."""
        body = json.dumps({"message": message, "model": MODEL}).encode()
        headers = {**self.headers, "Content-Type": "application/json"}
        return self._open(server, "POST", "/chat/stream", body=body, headers=headers, timeout_s=TIMEOUT_S)

    def follow(
        self, server: LiveServer, run_id: str, after: int | str | None = None, *, timeout_s: float = TIMEOUT_S
    ) -> Stream:
        headers = {**self.headers, **({} if after is None else {"Last-Event-ID": str(after)})}
        return self._open(server, "GET", f"/runs/{run_id}/events", body=None, headers=headers, timeout_s=timeout_s)

    def say(self, server: LiveServer, message: str, **fields: Any) -> Reading:
        """Send a message and read the whole answer."""
        with self.ask(server, message, **fields) as stream:
            assert stream.status == 200, stream.json()
            return Reading().take_all(stream)

    def stop(self, server: LiveServer, run_id: str) -> Reply:
        return send(server.base_url, "POST", f"/runs/{run_id}/stop", b"", self.headers)

    def get(self, server: LiveServer, path: str, **query: Any) -> Reply:
        asked = f"?{urlencode(query)}" if query else ""
        return send(server.base_url, "GET", path + asked, None, self.headers)

    def run(self, server: LiveServer, run_id: str) -> Payload:
        reply = self.get(server, f"/runs/{run_id}")
        assert reply.status == 200, reply.text
        return dict(reply.json)

    def messages(self, server: LiveServer, conversation_id: str) -> list[Payload]:
        """The whole path that is shown, oldest first."""
        found: list[Payload] = []
        query: dict[str, Any] = {"limit": 100}
        while True:
            reply = self.get(server, f"/conversations/{conversation_id}/messages", **query)
            assert reply.status == 200, reply.text
            found = [*reply.json["messages"], *found]
            if not reply.json["more"]:
                return found
            query["before"] = found[0]["id"]

    def conversations(self, server: LiveServer) -> list[Payload]:
        found: list[Payload] = []
        query: dict[str, Any] = {"limit": 100}
        while True:
            page = self.get(server, "/conversations", **query).json
            found += page["conversations"]
            if page["next"] is None:
                return found
            query["cursor"] = page["next"]

    def _open(
        self,
        server: LiveServer,
        method: str,
        path: str,
        *,
        body: bytes | None,
        headers: dict[str, str],
        timeout_s: float,
    ) -> Stream:
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=timeout_s)
        try:
            connection.request(method, path, body, headers)
            return Stream(connection)
        except BaseException:
            connection.close()
            raise


def event_in(frame: bytes) -> Event | None:
    """Read one event; None for a comment."""
    fields = dict(line.split(": ", 1) for line in frame.decode("utf-8").split("\n") if not line.startswith(":"))
    if not fields:
        return None
    return Event(fields["event"], json.loads(fields["data"]), int(fields["id"]) if "id" in fields else None)
