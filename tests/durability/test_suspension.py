"""Rights that end while they are being used: what is open ends within about a second, on every server and worker."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pytest

from tests.durability.members import STRANGER, Member, join, sign_in
from tests.durability.pairs import Pair
from tests.durability.readers import Guest, Reading, Stream
from tests.durability.scripted import MODEL, answer_to, new_token, question
from tests.people import PASSWORD

LIMIT_S = 10.0
PIECES = 2

# Reads a stream until its answer is held, which it then is for as long as the test wants.
Hold = Callable[[Stream, str], tuple[Stream, Reading]]


@pytest.fixture(scope="module")
def admin(pair: Pair) -> Member:
    """The first account of the database."""
    return join(pair.a, "admin@example.com")


@pytest.fixture
def hold() -> Iterator[Hold]:
    with ExitStack() as stack:

        def read(stream: Stream, token: str) -> tuple[Stream, Reading]:
            stack.enter_context(stream)
            return stream, Reading().take_until_text(stream, len(answer_to(token, PIECES)))

        yield read


def held(token: str) -> str:
    return question(token, hold=PIECES)


def test_suspension_ends_everything_at_once(pair: Pair, admin: Member, guest: Guest, hold: Hold) -> None:
    """Whatever somebody holds in their hands: a session, a token, an open stream, here or on another server."""
    browser = join(pair.b, "ada@example.com")
    made = browser.send(pair.a, "POST", "/account/tokens", name="A program", scopes=["chat", "read"])
    script = Member({"X-API-Key": made.json["token"]})
    grant = {"grant_type": "password", "email": "ada@example.com", "password": PASSWORD}
    program = Member(
        {"Authorization": f"Bearer {STRANGER.send(pair.a, 'POST', '/auth/token', **grant).json['access_token']}"}
    )
    user_id = browser.send(pair.a, "GET", "/account").json["id"]
    kept, passing, whole, others = (new_token() for _ in range(4))

    streams = [hold(browser.ask(pair.a, held(kept)), kept)]
    run = streams[0][1]
    streams.append(hold(program.follow(pair.b, run.run_id, 0), kept))
    streams.append(hold(script.ask_in_passing(pair.b, held(passing)), passing))
    foreign, reading = hold(guest.ask(pair.a, held(others)), others)
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(program.send, pair.a, "POST", "/chat", message=held(whole), model=MODEL)
        calls = [pair.upstream.wait_for_call(token) for token in (kept, passing, whole)]
        suspended = admin.send(pair.b, "POST", f"/admin/users/{user_id}/suspend")
        ended = [seen.take_all(stream) for stream, seen in streams]
        refusal = waiting.result(LIMIT_S)
    credentials = [browser, script, program]
    refused = [each.send(server, "GET", "/account") for each in credentials for server in pair.servers]
    again = STRANGER.send(pair.a, "POST", "/auth/sign-in", email="ada@example.com", password=PASSWORD)
    are_cut = [call.left.wait(LIMIT_S) for call in calls]
    pair.upstream.release(others)
    reading.take_all(foreign)
    restored = admin.send(pair.a, "POST", f"/admin/users/{user_id}/restore")
    answers = [each.send(server, "GET", "/account").status for each in credentials for server in pair.servers]
    _, answer = browser.messages(pair.b, run.start["conversation_id"])

    assert suspended.status == restored.status == 200
    assert [(each.error or {}).get("code") for each in ended] == ["account_suspended"] * 3
    assert [each.text for each in ended] == [answer_to(token, PIECES) for token in (kept, kept, passing)]
    assert (refusal.status, refusal.problem["code"]) == (403, "account_suspended")
    assert {(each.status, each.problem["code"]) for each in (*refused, again)} == {(403, "account_suspended")}
    assert are_cut == [True] * 3
    assert (reading.text, reading.error) == (answer_to(others, 4), None)
    assert answers == [200] * 6
    assert (answer["state"], answer["text"]) == ("stopped", answer_to(kept, PIECES))


def test_signing_out_ends_the_readers_and_deletion_the_answers(pair: Pair, admin: Member, hold: Hold) -> None:
    """A lost laptop must show nothing more; what its owner asked is still wanted. Who is gone wants nothing."""
    bob, cat = join(pair.a, "bob@example.com"), join(pair.a, "cat@example.com")
    ids = {each["email"]: each["id"] for each in admin.send(pair.a, "GET", "/admin/users").json["users"]}
    wanted, passing, unwanted = (new_token() for _ in range(3))
    streams = [
        hold(bob.ask(pair.a, held(wanted)), wanted),
        hold(bob.ask_in_passing(pair.b, held(passing)), passing),
        hold(cat.ask_in_passing(pair.a, held(unwanted)), unwanted),
    ]

    admin.send(pair.b, "DELETE", f"/admin/users/{ids['bob@example.com']}/sessions")
    admin.send(pair.b, "DELETE", f"/admin/users/{ids['cat@example.com']}")
    ended = [seen.take_all(stream) for stream, seen in streams]
    call = pair.upstream.wait_for_call(wanted)
    are_cut = [pair.upstream.wait_for_call(token).left.wait(LIMIT_S) for token in (passing, unwanted)]
    goes_on = not call.left.is_set()
    pair.upstream.release(wanted)
    assert call.over.wait(LIMIT_S)
    again = sign_in(pair.b, "bob@example.com")
    with again.follow(pair.b, ended[0].run_id, 0) as stream:
        whole = Reading().take_all(stream)

    assert [(each.error or {}).get("code") for each in ended] == ["signed_out"] * 3
    assert (goes_on, are_cut) == (True, [True, True])
    assert (whole.text, whole.result["finish_reason"]) == (answer_to(wanted, 4), "stop")
    gone = [each.send(pair.a, "GET", "/account") for each in (bob, cat)]
    assert {(each.status, each.problem["code"]) for each in gone} == {(401, "signed_out")}
