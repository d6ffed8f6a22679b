"""S2, S3, G10: a server that stops or reloads lets answers end, and saves and tells those that cannot."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from tests.durability.holding import held
from tests.durability.pairs import Pair
from tests.durability.readers import Guest
from tests.durability.verifying import damages
from tests.live_server import LiveServer
from tests.wire.reader import get


@contextmanager
def asking_all_the_time(server: LiveServer) -> Iterator[list[str]]:
    """Ask short questions one after the other; gives what went wrong with them."""
    faults: list[str] = []
    is_over = threading.Event()

    def ask() -> None:
        while not is_over.wait(0.01):
            try:
                if (status := get(server.base_url, "/health").status) != 200:
                    faults.append(str(status))
            except OSError as error:
                faults.append(str(error))

    asking = threading.Thread(target=ask)
    asking.start()
    try:
        yield faults
    finally:
        is_over.set()
        asking.join()


def test_answers_end_or_are_saved_when_servers_stop_and_reload(pair: Pair, guest: Guest) -> None:
    """One server gets SIGTERM, the other SIGHUP: nobody loses a word, and nobody is left without an end."""
    quick = [held(server, guest) for server in pair.servers]
    endless = [held(server, guest) for server in pair.servers for _ in range(2)]
    passing = [held(server, guest, is_stored=False) for server in pair.servers]
    unread = [held(server, guest) for server in pair.servers]
    for each in unread:
        each.stream.close()
    old_workers = pair.b.worker_pids()

    with asking_all_the_time(pair.b) as faults:
        pair.a.signal(signal.SIGTERM)
        pair.b.signal(signal.SIGHUP)
        for each in quick:
            pair.upstream.release(each.token)
        whole = [each.finish() for each in quick]
        partial = [each.finish() for each in endless]
        passed = [each.finish() for each in passing]
        status = pair.a.wait_until_over()
        pair.a.start()
        # While one server is away, the other serves with new workers.
        pair.b.wait_until_gone(old_workers)
        pair.a.wait_until_ready()
    again = [guest.say(pair.a, each.question, key=each.key) for each in quick]

    assert status == 0
    assert (faults, pair.b.exit_status) == ([], None)
    assert [reading.text for reading in whole] == [each.whole for each in quick]
    assert {reading.result["finish_reason"] for reading in whole} == {"stop"}
    for each, reading in zip([*endless, *passing], [*partial, *passed], strict=True):
        assert reading.text == each.beginning
        assert reading.error is not None and reading.error["code"] == "interrupted" and reading.error["retryable"]
    assert {reading.result["finish_reason"] for reading in partial} == {"interrupted"}
    for each in [*endless, *unread]:
        _, answer = guest.messages(pair.a, each.reading.start["conversation_id"])
        assert (answer["state"], answer["text"]) == ("interrupted", each.beginning)
    # What is asked again after a restart is answered from what is stored.
    assert [reading.run_id for reading in again] == [reading.run_id for reading in whole]
    assert [reading.text for reading in again] == [reading.text for reading in whole]
    assert {len(pair.upstream.calls_for(each.token)) for each in quick} == {1}
    assert damages(pair) == []
