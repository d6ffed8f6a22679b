"""What the pipeline's stages are tested with: a clock that is set by hand and a provider that says what it is told."""

from collections.abc import Callable, Iterable

from chatapp.core.chat import ChatRequest
from chatapp.core.events import Event, Events
from chatapp.errors import AppError


class FakeClock:
    """Units: seconds; stands still until `now` is set."""

    def __init__(self, now: float = 1000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now

    def passes(self, seconds: float) -> Callable[[], None]:
        """Return a step of a script that lets so much time pass."""

        def step() -> None:
            self.now += seconds

        return step


Step = Event | AppError | BaseException | Callable[[], None]


class Script:
    """An answer that is played step by step: events are yielded, errors raised, calls made."""

    def __init__(self, *steps: Step) -> None:
        self._steps = steps
        self.closings = 0

    def events(self) -> Events:
        try:
            for step in self._steps:
                if isinstance(step, BaseException):
                    raise step
                if callable(step):
                    step()
                else:
                    yield step
        finally:
            self.closings += 1


class ScriptedProvider:
    """Plays its script for every request and keeps what it was asked."""

    def __init__(self, *steps: Step) -> None:
        self.script = Script(*steps)
        self.asked: list[tuple[ChatRequest, str | None]] = []

    def stream(self, request: ChatRequest, *, api_key: str | None = None) -> Events:
        self.asked.append((request, api_key))
        return self.script.events()


class LetterCounter:
    """Counts each letter as a token."""

    def count(self, text: str, encoding: str) -> int:
        return len(text)


def texts_of(events: Iterable[Event]) -> str:
    return "".join(str(getattr(event, "text", "")) for event in events)
