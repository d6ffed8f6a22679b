"""Many who write at once, in every way that a conversation is written to."""

import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from tests.durability.pairs import Pair
from tests.durability.readers import Guest
from tests.durability.scripted import new_token, question
from tests.live_server import LiveServer
from tests.wire.reader import send

WRITERS = 32


@dataclass
class Crowd:
    """What became of their requests; `refused` are those that were not answered with success."""

    written: int = 0
    refused: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)


def crowd(pair: Pair, seconds: float, *, writers: int = WRITERS) -> Crowd:
    """Let so many guests write for so long, then look whether everything is there."""
    found = Crowd()
    lock = threading.Lock()
    end = time.monotonic() + seconds

    def write(number: int) -> None:
        server = pair.servers[number % 2]
        guest = Guest(server)
        while time.monotonic() < end:
            written, refused, missing = _write_once(guest, server)
            with lock:
                found.written += written
                found.refused += refused
                found.missing += missing

    with ThreadPoolExecutor(writers) as pool:
        list(pool.map(write, range(writers)))
    return found


def _write_once(guest: Guest, server: LiveServer) -> tuple[int, list[str], list[str]]:
    """A conversation with two answers, renamed, rated, and read again."""
    first = guest.say(server, question(new_token(), chunks=2))
    conversation_id = first.start["conversation_id"]
    second = guest.say(server, question(new_token(), chunks=2), conversation_id=conversation_id, parent_id=first.run_id)
    title = new_token()
    path = f"/conversations/{conversation_id}"
    headers = {**guest.headers, "Content-Type": "application/json"}
    replies = [
        send(server.base_url, "PATCH", path, json.dumps({"title": title, "tags": ["busy"]}).encode(), headers),
        send(server.base_url, "PATCH", f"{path}/messages/{second.run_id}", b'{"rating": "up"}', headers),
    ]
    refused = [f"{reply.status} {reply.text}" for reply in replies if reply.status != 200]
    refused += [str(each.result) for each in (first, second) if each.error or not each.result["saved"]]
    messages = guest.messages(server, conversation_id)
    is_there = [each["text"] for each in messages[1::2]] == [first.text, second.text]
    is_there = is_there and guest.get(server, path).json["title"] == title and messages[-1]["rating"] == "up"
    return 4, refused, [] if is_there else [conversation_id]
