"""The transport under the SDK, against a server that sends exactly these bytes."""

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator

import httpx2
import pytest

from chatapp.providers.transport import BODY_EXTENSION, GeventTransport, StaleConnection, UpstreamBody, UpstreamHungUp

OK = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"
HELLO = OK + b"Content-Length: 5\r\n\r\nhello"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"
HANG_UP = b""


class RawServer:
    """Answers the requests of each connection with the given bytes, one per request, then closes it."""

    def __init__(self, *connections: list[bytes]) -> None:
        self._plans = iter(connections)
        self.requests: list[bytes] = []
        self.connections = 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._open: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        for sock in [self._listener, *self._open]:
            sock.close()

    def _accept(self) -> None:
        for plan in self._plans:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            self._open.append(sock)
            threading.Thread(target=self._serve, args=(sock, plan), daemon=True).start()

    def _serve(self, sock: socket.socket, plan: list[bytes]) -> None:
        with contextlib.suppress(OSError):  # the client may have had enough
            for reply in plan:
                request = self._read_request(sock)
                if not request:
                    break
                self.requests.append(request)
                sock.sendall(reply)
            sock.shutdown(socket.SHUT_WR)

    @staticmethod
    def _read_request(sock: socket.socket) -> bytes:
        received = b""
        while b"\r\n\r\n" not in received and (data := sock.recv(65536)):
            received += data
        return received


Serve = Callable[..., RawServer]


@pytest.fixture
def transport() -> Iterator[GeventTransport]:
    transport = GeventTransport(connect_timeout_s=2)
    yield transport
    transport.close()


def send(transport: GeventTransport, url: str, **request: object) -> httpx2.Response:
    timeouts = {"timeout": {"read": 2.0}}
    return transport.handle_request(httpx2.Request("GET", url, extensions=timeouts, **request))  # type: ignore[arg-type]


def body_of(response: httpx2.Response) -> bytes:
    """Read a body to its end and give the connection back."""
    try:
        return b"".join(response.stream)  # type: ignore[arg-type]  # ours is synchronous
    finally:
        response.close()


@pytest.fixture
def serve() -> Iterator[Serve]:
    servers: list[RawServer] = []

    def start(*connections: list[bytes]) -> RawServer:
        servers.append(RawServer(*connections))
        return servers[-1]

    yield start
    for server in servers:
        server.close()


