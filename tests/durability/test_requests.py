"""C4, C10, G5: what is sent twice happens once, and what is sent to a past that is over does not happen."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import pytest

from tests.durability.pairs import Pair
from tests.durability.readers import Guest, Reading, Stream
from tests.durability.scripted import answer_to, new_token, question

TIMES = 10


def ask_at_once(pair: Pair, guest: Guest, messages: list[str], **fields: Any) -> list[Stream]:
    """Send these messages at the same moment, to either server in turn."""
    with ThreadPoolExecutor(len(messages)) as pool:
        waiting = [
            pool.submit(guest.ask, pair.servers[number % 2], message, **fields)
            for number, message in enumerate(messages)
        ]
        return [each.result() for each in waiting]


def one_that_began(streams: list[Stream]) -> tuple[Stream, list[Stream]]:
    begun = [stream for stream in streams if stream.status == 200]
    assert len(begun) == 1, [(stream.status, stream.json()) for stream in streams if stream.status != 200]
    return begun[0], [stream for stream in streams if stream.status != 200]


@pytest.mark.parametrize("is_first", [pytest.param(True, id="first-message"), pytest.param(False, id="later-message")])
def test_a_request_that_is_sent_ten_times_is_answered_once(pair: Pair, guest: Guest, is_first: bool) -> None:
    """Double clicks, two tabs and retries after a timeout must cost one answer and show one."""
    place: dict[str, Any] = {"conversation_id": "new", "parent_id": None}
    if not is_first:
        before = guest.say(pair.a, question(new_token()))
        place = {"conversation_id": before.start["conversation_id"], "parent_id": before.run_id}
    token, key = new_token(), str(uuid4())
    message = question(token, chunks=5, hold=2)

    begun, refused = one_that_began(ask_at_once(pair, guest, [message] * TIMES, key=key, **place))
    start = begun.start()
    problems = [stream.json() for stream in refused]
    pair.upstream.release(token)
    with begun:
        first = Reading(start=start).take_all(begun)
    again = [guest.say(server, message, key=key, **place) for server in pair.servers]
    with guest.ask(pair.b, message + " other", key=key, **place) as stream:
        other = stream.status, stream.json()["code"]

    assert {(each["status"], each["code"], each["run_id"]) for each in problems} == {
        (409, "request_in_progress", first.run_id)
    }
    assert first.text == answer_to(token, 5)
    for reading in again:
        assert (reading.run_id, reading.text) == (first.run_id, first.text)
        assert reading.result["usage"] == first.result["usage"]
    assert other == (422, "idempotency_mismatch")
    assert len(pair.upstream.calls_for(token)) == 1
    path = guest.messages(pair.b, start["conversation_id"])
    assert [each["text"] for each in path[-2:]] == [message, first.text]
    assert len(path) == (2 if is_first else 4)
    assert len(guest.conversations(pair.a)) == 1


def test_a_key_is_its_owners_own(pair: Pair, guest: Guest) -> None:
    """Whoever guesses a key must not get the answer that was given under it."""
    token, key = new_token(), "1"
    first = guest.say(pair.a, question(token), key=key)

    other = pair.guest().say(pair.a, question(token), key=key)

    assert other.run_id != first.run_id
    assert len(pair.upstream.calls_for(token)) == 2


def test_of_messages_that_race_one_is_taken(pair: Pair, guest: Guest) -> None:
    """Two tabs that send at the same moment: the slower one is told, instead of becoming an unseen branch."""
    before = guest.say(pair.a, question(new_token()))
    tokens = [new_token() for _ in range(6)]
    messages = [question(token, hold=0) for token in tokens]
    place = {"conversation_id": before.start["conversation_id"], "parent_id": before.run_id}

    begun, refused = one_that_began(ask_at_once(pair, guest, messages, **place))
    run_id = begun.start()["run_id"]
    problems = [stream.json() for stream in refused]
    guest.stop(pair.a, run_id)
    begun.close()

    assert {(each["status"], each["code"]) for each in problems} == {(409, "stale_parent")}
    assert all(each["newer"][-1]["id"] == run_id for each in problems)
    assert len(guest.messages(pair.a, before.start["conversation_id"])) == 4
    assert sum(len(pair.upstream.calls_for(token)) for token in tokens) <= 1


def test_a_stale_tab_changes_nothing_and_is_told_what_is_newer(pair: Pair, guest: Guest) -> None:
    first = guest.say(pair.a, question(new_token()))
    conversation_id = first.start["conversation_id"]
    token = new_token()
    second = guest.say(pair.a, question(token), conversation_id=conversation_id, parent_id=first.run_id)
    before = guest.messages(pair.b, conversation_id)

    stale_token = new_token()
    for parent_id in (first.run_id, None):
        with guest.ask(pair.b, question(stale_token), conversation_id=conversation_id, parent_id=parent_id) as stream:
            problem = stream.json()
            assert (stream.status, problem["code"]) == (409, "stale_parent")
            newer = [each["id"] for each in problem["newer"]]
            assert newer[-2:] == [second.start["user_message_id"], second.run_id]

    assert guest.messages(pair.b, conversation_id) == before
    assert pair.upstream.calls_for(stale_token) == []


def test_nothing_is_added_to_an_answer_in_the_making(pair: Pair, guest: Guest) -> None:
    token, other = new_token(), new_token()
    with guest.ask(pair.a, question(token, hold=1)) as running:
        start = running.start()
        place = {"conversation_id": start["conversation_id"], "parent_id": start["run_id"]}
        with guest.ask(pair.b, question(other), **place) as refused:
            assert (refused.status, refused.json()["code"]) == (409, "answer_in_progress")
        pair.upstream.release(token)
        Reading().take_all(running)

    assert pair.upstream.calls_for(other) == []
    assert len(guest.messages(pair.b, start["conversation_id"])) == 2
