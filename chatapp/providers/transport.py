"""HTTP/1.1 for the OpenAI SDK on gevent sockets, with bodies that can be read as they arrive."""

import ssl
import time
import weakref
from collections import deque
from collections.abc import Callable, Iterator
from functools import partial

import httptools
import httpx2
from gevent import socket

from chatapp.providers.connecting import AddressesOf, any_addresses, connect
from chatapp.providers.public_addresses import RefusedAddress
from chatapp.providers.socket_reader import SocketReader, is_quiet

MAX_WHOLE_BODY_BYTES = 4 * 1024 * 1024
MAX_HEADER_BYTES = 64 * 1024
MAX_IDLE_PER_HOST = 200
IDLE_S = 30.0

# The second is how the parser tells of a server that switches protocols.
PARSER_ERRORS = (httptools.HttpParserError, httptools.HttpParserUpgrade)

# Where a response keeps its `UpstreamBody`.
BODY_EXTENSION = "chatapp_body"

Origin = tuple[str, str, int]


class UpstreamTLSError(httpx2.ConnectError):
    """The TLS handshake failed or the certificate is not trusted."""


class UpstreamNotAllowed(httpx2.ConnectError):
    """The server is where this transport may not connect."""


class UpstreamHungUp(httpx2.RemoteProtocolError):
    """The server closed the connection before it answered."""


class StaleConnection(UpstreamHungUp):
    """A kept connection was closed by the server instead of answering; a fresh one may work at once."""


class UpstreamBody(httpx2.SyncByteStream):
    """The body of one response, read from its socket as the bytes arrive."""

    def __init__(self, connection: "_Connection") -> None:
        self._connection = connection

    @property
    def read(self) -> Callable[[float], bytes | None]:
        """What to call with a number of seconds for the bytes that arrived since the last call.

        It waits for at least one byte, returns b"" at the end and None after so many seconds without data.
        Raises: `httpx2.RemoteProtocolError` when the body is cut or malformed, `httpx2.ReadError` on a reset.
        """
        return self._connection.read_body

    def __iter__(self) -> Iterator[bytes]:
        """Yield the body for callers that want all of it, such as the SDK itself."""
        timeout_s = self._connection.read_timeout_s
        size = 0
        is_whole = False
        try:
            while (data := self.read(timeout_s)) != b"":
                if data is None:
                    raise httpx2.ReadTimeout("no data from the server")
                size += len(data)
                if size > MAX_WHOLE_BODY_BYTES:
                    raise httpx2.RemoteProtocolError("the answer is too large")
                yield data
            is_whole = True
        finally:
            # Also when the caller's time is up.
            if not is_whole:
                self._connection.discard()

    def close(self) -> None:
        self._connection.finish()


