"""C11, C13, G4: a reader whose connection ends goes on where it was, on whichever worker it comes to."""

import random
from concurrent.futures import ThreadPoolExecutor
from itertools import repeat
from uuid import uuid4

import pytest

from tests.durability.pairs import Pair
from tests.durability.readers import Guest, Reading, Stream
from tests.durability.scripted import answer_to, new_token, question
from tests.live_server import LiveServer

CUTS = 200
CHUNKS = 60


def read_with_a_cut(guest: Guest, stream: Stream, at_byte: int, second: LiveServer) -> tuple[str, int]:
    """Read so many bytes of a stream, drop the connection, and read the rest from the other server.

    Shape: the whole text and how many events arrived before the cut.
    """
    reading = Reading()
    with stream:
        start = stream.start()
        seen = stream.read_bytes(at_byte)
    for event in seen:
        reading.take(event)
    with guest.follow(second, start["run_id"], len(reading.text)) as rest:
        assert rest.status == 200, rest.json()
        reading.take_all(rest)
    assert reading.result["saved"]
    return reading.text, len(seen)


@pytest.mark.parametrize("makes", [pytest.param("a", id="a-to-b"), pytest.param("b", id="b-to-a")])
def test_a_stream_that_is_cut_anywhere_goes_on_elsewhere(pair: Pair, guest: Guest, makes: str) -> None:
    """Half of all cuts come while the answer grows, half when it is over; none shows in the text."""
    maker, other = pair.servers if makes == "a" else pair.servers[::-1]
    chance = random.Random(f"cuts of {makes}")
    token = new_token()
    expected = answer_to(token, CHUNKS)

    def cut_all(streams: list[Stream], longest: int) -> list[tuple[str, int]]:
        with ThreadPoolExecutor(len(streams)) as pool:
            at_bytes = [chance.randrange(longest) for _ in streams]
            return list(pool.map(read_with_a_cut, repeat(guest), streams, at_bytes, repeat(other)))

    with guest.ask(maker, question(token, chunks=CHUNKS, pause_ms=10, hold=0)) as never_cut:
        start = never_cut.start()
        streams = [guest.follow(maker, start["run_id"]) for _ in range(CUTS // 4)]
        pair.upstream.release(token)
        # With its events around it, an answer takes about four times its own bytes.
        growing = cut_all(streams, 4 * len(expected.encode()))
        whole = Reading().take_all(never_cut)
    over = cut_all([guest.follow(maker, start["run_id"]) for _ in range(CUTS // 4)], 2 * len(expected.encode()))

    _, answer = guest.messages(other, start["conversation_id"])
    assert (answer["text"], whole.text) == (expected, expected)
    assert [text for text, _ in growing + over if text != expected] == []
    # The one worker of `b` hands on every piece; of the two of `a` one only hears of larger ones.
    assert len({events for _, events in growing}) > (10 if makes == "b" else 1)
    assert len(pair.upstream.calls_for(token)) == 1


@pytest.mark.parametrize("is_over", [pytest.param(True, id="over"), pytest.param(False, id="running")])
def test_a_position_beyond_the_end_begins_anew(pair: Pair, guest: Guest, is_over: bool) -> None:
    """A crash may have kept less than the reader has seen; what the reader shows in the end is what is stored."""
    token = new_token()
    with guest.ask(pair.a, question(token, chunks=3, hold=1)) as stream:
        start = stream.start()
        if is_over:
            pair.upstream.release(token)
            Reading().take_all(stream)
        readings = [Reading(text="seen before, and then some more" * 9) for _ in pair.servers]
        streams = [guest.follow(server, start["run_id"], 31 * 9) for server in pair.servers]
        pair.upstream.release(token)
        for reading, followed in zip(readings, streams, strict=True):
            with followed:
                reading.take_all(followed)

    assert {reading.text for reading in readings} == {answer_to(token, 3)}


@pytest.mark.parametrize("bad", ["-1", "1.5", "abc", "1" * 13, "0x10", "1 2"])
def test_a_position_that_is_no_number_is_refused(pair: Pair, guest: Guest, bad: str) -> None:
    run_id = guest.say(pair.a, question(new_token(), chunks=1)).run_id

    with guest.follow(pair.a, run_id, bad) as stream:
        assert (stream.status, stream.json()["code"]) == (400, "bad_event_id")


def test_nobody_reads_the_answers_of_others(pair: Pair, guest: Guest) -> None:
    """Not while they grow, not when they are over, and not their existence."""
    token = new_token()
    with guest.ask(pair.a, question(token, hold=1)) as stream:
        running = stream.start()
        stranger = pair.guest()
        question_id, unknown = running["user_message_id"], str(uuid4())
        for server in pair.servers:
            for who, run_id in ((stranger, running["run_id"]), (guest, question_id), (guest, unknown)):
                with who.follow(server, run_id, 1) as followed:
                    assert (followed.status, followed.json()["code"]) == (404, "not_found")
                assert who.get(server, f"/runs/{run_id}").status == 404
                assert who.stop(server, run_id).status == 404
        pair.upstream.release(token)
        assert Reading().take_all(stream).text == answer_to(token, 4)
