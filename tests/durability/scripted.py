"""An upstream whose answers follow from the question, so that anybody can tell what must have been stored."""

import re
import threading
from collections import defaultdict
from uuid import uuid4

from tests.wire.behaviours import BEHAVIOURS
from tests.wire.upstream import Behaviours, Call, Exchange, Upstream

MODEL = "scripted"
_DIRECTIONS = re.compile(r"\b(chunks|pause_ms|hold)=(\d+)")


class ScriptedUpstream(Upstream):
    """Answers each question with pieces that its token decides.

    A question holds a token, how many pieces to send and how long to pause before each, and perhaps after how many to
    hold until `release` is called; holding after 0 keeps back even the head of the response. Other models misbehave as
    their names say.
    """

    def __init__(self) -> None:
        behaviours = Behaviours(BEHAVIOURS)
        behaviours[MODEL] = self._answer_question
        self._released: defaultdict[str, threading.Event] = defaultdict(threading.Event)
        super().__init__(behaviours)

    def release(self, token: str) -> None:
        self._released[token].set()

    def calls_for(self, token: str) -> list[Call]:
        """The calls that ask this question; later ones of its conversation hold its token as well."""
        return [call for call in self.calls_about(token) if token in _question_of(call)]

    def _answer_question(self, exchange: Exchange) -> None:
        question = _question_of(exchange.call)
        token = token_of(question)
        directions = {name: int(number) for name, number in _DIRECTIONS.findall(question)}
        if directions.get("hold") == 0:
            self._hold(exchange, token)
        exchange.open_stream()
        for number, piece in enumerate(pieces_of(token, directions.get("chunks", 1)), 1):
            if pause_ms := directions.get("pause_ms", 0):
                exchange.pause(pause_ms / 1000)
            exchange.say(piece)
            if directions.get("hold") == number:
                self._hold(exchange, token)
        exchange.stop()

    def _hold(self, exchange: Exchange, token: str) -> None:
        while not self._released[token].wait(0.005):
            exchange.pause(0.005)


def new_token() -> str:
    return f"t{uuid4().hex[:16]}"


def question(token: str, *, chunks: int = 4, pause_ms: int = 0, hold: int | None = None) -> str:
    """A question that `ScriptedUpstream` answers with `answer_to(token, chunks)`."""
    return f"{token} chunks={chunks} pause_ms={pause_ms}" + ("" if hold is None else f" hold={hold}")


def token_of(text: str) -> str:
    return text.split(" ", 1)[0]


def pieces_of(token: str, chunks: int) -> list[str]:
    """Every piece is another one, so that none can be lost or doubled unnoticed; some characters take four bytes."""
    return [f"{token[:5]}.{number} naïve 🦊{'!' * (number % 7)} " for number in range(chunks)]


def answer_to(token: str, chunks: int) -> str:
    return "".join(pieces_of(token, chunks))


def _question_of(call: Call) -> str:
    return str(call.payload["messages"][-1]["content"]) if call.body else ""
