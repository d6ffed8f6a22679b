"""Answers that stay in the middle for as long as a test needs them there."""

from dataclasses import dataclass
from uuid import uuid4

from tests.durability.readers import Guest, Reading, Stream
from tests.durability.scripted import answer_to, new_token, question
from tests.live_server import LiveServer

CHUNKS = 8
HELD_AFTER = 3


@dataclass
class Held:
    """An answer that goes no further until the upstream releases its token; `key` is its request's key."""

    token: str
    key: str
    stream: Stream
    reading: Reading

    @property
    def question(self) -> str:
        return question(self.token, chunks=CHUNKS, hold=HELD_AFTER)

    @property
    def beginning(self) -> str:
        return answer_to(self.token, HELD_AFTER)

    @property
    def whole(self) -> str:
        return answer_to(self.token, CHUNKS)

    def finish(self) -> Reading:
        """Read to the end."""
        with self.stream:
            return self.reading.take_all(self.stream)


def held(server: LiveServer, guest: Guest, *, is_stored: bool = True) -> Held:
    """Begin an answer and read as far as it goes."""
    token, key = new_token(), str(uuid4())
    text = question(token, chunks=CHUNKS, hold=HELD_AFTER)
    stream = guest.ask(server, text, key=key) if is_stored else guest.ask_in_passing(server, text)
    assert stream.status == 200, stream.json()
    return Held(token, key, stream, Reading().take_until_text(stream, len(answer_to(token, HELD_AFTER))))
