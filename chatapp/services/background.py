"""Work that a request begins and does not wait for."""

import logging
import threading
from collections import deque
from collections.abc import Callable
from contextvars import Context, copy_context

log = logging.getLogger(__name__)

AT_ONCE = 4
MOST_WAITING = 1000


class Background:
    """Does tasks in the order they came, a few at once; what waits when the process ends is not done.

    Threads, which are greenlets in the server, are there only while there is something to do.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: deque[tuple[str, Context, Callable[[], None]]] = deque()
        self._working = 0

    def run(self, name: str, task: Callable[[], None]) -> None:
        """Have a task done soon; its log lines carry the id of the request that asked. With too many it is dropped."""
        with self._lock:
            if len(self._waiting) >= MOST_WAITING:
                log.error("background.full", extra={"task": name})
                return
            self._waiting.append((name, copy_context(), task))
            if self._working >= AT_ONCE:
                return
            self._working += 1
        threading.Thread(target=self._work, name="background", daemon=True).start()

    def _work(self) -> None:
        while True:
            with self._lock:
                if not self._waiting:
                    self._working -= 1
                    return
                name, context, task = self._waiting.popleft()
            try:
                context.run(task)
            except Exception:
                log.exception("background.failed", extra={"task": name})
