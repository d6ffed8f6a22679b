"""Sending what was generated to a running server, and looking at everything that comes back."""

import http.client
import json
import random
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any

from tests.fuzz.credentials import Credentials, Ids
from tests.fuzz.generating import CANARY, Asked, Generator, operations_of
from tests.fuzz.raw import Pieces, pieces
from tests.live_server import LiveServer
from tests.wire.reader import get

SLOWEST_S = 5.0
SENDERS = 6
# What a server may say of itself or of those it asks.
KNOWN_FAULTS = {501, 502, 503, 504}
MOST_FAULTS_SHOWN = 40
ENDED = {"signed_out", "invalid_credential", "account_suspended"}


@dataclass
class Tally:
    """What came back: how often each status, and everything that should not have been."""

    statuses: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)
    slowest_s: float = 0.0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def note(self, status: str, elapsed_s: float = 0.0) -> None:
        with self._lock:
            self.statuses[status] += 1
            self.slowest_s = max(self.slowest_s, elapsed_s)

    def fault(self, what: str, about: str) -> None:
        with self._lock:
            self.faults.append(f"{what}: {about}")

    @property
    def sent(self) -> int:
        return self.statuses.total()


class Sender:
    """One connection that is kept while the server keeps it."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._socket: socket.socket | None = None

    def exchange(self, method: str, request: bytes) -> tuple[int, http.client.HTTPMessage, bytes]:
        """Send a request and return what comes back.

        Raises: `OSError`, `http.client.HTTPException`.
        """
        is_kept = self._socket is not None
        try:
            return self._try(method, request)
        except (OSError, http.client.HTTPException):
            self.close()
            if not is_kept:
                raise
        # The server may end a connection between two requests.
        return self._try(method, request)

    def close(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _try(self, method: str, request: bytes) -> tuple[int, http.client.HTTPMessage, bytes]:
        if self._socket is None:
            self._socket = socket.create_connection(("127.0.0.1", self._port), timeout=20)
        self._socket.sendall(request)
        response = http.client.HTTPResponse(self._socket, method=method)
        response.begin()
        body = response.read()
        if response.will_close:
            self.close()
        return response.status, response.headers, body


class Campaign:
    """Requests against one server, by several senders at once."""

    def __init__(
        self,
        server: LiveServer,
        database_url: str,
        *,
        seed: int,
        pages: list[tuple[str, str]],
        spares: frozenset[str] = frozenset(),
    ) -> None:
        """Leaves the addresses in `spares` alone."""
        self._server = server
        self._seed = seed
        self._ids = Ids()
        self.credentials = Credentials(server.base_url, database_url)
        document = get(server.base_url, "/api/openapi.json").json
        offered = [each for each in operations_of(document, pages) if each.path not in spares]
        self._generator = Generator(offered, document["components"]["schemas"], seed, self._ids.any)
        self.tally, self.raw = Tally(), Tally()
        self._workers = server.worker_pids()
        self._log_from = len(server.log())

    def close(self) -> None:
        self.credentials.close()

    def run(self, *, requests: int, raw: int, say: Callable[[str], None] = lambda _: None) -> None:
        """Send both kinds, and look at the server afterwards."""
        senders = [Sender(self._server.port) for _ in range(SENDERS)]
        self._spread(requests, [self._sending(sender) for sender in senders], say)
        for sender in senders:
            sender.close()
        self._spread(raw, [self._send_raw] * SENDERS, say)
        self._check_server()

    def _spread(self, count: int, sends: list[Callable[[int], None]], say: Callable[[str], None]) -> None:
        """Give each sender every n-th number."""

        def send_part(place: int) -> None:
            for number in range(place, count, len(sends)):
                sends[place](number)
                if number and number % 2_000 == 0:
                    say(f"{number} of {count} sent")

        with ThreadPoolExecutor(len(sends)) as pool:
            for done in [pool.submit(send_part, place) for place in range(len(sends))]:
                done.result()

    def _sending(self, sender: Sender) -> Callable[[int], None]:
        return lambda number: self._send(sender, self._generator.request(number))

    def _send(self, sender: Sender, asked: Asked) -> None:
        shown = self.credentials.of(asked.who)
        headers = {name: value.encode() for name, value in shown.items()} | dict(asked.headers)
        if asked.body or asked.method in ("POST", "PUT", "PATCH"):
            headers["Content-Length"] = b"%d" % len(asked.body)
        lines = [b"%s %s HTTP/1.1" % (asked.method.encode(), asked.target), b"Host: 127.0.0.1"]
        lines += [name.encode() + b": " + value for name, value in headers.items()]
        started = time.monotonic()
        try:
            status, said, body = sender.exchange(asked.method, b"\r\n".join([*lines, b"", asked.body]))
        except (OSError, http.client.HTTPException) as error:
            sender.close()
            self.tally.fault(f"no answer ({type(error).__name__} {error})", asked.described)
            return
        elapsed_s = time.monotonic() - started
        self.tally.note(str(status), elapsed_s)
        if elapsed_s > SLOWEST_S:
            self.tally.fault(f"{elapsed_s:.1f} s", asked.described)
        for what in faults_in(asked.method, status, said, body):
            self.tally.fault(what, asked.described)
        self._learn(asked, shown, said, body)

    def _learn(self, asked: Asked, shown: dict[str, str], said: http.client.HTTPMessage, body: bytes) -> None:
        """Take ids from answers, and have new credentials made for those that have ended."""
        if "json" not in said.get("Content-Type", ""):
            return
        with suppress(ValueError):
            answer = json.loads(body)
            self._ids.note(answer)
            named = {name for name, _ in asked.headers}
            is_own = not named & {"Authorization", "Cookie", "X-API-Key"}
            if asked.who != "anonymous" and is_own and isinstance(answer, dict) and answer.get("code") in ENDED:
                self.credentials.ended(asked.who, shown)

    def _send_raw(self, number: int) -> None:
        parts = pieces(self._seed, number)
        about = f"raw #{number} {parts[0][:150] if parts else b''!r}"
        rng = random.Random(f"{self._seed}:leave:{number}")
        try:
            answers = self._talk(parts, leaves=rng.random() < 0.1)
        except OSError as error:
            self.raw.fault(f"no connection ({error})", about)
            return
        if not answers:
            self.raw.note("none")
        for status, said, body in answers:
            self.raw.note(str(status))
            for what in faults_in("GET", status, said, body):
                self.raw.fault(what, about)

    def _talk(self, parts: Pieces, *, leaves: bool) -> list[tuple[int, http.client.HTTPMessage, bytes]]:
        """Send these pieces, say that nothing more comes, and read all answers; or leave without reading."""
        with socket.create_connection(("127.0.0.1", self._server.port), timeout=10) as connection:
            # The server may have hung up in the middle, as it should.
            with suppress(OSError):
                for part in parts:
                    connection.sendall(part)
                if leaves:
                    return []
                connection.shutdown(socket.SHUT_WR)
            return _answers(_all_bytes(connection))

    def _check_server(self) -> None:
        """The same workers run, answer, and have written nothing but records without secrets."""
        if self._server.worker_pids() != self._workers:
            self.tally.fault("workers", f"{self._workers} became {self._server.worker_pids()}")
        if (status := get(self._server.base_url, "/health").status) != 200:
            self.tally.fault("health", str(status))
        secrets = [CANARY, *self.credentials.secrets]
        for line in self._server.log()[self._log_from :].splitlines():
            for what in faults_in_line(line, secrets):
                self.tally.fault(what, line[:600])


def faults_in(method: str, status: int, said: http.client.HTTPMessage, body: bytes) -> list[str]:
    """Return what is wrong with an answer: errors are known ones, and tell what to quote."""
    if status < 400:
        return []
    if status == 500 or (status > 500 and status not in KNOWN_FAULTS):
        return [f"status {status}"]
    request_id = said.get("X-Request-Id", "")
    if not request_id:
        return ["an error without a request id"]
    if method == "HEAD" and not body:
        return []
    if said.get_content_type() == "text/html":
        # A form that is shown again says what is wrong beside its field.
        is_told = request_id.encode() in body or b"<form" in body or method == "POST"
        return [] if is_told else ["an error page without its request id"]
    if said.get_content_type() != "application/problem+json":
        return [f"an error as {said.get_content_type()}"]
    problem: Any = json.loads(body)
    is_whole = {"type", "title", "status", "detail", "code", "request_id"} <= problem.keys()
    fits = (problem["status"], problem["request_id"]) == (status, request_id)
    return [] if is_whole and fits else ["a problem document that does not fit"]


def faults_in_line(line: str, secrets: list[str]) -> list[str]:
    found = [f"a secret in the log ({secret[:6]}…)" for secret in secrets if secret in line]
    try:
        record = json.loads(line)
    except ValueError:
        return [*found, "a log line that is no JSON"]
    if not isinstance(record, dict):
        return [*found, "a log line that is no object"]
    if record.get("level") in ("error", "critical"):
        found.append("an error in the log")
    return found


def _all_bytes(connection: socket.socket) -> bytes:
    received = bytearray()
    with suppress(ConnectionError, TimeoutError):
        while chunk := connection.recv(65_536):
            received += chunk
    return bytes(received)


def _answers(received: bytes) -> list[tuple[int, http.client.HTTPMessage, bytes]]:
    """Split what came on one connection into answers; one that is cut is left out."""
    stream = _Received(received)
    found: list[tuple[int, http.client.HTTPMessage, bytes]] = []
    with suppress(http.client.HTTPException):
        while stream.tell() < len(received):
            response = http.client.HTTPResponse(stream)  # type: ignore[arg-type]  # all it needs of a socket
            response.begin()
            body = response.read()
            found.append((response.status, response.headers, body))
    return found


class _Received(BytesIO):
    """A connection that was read to its end."""

    def makefile(self, *_how: object) -> "_Received":
        return self

    def close(self) -> None:
        """Stay open: the next answer follows."""
