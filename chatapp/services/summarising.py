"""Having a model sum up what no longer fits its window."""

import logging
from collections.abc import Sequence
from contextlib import closing
from uuid import UUID

import msgspec

from chatapp.core.context_window import TOKENS_PER_ANSWER, TOKENS_PER_MESSAGE, answer_room
from chatapp.core.events import Failed, Usage
from chatapp.core.models import Model
from chatapp.core.own_servers import NOTHING_OWN, Own
from chatapp.core.prompt import Count, Said, Summary
from chatapp.core.summarising import LEAST_SUMMARY_TOKENS, Line, Piece, pieces_of, request_for, trimmed
from chatapp.errors import AppError, StorageUnavailable
from chatapp.services.answering import Answering, Question
from chatapp.services.model_directory import DEMO
from chatapp.store import summaries
from chatapp.store.db import Database

log = logging.getLogger(__name__)

# A piece smaller than this would take a call for every few sentences.
LEAST_PIECE_TOKENS = 100

FAILED = "Earlier messages could not be summarised; the oldest were left out."


class ToSummarise(msgspec.Struct, frozen=True, kw_only=True):
    """The messages of a path that come right after `previous`, oldest first, and who is to sum them up.

    Units: `limit` in tokens of the summary.
    """

    conversation_id: UUID
    said: Sequence[Said]
    previous: Summary | None
    limit: int
    model: Model
    own: Own = NOTHING_OWN


class Summarised(msgspec.Struct, frozen=True):
    """The new summary, None when it failed, and what the reader is told of it."""

    summary: Summary | None
    notice: str


class _Failure(Exception):
    """The model gave no summary."""


class Summariser:
    """Asks the model in use, piece by piece; every piece that ends with a message is kept for later."""

    def __init__(self, database: Database, answering: Answering) -> None:
        self._database = database
        self._answering = answering

    def can(self, task: ToSummarise, count: Count) -> bool:
        """Say whether the window is large enough to work with, and the model one that can."""
        return (
            task.model.provider != DEMO
            and task.limit >= LEAST_SUMMARY_TOKENS
            and _piece_limit(task, count) >= LEAST_PIECE_TOKENS
        )

    def summarise(self, task: ToSummarise, count: Count) -> Summarised:
        """Return a summary of everything up to the last message; never raises for a fault of the model."""
        said = [each for each in task.said if not each.is_empty]
        lines = [Line(each.role, each.text) for each in said]
        text = "" if task.previous is None else trimmed(task.previous.text, task.limit, count)
        usages: list[Usage] = []
        summary: Summary | None = None
        try:
            for piece in pieces_of(lines, limit=_piece_limit(task, count), count=count):
                text, usage = self._ask(task, text, piece)
                text = trimmed(text, task.limit, count)
                usages.append(usage)
                if piece.is_line_end:
                    summary = self._keep(task, said[piece.lines - 1], text)
        except (_Failure, AppError) as failure:
            log.warning("summary.failed", extra={"model": task.model.id, "code": getattr(failure, "code", "empty")})
            return Summarised(None, FAILED)
        assert summary is not None, "the last piece ends with the last message"
        return Summarised(summary, _told(usages))

    def _ask(self, task: ToSummarise, so_far: str, piece: Piece) -> tuple[str, Usage]:
        request = request_for(so_far, piece.transcript, limit=task.limit)
        answer = self._answering.start(Question(messages=request, model=task.model.id, own=task.own))
        with closing(answer.events) as events:
            for event in events:
                if isinstance(event, Failed):
                    raise event.error
        assert answer.meter.usage is not None, "an answer is settled before it finishes"
        if not answer.meter.text.strip():
            raise _Failure
        return answer.meter.text, answer.meter.usage

    def _keep(self, task: ToSummarise, last: Said, text: str) -> Summary:
        before = 0 if task.previous is None else task.previous.covers
        covered = next(place for place, each in enumerate(task.said, start=1) if each.id == last.id)
        summary = Summary(until_id=last.id, text=text, model=task.model.id, covers=before + covered)
        try:
            with self._database.write() as connection:
                summaries.put(connection, task.conversation_id, summary)
        except StorageUnavailable:
            # It serves this answer all the same, and the next one makes it again.
            log.warning("summary.not_kept")
        return summary


def _piece_limit(task: ToSummarise, count: Count) -> int:
    window = task.model.context_window
    assert window is not None, "nothing outgrows an unknown window"
    around = request_for("-", "-", limit=task.limit)
    return (
        window
        - answer_room(window, None)
        - TOKENS_PER_ANSWER
        - task.limit
        - sum(count(message.text) + TOKENS_PER_MESSAGE for message in around)
    )


def _told(usages: Sequence[Usage]) -> str:
    tokens = sum(usage.total_tokens for usage in usages)
    micros = [usage.cost_usd_micros for usage in usages]
    cost = "" if None in micros else f" · {dollars(sum(each or 0 for each in micros))}"
    return f"Earlier messages were summarised ({tokens:,} tokens{cost})."


def dollars(micros: int) -> str:
    """Return an amount for people to read, with as many digits as tell something."""
    if micros < 100:
        return "less than $0.0001" if micros else "$0"
    return f"${micros / 1_000_000:.4f}" if micros < 1_000_000 else f"${micros / 1_000_000:.2f}"
