"""People with accounts at the servers of a pair, by any of their credentials."""

import json
from http.cookies import SimpleCookie
from typing import Any

from tests.durability.readers import Guest
from tests.live_server import LiveServer
from tests.people import PASSWORD
from tests.wire.reader import Reply, send


class Member(Guest):
    """Somebody with an account, by one credential: what a guest can do, and requests of any kind."""

    def __init__(self, headers: dict[str, str]) -> None:
        self.headers = headers

    def send(self, server: LiveServer, method: str, path: str, **body: Any) -> Reply:
        headers = {**self.headers, "Content-Type": "application/json"}
        return send(server.base_url, method, path, json.dumps(body).encode() if body else None, headers)


def join(server: LiveServer, email: str) -> Member:
    """Make an account and sign in."""
    registered = STRANGER.send(server, "POST", "/auth/register", email=email, password=PASSWORD)
    assert registered.status == 202, registered.text
    return sign_in(server, email)


def sign_in(server: LiveServer, email: str) -> Member:
    """Return somebody's new session."""
    reply = STRANGER.send(server, "POST", "/auth/sign-in", email=email, password=PASSWORD)
    assert reply.status == 200, reply.text
    cookies: SimpleCookie = SimpleCookie(reply.headers["Set-Cookie"])
    return Member({"Cookie": "; ".join(f"{name}={morsel.value}" for name, morsel in cookies.items())})


STRANGER = Member({})
