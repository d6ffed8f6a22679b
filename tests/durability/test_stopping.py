"""C12: Stop works at any moment and from anywhere, any number of times, and keeps what has arrived."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.durability.pairs import Pair
from tests.durability.readers import Guest, Reading
from tests.durability.scripted import answer_to, new_token, question
from tests.live_server import LiveServer

UPSTREAM_LIMIT_S = 2.0


@pytest.mark.parametrize("where", [pytest.param("a", id="same-server"), pytest.param("b", id="other-server")])
@pytest.mark.parametrize("pieces", [pytest.param(0, id="before-the-first-token"), pytest.param(3, id="mid-answer")])
def test_stop_ends_the_call_upstream_and_keeps_the_text(pair: Pair, guest: Guest, where: str, pieces: int) -> None:
    """Every further token would be paid for, and every one that has come was."""
    server: LiveServer = getattr(pair, where)
    token = new_token()
    with guest.ask(pair.a, question(token, chunks=50, hold=pieces)) as stream:
        reading = Reading(start=stream.start())
        kept = answer_to(token, pieces)
        if kept:
            reading.take_until_text(stream, len(kept))
        call = pair.upstream.wait_for_call(token)
        assert not call.left.is_set()

        first = guest.stop(server, reading.run_id)
        assert call.left.wait(UPSTREAM_LIMIT_S)
        reading.take_all(stream)
        again = [guest.stop(each, reading.run_id) for each in pair.servers]

    assert first.status == 200
    assert reading.text == kept
    assert (reading.result["finish_reason"], reading.error) == ("cancelled", None)
    told = {"id": reading.run_id, "state": "stopped", "position": len(kept)}
    assert all(told.items() <= reply.json.items() for reply in again)
    _, answer = guest.messages(pair.b, reading.start["conversation_id"])
    assert (answer["state"], answer["text"]) == ("stopped", kept)


def test_many_stops_at_once_are_one(pair: Pair, guest: Guest) -> None:
    """Two tabs and an impatient finger."""
    token = new_token()
    with guest.ask(pair.a, question(token, hold=2)) as stream:
        reading = Reading().take_until_text(stream, len(answer_to(token, 2)))
        with ThreadPoolExecutor(8) as pool:
            replies = list(pool.map(guest.stop, pair.servers * 4, [reading.run_id] * 8))
        reading.take_all(stream)

    assert {reply.status for reply in replies} == {200}
    assert (reading.text, reading.result["finish_reason"]) == (answer_to(token, 2), "cancelled")


def test_stopping_what_is_over_changes_nothing(pair: Pair, guest: Guest) -> None:
    token = new_token()
    whole = guest.say(pair.a, question(token))

    states = [guest.stop(server, whole.run_id).json["state"] for server in pair.servers]

    assert states == ["complete", "complete"]
    _, answer = guest.messages(pair.a, whole.start["conversation_id"])
    assert (answer["state"], answer["text"]) == ("complete", answer_to(token, 4))


def test_a_run_goes_on_when_its_readers_leave(pair: Pair, guest: Guest) -> None:
    """C13: what was asked is answered, also when the network is gone in the meantime."""
    token = new_token()
    with guest.ask(pair.a, question(token, hold=1)) as stream:
        start = stream.start()
    call = pair.upstream.wait_for_call(token)

    pair.upstream.release(token)
    assert call.over.wait(5)
    with guest.follow(pair.b, start["run_id"], 0) as stream:
        reading = Reading().take_all(stream)

    assert not call.left.is_set()
    assert (reading.text, reading.result["finish_reason"]) == (answer_to(token, 4), "stop")
