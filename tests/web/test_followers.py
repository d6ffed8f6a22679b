"""Following a run from any position: what is told again, what is not, and what begins anew."""

import json

import gevent
import pytest
from flask import Request
from werkzeug.test import EnvironBuilder

from chatapp.services.runs import Feed
from chatapp.web.followers import Follower, follow
from tests.unit.services.test_feed import opening, outcome
from tests.wire.reader import Payload

TEXT = "# Tides\n\nTwice a day.\n\nThe end.\n"


def stream_from(feed: Feed, position: int) -> "gevent.Greenlet[..., bytes]":
    """Follow a feed from a position, as a browser does that asks for HTML."""
    reader = Follower(Request(EnvironBuilder().get_environ()), wants_html=True, position=position)
    return gevent.spawn(lambda: b"".join(follow(feed, reader, "request", heartbeat_s=60)))


def parse_events(body: bytes) -> list[tuple[str, Payload]]:
    """Shape: (event name, its data)."""
    frames = [dict(line.split(": ", 1) for line in frame.split("\n")) for frame in body.decode().split("\n\n") if frame]
    return [(frame["event"], json.loads(frame["data"])) for frame in frames]


def grow(feed: Feed, *pieces: str) -> None:
    """Let the text grow as another worker saves it, and the readers run in between."""
    for piece in pieces:
        feed.add_text(piece)
        gevent.sleep(0)


@pytest.mark.parametrize("seen", range(0, len(TEXT), 5))
def test_what_was_seen_before_it_was_saved_is_not_told_again(seen: int) -> None:
    """The reader was there live; the worker it comes to now knows less for a moment."""
    feed = Feed(opening(), TEXT[:4])
    following = stream_from(feed, seen)
    gevent.sleep(0)
    grow(feed, TEXT[4:12], TEXT[12:20], TEXT[20:])
    feed.end(outcome(feed))

    events = parse_events(following.get())
    told = "".join(data["text"] for name, data in events if name == "delta")
    blocks = {data["index"]: data for name, data in events if name == "block"}

    assert [data["position"] for name, data in events if name == "start"] == [seen]
    assert TEXT[:seen] + told == TEXT
    assert "".join(block["html"] for _, block in sorted(blocks.items())) == feed.html()[0]
    assert events[-1][0] == "done"


def test_what_was_seen_and_then_lost_begins_anew() -> None:
    """The worker died before it saved the last words: the reader drops what it has."""
    feed = Feed(opening(), TEXT[:12])
    following = stream_from(feed, 30)
    gevent.sleep(0)
    feed.end(outcome(feed))

    events = parse_events(following.get())

    assert [data["position"] for name, data in events if name == "start"] == [30, 0]
    assert "".join(data["text"] for name, data in events if name == "delta") == TEXT[:12]
