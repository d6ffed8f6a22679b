"""A run that is made in this process: a greenlet that pulls the answer, whoever listens."""

import logging
from collections.abc import Callable
from contextlib import closing
from typing import Any, Literal
from uuid import UUID

import gevent
import msgspec

from chatapp.core.conversations import MessageState
from chatapp.core.events import Events, Failed, Finished, TextDelta
from chatapp.errors import AppError, Interrupted
from chatapp.services.answering import Answer
from chatapp.services.runs.feed import INTERRUPTED, Feed, Opening, Outcome, RunFinishReason

log = logging.getLogger(__name__)

EndedBy = Literal["cancelled", "interrupted"]

STATES: dict[RunFinishReason, MessageState] = {
    "stop": "complete",
    "length": "complete",
    "content_filter": "complete",
    "cancelled": "stopped",
    "error": "error",
    "interrupted": "interrupted",
}


class Prepared(msgspec.Struct, frozen=True):
    """An answer that is about to begin, the figures of its prompt, and what the reader is told of that."""

    answer: Answer
    context: dict[str, Any]
    notices: tuple[str, ...] = ()


# Tells the readers by a name what is being done before the answer.
Tell = Callable[[str], None]
# Begins the answer, which may take a call of its own before.
Prepare = Callable[[Tell], Prepared]


class LiveRun(Feed):
    """An answer in the making. `start()` it once; it ends by itself or by `end_early()`."""

    def __init__(
        self,
        opening: Opening,
        prepare: Prepare,
        save: Callable[["LiveRun", Outcome], bool],
        *,
        owner_id: UUID,
        first_question: str | None = None,
    ) -> None:
        super().__init__(opening)
        self.owner_id = owner_id
        # Set for the answer that begins a conversation.
        self.first_question = first_question
        self.saved_position = 0
        self._prepare = prepare
        self._save = save
        self._prepared: Prepared | None = None
        self._pump: gevent.Greenlet[..., None] | None = None
        self._has_begun = False
        self._is_pulling = True
        self._ended_by: EndedBy | None = None

    def start(self, *, on_over: Callable[[], object]) -> None:
        self._pump = gevent.spawn(self._make)
        self._pump.link(lambda _: on_over())

    def end_early(self, by: EndedBy) -> None:
        """Cancel the call upstream and keep what has arrived; does nothing once the answer is over."""
        if self._ended_by is None and self._is_pulling and self._pump is not None:
            self._ended_by = by
            if self._has_begun:
                # A greenlet that is killed before its first line never runs, and so would never save.
                self._pump.kill(_Ended(), block=False)

    def join(self, timeout_s: float | None = None) -> None:
        """Wait until the run is over and saved."""
        if self._pump is not None:
            self._pump.join(timeout_s)

    def _make(self) -> None:
        error: AppError | None = None
        reason: RunFinishReason = "error"
        self._has_begun = True
        try:
            if self._ended_by is not None:
                raise _Ended  # noqa: TRY301  # ended before it began
            self._prepared = self._prepare(self.tell_stage)
            with closing(self._prepared.answer.events) as events:
                error, reason = self._pull(events)
        except _Ended:
            assert self._ended_by is not None
            reason = self._ended_by
            if reason == "interrupted":
                error = Interrupted(INTERRUPTED)
        except AppError as refused:
            error = refused
        except Exception:
            log.exception("run.failed")
            error = AppError("Something went wrong on this server.")
        self._is_pulling = False
        if isinstance(error, Interrupted):
            # A stopping server halts all answers, kept or not; which of its two ways comes first is chance.
            error, reason = Interrupted(INTERRUPTED), "interrupted"
        self.close_blocks()
        outcome = self._outcome(error, reason)
        self.end(msgspec.structs.replace(outcome, is_saved=self._is_saved(outcome)))

    def _pull(self, events: Events) -> tuple[AppError | None, RunFinishReason]:
        error: AppError | None = None
        for event in events:
            if type(event) is TextDelta:
                self.add_text(event.text)
            elif isinstance(event, Failed):
                error = event.error
            elif isinstance(event, Finished):
                return error, event.reason
        raise AssertionError("an answer ends with `Finished`")

    def _is_saved(self, outcome: Outcome) -> bool:
        while True:
            try:
                return self._save(self, outcome)
            except _Ended:
                # It was on its way when the answer ended by itself.
                continue
            except Exception:
                log.exception("run.not_saved")
                return False

    def _outcome(self, error: AppError | None, reason: RunFinishReason) -> Outcome:
        opening, prepared = self.opening, self._prepared
        figures: dict[str, Any] = {"usage": None, "elapsed_ms": None, "first_token_ms": None}
        context, notices = dict(opening.context), opening.notices
        if prepared is not None:
            meter = prepared.answer.meter
            figures = {"usage": meter.usage, "elapsed_ms": meter.elapsed_ms, "first_token_ms": meter.first_token_ms}
            notices = (*notices, *prepared.notices)
            context = dict(prepared.context)
            if meter.usage is not None:
                context["used_tokens"] = meter.usage.total_tokens
        html, is_other = self.html()
        return Outcome(
            state=STATES[reason],
            finish_reason=reason,
            error=error,
            model=opening.model,
            context=context,
            notices=notices,
            html=html,
            is_html_other=is_other,
            **figures,
        )


class _Ended(gevent.GreenletExit):
    """Thrown into the pump, wherever it waits, to end the answer early."""