class GeventTransport(httpx2.BaseTransport):
    """Plain HTTP/1.1 with keep-alive, made for thousands of slow streams in one process.

    Redirects are never followed and compressed bodies are refused: nothing of a chat needs them, and both are ways to
    make a server fetch or inflate what it did not ask for. `addresses_of` says where a host is, each time anew; without
    `keeps_idle` every request has a connection of its own.
    """

    def __init__(
        self, *, connect_timeout_s: float, addresses_of: AddressesOf = any_addresses, keeps_idle: bool = True
    ) -> None:
        self._connect_timeout_s = connect_timeout_s
        self._addresses_of = addresses_of
        self._most_idle = MAX_IDLE_PER_HOST if keeps_idle else 0
        self._idle: dict[Origin, deque[tuple[float, socket.socket]]] = {}
        self._tls: ssl.SSLContext | None = None
        # Idle connections are closed when nobody can use them any more.
        weakref.finalize(self, _close_idle, self._idle).atexit = False

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send `request` and return its response as soon as the headers are here.

        `extensions["chatapp_body"]` of the response is its `UpstreamBody`.
        Raises: `httpx2.TransportError` and its kin.
        """
        timeouts = request.extensions.get("timeout", {})
        return self.send(request.url, _encode_request(request), read_timeout_s=timeouts.get("read") or 600.0)

    def send(self, url: httpx2.URL, payload: bytes, *, read_timeout_s: float) -> httpx2.Response:
        """Send a request that is encoded already, see `encode_under`; the rest as `handle_request`."""
        origin = _origin_of(url)
        connection = self._reused(origin) or self._connected(origin)
        connection.read_timeout_s = read_timeout_s
        try:
            return self._exchange(connection, payload)
        except StaleConnection:
            # The other idle connections are likely as dead. Sending again is the caller's to decide, who counts.
            self._forget(origin)
            raise

    def close(self) -> None:
        for origin in list(self._idle):
            self._forget(origin)

    def _forget(self, origin: Origin) -> None:
        for _, sock in self._idle.pop(origin, ()):
            sock.close()

    def _exchange(self, connection: "_Connection", payload: bytes) -> httpx2.Response:
        try:
            connection.send(payload)
            connection.read_head()
        except BaseException:
            connection.discard()
            raise
        body = UpstreamBody(connection)
        encoding = next((value for name, value in connection.headers if name.lower() == b"content-encoding"), b"")
        if encoding.strip().lower() not in (b"", b"identity"):
            connection.discard()
            raise httpx2.DecodingError("the server compressed its answer although it was asked not to")
        return httpx2.Response(
            connection.status, headers=connection.headers, stream=body, extensions={BODY_EXTENSION: body}
        )

    def _reused(self, origin: Origin) -> "_Connection | None":
        waiting = self._idle.get(origin)
        while waiting:
            since, sock = waiting.pop()
            if time.monotonic() - since < IDLE_S and is_quiet(sock):
                return _Connection(sock, give_back=partial(self._keep, origin, sock), is_reused=True)
            sock.close()
        return None

    def _connected(self, origin: Origin) -> "_Connection":
        scheme, host, port = origin
        try:
            sock = connect(self._addresses_of(host, port), self._connect_timeout_s)
        except RefusedAddress as exc:
            raise UpstreamNotAllowed("not allowed to connect there") from exc
        except TimeoutError as exc:
            raise httpx2.ConnectTimeout("connecting took too long") from exc
        except (OSError, UnicodeError) as exc:
            raise httpx2.ConnectError("cannot connect") from exc
        try:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if scheme == "https":
                sock = self._wrapped(sock, host)
            sock.settimeout(None)
        except BaseException:
            sock.close()
            raise
        return _Connection(sock, give_back=partial(self._keep, origin, sock))

    def _wrapped(self, sock: socket.socket, host: str) -> socket.socket:
        if self._tls is None:
            self._tls = ssl.create_default_context()
        try:
            return self._tls.wrap_socket(sock, server_hostname=host)
        except TimeoutError as exc:
            raise httpx2.ConnectTimeout("the TLS handshake took too long") from exc
        except (ssl.SSLError, ssl.CertificateError, OSError) as exc:
            raise UpstreamTLSError("the TLS handshake failed") from exc

    def _keep(self, origin: Origin, sock: socket.socket) -> None:
        if not self._most_idle:
            sock.close()
            return
        waiting = self._idle.setdefault(origin, deque())
        if len(waiting) >= self._most_idle:
            waiting.popleft()[1].close()
        waiting.append((time.monotonic(), sock))


class _Connection:
    """One request and its response on one socket; also what the HTTP parser reports to."""

    def __init__(self, sock: socket.socket, *, give_back: Callable[[], None], is_reused: bool = False) -> None:
        self._sock: socket.socket | None = sock
        self._give_back = give_back
        self._is_reused = is_reused
        self._parser = httptools.HttpResponseParser(self)
        self._reader = SocketReader(sock)
        self._parts: list[bytes] = []
        self._head_bytes = 0
        self._has_head = False
        self._is_complete = False
        self._is_spoiled = False
        self._can_be_kept = False
        self.read_timeout_s = 600.0
        self.status = 0
        self.headers: list[tuple[bytes, bytes]] = []

    # What the parser calls.

    def on_message_begin(self) -> None:
        # A second message in one exchange: nobody asked for it, and what follows on this connection is not ours.
        self._is_spoiled = self._is_complete
        if not self._is_spoiled:
            self.headers.clear()

    def on_header(self, name: bytes, value: bytes) -> None:
        if not self._is_spoiled:
            self.headers.append((name, value))

    def on_headers_complete(self) -> None:
        if self._is_spoiled:
            return
        self.status = self._parser.get_status_code()
        # 1xx answers only announce the real one.
        self._has_head = self.status >= 200

    def on_body(self, data: bytes) -> None:
        if not self._is_spoiled:
            self._parts.append(data)

    def on_message_complete(self) -> None:
        self._is_complete = self._has_head
        # Asked here because the parser forgets once it looks for a next message.
        self._can_be_kept = self._parser.should_keep_alive()

    # What the transport calls.

    def send(self, payload: bytes) -> None:
        try:
            self._open_socket().sendall(payload)
        except (BrokenPipeError, ConnectionResetError) as exc:
            raise (StaleConnection if self._is_reused else httpx2.WriteError)("the server hung up") from exc
        except OSError as exc:
            raise httpx2.WriteError("sending failed") from exc

    def read_head(self) -> None:
        while not self._has_head:
            try:
                data = self._reader.receive(self.read_timeout_s)
                if data is None:
                    raise httpx2.ReadTimeout("no answer from the server")
                if not data:
                    raise (StaleConnection if self._is_reused and not self._head_bytes else UpstreamHungUp)("no answer")
                self._head_bytes += len(data)
                self._parser.feed_data(data)
            except (OSError, *PARSER_ERRORS) as exc:
                self._fail(exc)
            if not self._has_head and self._head_bytes > MAX_HEADER_BYTES:
                raise httpx2.RemoteProtocolError("the answer's headers are too large")

    def read_body(self, silence_s: float) -> bytes | None:
        parts = self._parts
        while not parts:
            if self._is_complete or self._sock is None:
                self.finish()
                return b""
            try:
                data = self._reader.receive(silence_s)
                if data is None:
                    return None
                if data:
                    self._parser.feed_data(data)
                else:
                    self._end_by_close()
            except (OSError, *PARSER_ERRORS) as exc:
                self._fail(exc)
        data = parts[0] if len(parts) == 1 else b"".join(parts)
        parts.clear()
        return data

    def finish(self) -> None:
        """Keep the socket for the next request if this response was read whole, else close it."""
        sock, self._sock = self._sock, None
        if sock is None:
            return
        self._reader.close()
        if self._is_complete and self._can_be_kept and not self._is_spoiled:
            self._give_back()
        else:
            sock.close()

    def discard(self) -> None:
        sock, self._sock = self._sock, None
        if sock is not None:
            self._reader.close()
            sock.close()

    def _open_socket(self) -> socket.socket:
        if self._sock is None:
            raise httpx2.StreamClosed
        return self._sock

    def _fail(self, exc: Exception) -> None:
        """Raises: the error that `exc` is to the SDK; nothing for bytes after the end of a complete message."""
        if isinstance(exc, OSError):
            if self._is_reused and not self._head_bytes:
                raise StaleConnection("no answer") from exc
            raise httpx2.ReadError("reading failed") from exc
        if not self._is_complete:
            raise httpx2.RemoteProtocolError("the answer is not valid HTTP") from exc
        # They spoil the connection, not the message.
        self.discard()

    def _end_by_close(self) -> None:
        """The server closed the connection: that ends a body without a length and cuts any other."""
        names = {name.lower() for name, _ in self.headers}
        if not self._is_complete and (b"content-length" in names or b"transfer-encoding" in names):
            self.discard()
            raise httpx2.RemoteProtocolError("the answer was cut off")
        self.discard()


def _close_idle(idle: dict[Origin, deque[tuple[float, socket.socket]]]) -> None:
    for waiting in idle.values():
        for _, sock in waiting:
            sock.close()


def _origin_of(url: httpx2.URL) -> Origin:
    # As it is written: `host` reads a name by newer rules than the look-up, which would then ask for another one.
    return url.scheme, url.raw_host.decode("ascii"), url.port or (443 if url.scheme == "https" else 80)


# Headers that this transport decides itself, and one that is a note of the SDK to itself.
OWN_HEADERS = frozenset(
    (b"accept-encoding", b"connection", b"content-length", b"transfer-encoding", b"x-stainless-raw-response")
)


def encode_head(request: httpx2.Request, *, without: bytes = b"") -> bytes:
    """Return the request line and the headers that do not depend on the body, all but the one named `without`.

    Raises: `httpx2.LocalProtocolError`.
    """
    lines = [b"%b %b HTTP/1.1" % (request.method.encode("ascii"), request.url.raw_path)]
    for name, value in request.headers.raw:
        if name.lower() not in OWN_HEADERS and name.lower() != without:
            lines.append(b"%b: %b" % (name, value))
    lines.append(b"Accept-Encoding: identity")
    return b"\r\n".join(map(_checked, lines))


def encode_under(head: bytes, header: bytes, body: bytes) -> bytes:
    """Return a whole request: `head`, one more header and the body.

    Raises: `httpx2.LocalProtocolError`.
    """
    return b"%b\r\n%b\r\nContent-Length: %d\r\n\r\n%b" % (head, _checked(header), len(body), body)


def _encode_request(request: httpx2.Request) -> bytes:
    head, body = encode_head(request), request.read()
    if not body and request.method in ("GET", "HEAD", "DELETE"):
        return head + b"\r\n\r\n"
    return b"%b\r\nContent-Length: %d\r\n\r\n%b" % (head, len(body), body)


def _checked(line: bytes) -> bytes:
    if b"\r" in line or b"\n" in line or b"\0" in line:
        raise httpx2.LocalProtocolError("a header holds a line break")
    return line
