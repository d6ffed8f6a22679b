"""Requests that no well-behaved client can send, byte by byte."""

import http.client
import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

from tests.wire.reader import Payload


@contextmanager
def connection_to(site: str, timeout_s: float = 10) -> Iterator[socket.socket]:
    parts = urlsplit(site)
    with socket.create_connection((parts.hostname, parts.port), timeout=timeout_s) as connection:
        yield connection


def read_response(connection: socket.socket) -> tuple[int, http.client.HTTPMessage, bytes]:
    """Return status, headers and body of the next response."""
    response = http.client.HTTPResponse(connection)
    response.begin()
    return response.status, response.headers, response.read()


def exchange(site: str, request: bytes, timeout_s: float = 10) -> tuple[int, http.client.HTTPMessage, bytes]:
    """Send these bytes, and nothing more, and return the response."""
    with connection_to(site, timeout_s) as connection:
        connection.sendall(request)
        return read_response(connection)


def request_bytes(
    method: bytes, target: bytes, *headers: bytes, body: bytes = b"", host: bytes = b"127.0.0.1"
) -> bytes:
    lines = [method + b" " + target + b" HTTP/1.1", b"Host: " + host, *headers]
    return b"\r\n".join([*lines, b"", body])


def problem_in(headers: http.client.HTTPMessage, body: bytes) -> Payload:
    """Check that an error is a problem document with the request's id, and return it."""
    assert headers.get_content_type() == "application/problem+json", body[:200]
    problem: Payload = json.loads(body)
    assert problem["request_id"] == headers["X-Request-Id"]
    return problem
