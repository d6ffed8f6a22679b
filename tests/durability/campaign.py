"""Writers who never give up, and the ways to end a server under their hands."""

import random
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from uuid import uuid4

from tests.durability.pairs import Pair, kill_worker, worker_that_serves
from tests.durability.readers import CUT, Event, Reading, Stream
from tests.durability.scripted import answer_to, new_token, question
from tests.live_server import LiveServer

# As long as anything may take under a hundred kills; what takes longer hangs.
PATIENCE_S = 60
MOMENTS = ("question-kept", "before-first-token", "mid-answer", "before-last-save")
TURNS = 6


@dataclass
class Said:
    """One message of a writer, and what its answer came to as the writer saw it."""

    token: str
    text: str
    chunks: int
    reading: Reading = field(default_factory=Reading)
    is_acknowledged: bool = False
    # How much had been read at which time, for each piece.
    seen: list[tuple[float, int]] = field(default_factory=list)
    # When the first connection that showed something was cut: the answer's worker lived until then at least.
    cut_at: float | None = None


@dataclass
class Trigger:
    """A kill that the next writer who gets there carries out at a certain moment of its answer."""

    moment: str
    is_done: threading.Event = field(default_factory=threading.Event)


class Writer:
    """Says one thing after the other, and sees each of them through to its answer's end."""

    def __init__(self, campaign: "Campaign", number: int) -> None:
        self.guest = campaign.pair.guest()
        self.said: list[Said] = []
        self._campaign = campaign
        self._chance = random.Random(f"writer {campaign.seed} {number}")
        self._place: tuple[str, str | None] = ("new", None)

    def write(self) -> None:
        """Go on until the campaign stops."""
        while not self._campaign.is_stopping.is_set():
            trigger = self._campaign.take_trigger()
            chunks = self._chance.choice(self._campaign.lengths)
            token = new_token()
            hold = {"before-first-token": 0, "mid-answer": chunks // 2}.get(trigger.moment if trigger else "")
            text = question(token, chunks=chunks, pause_ms=self._chance.choice((2, 10, 30)), hold=hold)
            said = Said(token, text, chunks)
            self.said.append(said)
            try:
                self._see_through(said, trigger)
            finally:
                # Also when the moment never came: the controller must not wait for it.
                if trigger is not None:
                    trigger.is_done.set()
            is_full = sum(each.is_acknowledged for each in self.said) % TURNS == 0
            start = said.reading.start
            self._place = ("new", None) if is_full else (start["conversation_id"], start["run_id"])

    def _see_through(self, said: Said, trigger: Trigger | None) -> None:
        key = str(uuid4())
        give_up_at = time.monotonic() + PATIENCE_S
        while said.reading.done is None:
            assert time.monotonic() < give_up_at, f"no end of {said}"
            server = self._chance.choice(self._campaign.pair.servers)
            try:
                with self._open(server, said, key) as stream:
                    self._read(server, stream, said, trigger)
            except CUT:
                if said.seen and said.cut_at is None:
                    said.cut_at = time.monotonic()
                # A server that is not there refuses at once.
                time.sleep(0.02)

    def _open(self, server: LiveServer, said: Said, key: str) -> Stream:
        if said.is_acknowledged:
            return self.guest.follow(server, said.reading.run_id, len(said.reading.text), timeout_s=PATIENCE_S)
        conversation_id, parent_id = self._place
        return self.guest.ask(
            server,
            said.text,
            conversation_id=conversation_id,
            parent_id=parent_id,
            key=key,
            timeout_s=PATIENCE_S,
        )

    def _read(self, server: LiveServer, stream: Stream, said: Said, trigger: Trigger | None) -> None:
        if stream.status != 200:
            self._wait_and_retry(stream, said)
            return
        for event in stream:
            said.reading.take(event)
            if event.name == "start":
                said.is_acknowledged = True
            said.seen.append((time.monotonic(), len(said.reading.text)))
            if trigger is not None and not trigger.is_done.is_set() and self._is_time(trigger, event, said):
                pid = worker_that_serves(server, stream.port)
                if pid is not None:
                    kill_worker(pid)
                self._campaign.pair.upstream.release(said.token)
                trigger.is_done.set()

    def _is_time(self, trigger: Trigger, event: Event, said: Said) -> bool:
        """Wait for the moment if this event comes just before it."""
        text = said.reading.text
        match trigger.moment:
            case "question-kept":
                return event.name == "start"
            case "before-first-token":
                self._campaign.pair.upstream.wait_for_call(said.token)
                return True
            case "mid-answer":
                return bool(text)
            case _:
                is_whole = text == answer_to(said.token, said.chunks)
                return is_whole and self._campaign.pair.upstream.wait_for_call(said.token).over.wait(5)

    def _wait_and_retry(self, stream: Stream, said: Said) -> None:
        problem = stream.json()
        told = (stream.status, problem["code"])
        if told == (409, "request_in_progress"):
            # The first try had been kept, though its reader never heard of it.
            said.reading.start = problem
            said.is_acknowledged = True
        elif told not in {(503, "storage_busy"), (503, "storage_unavailable"), (503, "interrupted")}:
            raise AssertionError(f"{told} for {said}: {problem}")
        time.sleep(0.02)


class Campaign:
    """Some writers, and kills while they write.

    `failures` are the writers' complaints; `kills` counts what was done, by kind. Units: `lengths` of answers are in
    pieces, which come every 2 to 30 milliseconds.
    """

    def __init__(self, pair: Pair, *, writers: int, seed: str, lengths: tuple[int, ...] = (5, 20, 60, 100)) -> None:
        self.pair = pair
        self.seed = seed
        self.lengths = lengths
        self.is_stopping = threading.Event()
        self.failures: list[str] = []
        self.kills: dict[str, int] = {}
        self.chance = random.Random(f"kills {seed}")
        self._triggers: list[Trigger] = []
        self._lock = threading.Lock()
        self.writers = [Writer(self, number) for number in range(writers)]

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Let everybody write for as long as the block runs, and finish what they are at."""
        threads = [threading.Thread(target=self._write, args=(writer,), daemon=True) for writer in self.writers]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self.is_stopping.set()
            for thread in threads:
                thread.join(PATIENCE_S)
            self.failures += ["a writer hangs" for thread in threads if thread.is_alive()]

    def take_trigger(self) -> Trigger | None:
        with self._lock:
            return self._triggers.pop() if self._triggers else None

    def kill(self, kind: str) -> None:
        """End a worker or a server in one of the ways that there are, and see to it that all serve again."""
        if kind in MOMENTS:
            self._kill_at(kind)
        else:
            WAYS[kind](self)
        self.kills[kind] = self.kills.get(kind, 0) + 1

    def _kill_at(self, moment: str) -> None:
        trigger = Trigger(moment)
        with self._lock:
            self._triggers.append(trigger)
        give_up_at = time.monotonic() + PATIENCE_S
        while not trigger.is_done.wait(0.1):
            is_hopeless = bool(self.failures) or time.monotonic() > give_up_at
            assert not is_hopeless, f"the moment {moment} never came; {self.failures}"

    def kill_random_worker(self) -> None:
        time.sleep(self.chance.uniform(0, 0.3))
        pids = [pid for server in self.pair.servers for pid in sorted(server.worker_pids())]
        if pids:
            kill_worker(self.chance.choice(pids))

    def kill_machine(self) -> None:
        server = self._any_server()
        server.stop()
        self._start(server)

    def kill_master(self) -> None:
        server = self._any_server()
        server.signal(signal.SIGKILL)
        server.wait_until_over()
        self._start(server)

    def terminate(self) -> None:
        server = self._any_server()
        server.signal(signal.SIGTERM)
        server.wait_until_over()
        self._start(server)

    def reload(self) -> None:
        server = self._any_server()
        before = server.worker_pids()
        server.signal(signal.SIGHUP)
        server.wait_until_gone(before)

    def _any_server(self) -> LiveServer:
        time.sleep(self.chance.uniform(0, 0.3))
        return self.chance.choice(self.pair.servers)

    def _start(self, server: LiveServer) -> None:
        server.start()
        server.wait_until_ready()

    def _write(self, writer: Writer) -> None:
        try:
            writer.write()
        except Exception as exc:  # noqa: BLE001  # told with all others at the end
            self.failures.append(f"{type(exc).__name__}: {exc}")


WAYS: dict[str, Callable[[Campaign], None]] = {
    "worker": Campaign.kill_random_worker,
    "machine": Campaign.kill_machine,
    "master": Campaign.kill_master,
    "terminate": Campaign.terminate,
    "reload": Campaign.reload,
}