@pytest.mark.parametrize(
    ("reply", "body"),
    [
        pytest.param(HELLO, b"hello", id="length"),
        pytest.param(CHUNKED + b"2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n", b"hello", id="chunked"),
        pytest.param(OK + b"\r\nhello", b"hello", id="until-close"),
        pytest.param(OK + b"Content-Length: 0\r\n\r\n", b"", id="empty"),
        pytest.param(b"HTTP/1.1 100 Continue\r\n\r\n" + HELLO, b"hello", id="after-100"),
        pytest.param(b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" + HELLO, b"hello", id="after-103"),
    ],
)
def test_a_body_is_read_to_its_end(transport: GeventTransport, serve: Serve, reply: bytes, body: bytes) -> None:
    """However the server says where that is."""
    server = serve([reply])

    response = send(transport, server.url)

    assert response.status_code == 200
    assert response.headers["content-type"] == "text/plain"
    assert body_of(response) == body


def test_a_whole_answer_leaves_its_connection_for_the_next(transport: GeventTransport, serve: Serve) -> None:
    """A new connection, with TLS, costs more time than the rest of a request."""
    server = serve([HELLO, HELLO, HELLO])

    bodies = [body_of(send(transport, server.url)) for _ in range(3)]

    assert bodies == [b"hello"] * 3
    assert server.connections == 1


@pytest.mark.parametrize(
    "first",
    [
        pytest.param(OK + b"Connection: close\r\nContent-Length: 5\r\n\r\nhello", id="told-to-close"),
        pytest.param(HELLO + b"stray bytes", id="spoke-out-of-turn"),
        pytest.param(OK + b"\r\nhello", id="ended-by-close"),
    ],
)
def test_a_connection_that_is_not_clean_is_not_used_again(
    transport: GeventTransport, serve: Serve, first: bytes
) -> None:
    """The next person's answer would begin with what was left of this one's."""
    server = serve([first], [HELLO])

    bodies = [body_of(send(transport, server.url)) for _ in range(2)]

    assert bodies == [b"hello", b"hello"]
    assert server.connections == 2


def test_an_answer_that_is_not_read_to_its_end_takes_its_connection_along(
    transport: GeventTransport, serve: Serve
) -> None:
    """Closing is how the call upstream is cancelled."""
    server = serve([CHUNKED + b"2\r\nhe\r\n", HELLO], [HELLO])
    response = send(transport, server.url)
    body: UpstreamBody = response.extensions[BODY_EXTENSION]
    assert body.read(1) == b"he"

    response.close()

    assert body.read(1) == b""
    assert body_of(send(transport, server.url)) == b"hello"
    assert server.connections == 2


def test_a_kept_connection_that_the_server_closed_is_told_from_a_fault(
    transport: GeventTransport, serve: Serve
) -> None:
    """Servers close idle connections whenever they like: the caller may ask again at once, on a fresh one."""
    server = serve([HELLO, HANG_UP], [HELLO])
    body_of(send(transport, server.url))

    with pytest.raises(StaleConnection):
        send(transport, server.url)

    assert body_of(send(transport, server.url)) == b"hello"
    assert server.connections == 2


def test_one_dead_connection_gives_up_the_other_idle_ones(transport: GeventTransport, serve: Serve) -> None:
    """After a restart of the server all of them are dead, and each would cost a try."""
    server = serve([HELLO, HANG_UP], [HELLO, HELLO], [HELLO])
    first, second = send(transport, server.url), send(transport, server.url)
    body_of(second)
    body_of(first)

    with pytest.raises(StaleConnection):
        send(transport, server.url)

    assert body_of(send(transport, server.url)) == b"hello"
    assert server.connections == 3


def test_a_fresh_connection_that_is_closed_at_once_is_a_fault(transport: GeventTransport, serve: Serve) -> None:
    """Trying for ever would hide a server that is down."""
    server = serve([HANG_UP])

    with pytest.raises(UpstreamHungUp) as caught:
        send(transport, server.url)

    assert not isinstance(caught.value, StaleConnection)


@pytest.mark.parametrize(
    "reply",
    [
        pytest.param(b"SSH-2.0-OpenSSH_9\r\n", id="not-HTTP"),
        pytest.param(b"HTTP/1.1 200 OK\r\nX: " + b"x" * 100_000, id="headers-without-end"),
        pytest.param(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n", id="upgrade"),
        pytest.param(OK + b"Content-Encoding: gzip\r\nContent-Length: 5\r\n\r\nhello", id="packed"),
    ],
)
def test_an_answer_that_nobody_asked_for_is_refused(transport: GeventTransport, serve: Serve, reply: bytes) -> None:
    """Better a clear fault than a wrong text, or one that unpacks to gigabytes."""
    server = serve([reply])

    with pytest.raises((httpx2.RemoteProtocolError, httpx2.DecodingError)):
        send(transport, server.url)


@pytest.mark.parametrize(
    "reply",
    [
        pytest.param(OK + b"Content-Length: 50\r\n\r\nhello", id="length"),
        pytest.param(CHUNKED + b"5\r\nhello\r\n", id="chunked"),
        pytest.param(CHUNKED + b"zz\r\nhello\r\n", id="not-a-chunk"),
    ],
)
def test_a_body_that_is_cut_is_a_fault(transport: GeventTransport, serve: Serve, reply: bytes) -> None:
    """Half an answer must not pass for a whole one."""
    server = serve([reply])

    with pytest.raises(httpx2.RemoteProtocolError):
        body_of(send(transport, server.url))


def test_silence_in_a_body_is_told_and_harms_nothing(transport: GeventTransport, serve: Serve) -> None:
    """The stages behind look at the clock, and the reader gets a heartbeat."""
    response = send(transport, serve([CHUNKED + b"2\r\nhe\r\n", HELLO]).url)
    body: UpstreamBody = response.extensions[BODY_EXTENSION]

    assert [body.read(0.05) for _ in range(3)] == [b"he", None, None]
    response.close()


def test_no_header_can_smuggle_another(transport: GeventTransport, serve: Serve) -> None:
    """A key comes from a person; a line break in it would be a second request."""
    server = serve([HELLO])

    with pytest.raises(httpx2.LocalProtocolError):
        send(transport, server.url, headers=[(b"Authorization", b"Bearer x\r\nHost: evil")])

    assert server.requests == []


def test_the_request_on_the_wire_says_what_is_wanted(transport: GeventTransport, serve: Serve) -> None:
    """Unpacked, with its length, and with nothing said twice."""
    server = serve([HELLO])
    request = httpx2.Request("POST", f"{server.url}/v1/x?a=b", json={"a": 1}, headers={"Accept-Encoding": "gzip"})

    body_of(transport.handle_request(request))

    head, _, body = server.requests[0].partition(b"\r\n\r\n")
    lines = head.decode().split("\r\n")
    assert lines[0] == "POST /v1/x?a=b HTTP/1.1"
    names = [line.partition(":")[0].lower() for line in lines[1:]]
    assert len(names) == len(set(names))
    assert "Accept-Encoding: identity" in lines
    assert f"Content-Length: {len(body)}" in lines


def test_nobody_at_the_address_is_a_connect_error(transport: GeventTransport) -> None:
    """So that the caller may count it and try again."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]

    with pytest.raises(httpx2.ConnectError):
        send(transport, f"http://127.0.0.1:{port}/")


def test_a_name_that_cannot_exist_is_a_connect_error(transport: GeventTransport) -> None:
    """Not a crash in the depths of name look-up."""
    with pytest.raises(httpx2.ConnectError):
        send(transport, "http://" + "a" * 64 + ".invalid/")
