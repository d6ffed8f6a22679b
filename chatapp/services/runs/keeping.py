"""What keeps runs safe: their growing text is saved once a second, and what a dead worker left behind is closed."""

import logging
import random
from collections.abc import Callable, Sized
from uuid import UUID

import gevent

from chatapp.errors import StorageUnavailable
from chatapp.services.runs.live import LiveRun
from chatapp.services.runs.writing import index_answer
from chatapp.store import conversations, messages, runs, search
from chatapp.store.db import Database

log = logging.getLogger(__name__)

CHECKPOINT_S = 1.0
# A worker is given up after so many looks at the same sign of life.
LOOKS = 4
# Texts that a checkpoint makes findable: some milliseconds' worth. What is more waits for the next, or for a search.
INDEXED_AT_ONCE = 50


class Keeper:
    """Saves the runs of this worker and looks after those of others.

    `lease_s` is how long a worker may give no sign of life. Nothing here compares clocks: a sign is a number that
    grows, and how long it stands still is measured by whoever watches it. `unsaved` are runs that are over, though the
    database does not know yet: they are this worker's as well.
    """

    def __init__(
        self, database: Database, worker_id: UUID, live: dict[UUID, LiveRun], unsaved: Sized, *, lease_s: float
    ) -> None:
        self._database = database
        self._worker_id = worker_id
        self._live = live
        self._unsaved = unsaved
        self._look_every_s = lease_s / LOOKS
        # A sign of life between any two looks.
        self._checkpoint_every_s = min(CHECKPOINT_S, self._look_every_s)
        self._beat = 0
        self._looks: dict[UUID, tuple[int | None, int]] = {}

    def start(self) -> None:
        gevent.spawn(self._every, self._checkpoint_every_s, self.checkpoint)
        gevent.spawn(self._every, self._look_every_s, self.look_after_others)

    def checkpoint(self) -> None:
        """Save all texts that have grown, in one transaction, and hear which runs are to stop.

        Raises: `StorageUnavailable`; the next checkpoint saves the same.
        """
        live = list(self._live.values())
        if not live and not self._unsaved:
            return
        grown = {run: run.position for run in live if run.position != run.saved_position}
        self._beat += 1
        with self._database.write() as connection:
            texts = {run.opening.run_id: run.text for run in grown}
            found = runs.checkpoint(connection, self._worker_id, self._beat, texts)
            search.index_pending(connection, most=INDEXED_AT_ONCE)
        for run, position in grown.items():
            run.saved_position = position
        for run in live:
            if run.opening.run_id in found.to_stop:
                run.end_early("cancelled")
            elif run.opening.run_id not in found.own:
                # Somebody took this worker for dead.
                run.end_early("interrupted")

    def look_after_others(self) -> None:
        """Close the runs of workers that have given no sign of life for a whole lease.

        While the database takes nothing nobody can give a sign, so that a look counts only when it could have.
        Raises: `StorageUnavailable`; the count begins anew then.
        """
        before, self._looks = self._looks, {}
        with self._database.read() as connection:
            signs = [sign for sign in runs.signs_of_life(connection) if sign.worker_id != self._worker_id]
        looks: dict[UUID, tuple[int | None, int]] = {}
        for sign in signs:
            beat, times = before.get(sign.worker_id, (sign.beat, 0))
            looks[sign.worker_id] = (sign.beat, times + 1 if beat == sign.beat else 1)
        silent = [sign for sign in signs if looks[sign.worker_id][1] > 1]
        if silent:
            self._beat += 1
            with self._database.write() as connection:
                runs.give_sign(connection, self._worker_id, self._beat)
        for sign in silent:
            if looks[sign.worker_id][1] > LOOKS:
                self._close(sign)
        self._looks = looks

    def _close(self, sign: runs.Sign) -> None:
        with self._database.write() as connection:
            taken = runs.take_from(connection, sign)
            for message_id, conversation_id, text in taken:
                messages.change(connection, message_id, text=text, state="interrupted")
                conversation = conversations.get(connection, conversation_id)
                if conversation is not None:
                    index_answer(connection, conversation.owner_id, conversation_id, message_id, text)
        if taken:
            log.warning("runs.interrupted", extra={"count": len(taken), "worker": str(sign.worker_id)})

    def _every(self, pause_s: float, work: Callable[[], None]) -> None:
        while True:
            # Workers that started together need not all come at once.
            gevent.sleep(pause_s * random.uniform(1.0, 1.1))  # noqa: S311
            try:
                work()
            except StorageUnavailable:
                # Told in the log where it was found; the next time may be better.
                continue
            except Exception:
                log.exception("runs.keeping_failed")
