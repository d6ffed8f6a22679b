"""Model servers that run on the same machine are found without a setting."""

import socket
import time
from collections.abc import Iterator

import pytest

from chatapp.providers.local_servers import LOCAL_SERVERS, LocalServer
from tests.conftest import StartServer
from tests.live_server import LiveServer
from tests.wire.behaviours import BEHAVIOURS
from tests.wire.reader import ask, get, marker
from tests.wire.upstream import GOOD_TEXT, Upstream

OWN_KEY = "sk-a-persons-own-key"


@pytest.fixture(scope="module")
def local_server() -> Iterator[tuple[LocalServer, Upstream]]:
    """A model server at the first of the usual ports that is free here."""
    for known in LOCAL_SERVERS:
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        port = int(known.base_url.rsplit(":", 1)[1].partition("/")[0])
        try:
            listener.bind(("127.0.0.1", port))
        except OSError:
            listener.close()
            continue
        upstream = Upstream({"llama": BEHAVIOURS["good"]}, listener=listener)
        yield known, upstream
        upstream.close()
        return
    raise AssertionError("every usual port of a model server is taken on this machine")


@pytest.fixture(scope="module")
def keyless_site(start_server: StartServer, local_server: tuple[LocalServer, Upstream]) -> LiveServer:
    # One worker: each looks for itself, and what one has found says nothing of another.
    server = start_server({"LOCAL_SERVERS": "auto", "WEB_CONCURRENCY": "1"})
    give_up_at = time.monotonic() + 10
    while get(server.base_url, "/health").json["integration"] != "local":
        assert time.monotonic() < give_up_at, "the local server was not found"
    return server


def test_a_local_server_answers_without_a_key(
    keyless_site: LiveServer, local_server: tuple[LocalServer, Upstream]
) -> None:
    """Somebody who runs Ollama and this product should need no setting at all."""
    known, _ = local_server

    listed = get(keyless_site.base_url, "/models").json
    reply = ask(keyless_site.base_url, "/chat")

    assert listed["default"] == "llama"
    assert [model["provider"] for model in listed["models"] if model["status"] == "available"] == [known.name]
    assert (reply.status, reply.json["text"]) == (200, GOOD_TEXT)


def test_a_persons_key_is_not_sent_to_a_local_server(
    keyless_site: LiveServer, local_server: tuple[LocalServer, Upstream]
) -> None:
    """It is meant for OpenAI and for nobody else."""
    _, upstream = local_server
    about = marker()
    ask(keyless_site.base_url, "/chat", model="llama", message=about, headers={"X-Provider-Key": OWN_KEY})

    call = upstream.wait_for_call(about)
    assert OWN_KEY not in "".join(call.headers.values())
