"""What the log tells: enough to find a request again, nothing of what was said or of anybody's key."""

import json
import time

import pytest

from tests.live_server import LiveServer
from tests.wire.reader import Payload, ask, get, marker, send

KEY = "sk-secret-abcdefghijkl"


def log_lines(server: LiveServer) -> list[Payload]:
    """Every structured line; the server's greeting and its framework's warnings are plain text."""
    return [
        json.loads(line) for line in server.log().splitlines(keepends=True) if line[:1] == "{" and line[-1:] == "\n"
    ]


def wait_for_line(server: LiveServer, request_id: str) -> Payload:
    """Return the one line about a request, which may be written just after its answer's last byte."""
    give_up_at = time.monotonic() + 5
    while not (found := [line for line in log_lines(server) if line.get("request_id") == request_id]):
        assert time.monotonic() < give_up_at, "the request was never logged"
        time.sleep(0.01)
    [line] = found
    return line


@pytest.mark.parametrize("route", ["/chat", "/chat/stream"])
def test_a_request_is_found_again_by_the_id_in_its_answer(site_server: LiveServer, route: str) -> None:
    """Somebody reports an id; the operator finds one line with what happened."""
    reply = ask(site_server.base_url, route)

    line = wait_for_line(site_server, reply.headers["X-Request-Id"])
    assert (line["path"], line["method"], line["status"]) == (route, "POST", 200)


@pytest.mark.parametrize("route", ["/chat", "/chat/stream", "/tokens"])
def test_neither_messages_nor_keys_are_logged(site_server: LiveServer, route: str) -> None:
    """Logs are kept longer, and read by more people, than conversations."""
    message = marker()
    ask(site_server.base_url, route, message=message, headers={"X-Provider-Key": KEY})
    ask(site_server.base_url, route, message=message, headers={"X-Provider-Key": f"{KEY} x"}, temperature=message)
    send(site_server.base_url, "POST", route, message.encode(), {"Content-Type": "application/json"})
    get(site_server.base_url, f"/chat?key={KEY}&message={message}")

    log = site_server.log()
    assert message not in log
    assert KEY[3:11] not in log


def test_no_request_can_write_a_line_of_its_own(site_server: LiveServer) -> None:
    """A forged line would put an event into the record that never was."""
    forged = marker()
    get(
        site_server.base_url, "/x%0A%7B%22event%22%3A%22" + forged + "%22%7D", {"User-Agent": forged, "Referer": forged}
    )

    assert all(line.get("event") != forged for line in log_lines(site_server))


@pytest.mark.parametrize("given", ["<script>", "a" * 500, "x, y", "../../x"])
def test_an_id_of_the_clients_choosing_is_not_repeated(site: str, given: str) -> None:
    """It would stand in logs and error pages as if we had said it."""
    assert get(site, "/health", {"X-Request-Id": given}).headers["X-Request-Id"] != given
