"""A run that another worker makes, followed through what it saves; and one that is over."""

import logging
from collections.abc import Callable
from typing import Any

import gevent
import msgspec

from chatapp.core.conversations import StoredMessage
from chatapp.errors import AppError, Interrupted, StorageUnavailable
from chatapp.services.runs.feed import INTERRUPTED, Feed, Opening, Outcome, RunFinishReason

log = logging.getLogger(__name__)

POLL_S = 0.4

FINISH_REASONS: dict[str, RunFinishReason] = {"stopped": "cancelled", "interrupted": "interrupted", "error": "error"}


class FollowedRun(Feed):
    """Looks a few times a second for what the run's own worker has saved, as long as somebody has it open."""

    def __init__(self, answer: StoredMessage, title: str, load: Callable[[], StoredMessage | None]) -> None:
        super().__init__(opening_of(answer, title), answer.text)
        self._load = load

    def start(self, *, on_over: Callable[[], object]) -> None:
        gevent.spawn(self._poll).link(lambda _: on_over())

    def _poll(self) -> None:
        gevent.sleep(POLL_S)
        while self.attached:
            try:
                answer = self._load()
            except StorageUnavailable:
                # It heals or it does not; readers get their heartbeats meanwhile.
                answer = None
            if answer is not None:
                if len(answer.text) > self.position:
                    self.add_text(answer.text[self.position :])
                if answer.state != "running":
                    self.end(outcome_of(answer))
                    return
            gevent.sleep(POLL_S)


def ended(answer: StoredMessage, title: str) -> Feed:
    """Return the feed of an answer that is over."""
    feed = Feed(opening_of(answer, title), answer.text)
    feed.outcome = outcome_of(answer)
    return feed


def opening_of(answer: StoredMessage, title: str) -> Opening:
    return Opening(
        run_id=answer.id,
        conversation_id=answer.conversation_id,
        question_id=answer.parent_id,
        title=title,
        model=answer.model or "",
        notices=tuple(answer.remarks.get("notices", ())),
        context=answer.remarks.get("context", {}),
    )


def outcome_of(answer: StoredMessage) -> Outcome:
    """Return how a stored answer ended."""
    reason = FINISH_REASONS.get(answer.state) or _finish_reason(answer.finish_reason)
    error: AppError | None = None
    if answer.state == "interrupted":
        error = Interrupted(INTERRUPTED)
    elif answer.state == "error":
        error = _Recalled(answer.error_code or "internal", answer.remarks.get("error", {}))
    return Outcome(
        state=answer.state,
        finish_reason=reason,
        error=error,
        model=answer.model or "",
        usage=answer.usage,
        elapsed_ms=answer.elapsed_ms,
        first_token_ms=answer.first_token_ms,
        context=answer.remarks.get("context", {}),
        notices=tuple(answer.remarks.get("notices", ())),
        html=answer.html,
        is_html_other=answer.html is not None,
    )


def facts_of(error: AppError) -> dict[str, Any]:
    """Return what must be kept of an error so that `outcome_of` can tell it again."""
    return {"detail": error.message, "status": error.status, "retryable": error.retryable}


class _Recalled(AppError):
    """An error that was told before and is told again."""

    def __init__(self, code: str, facts: dict[str, Any]) -> None:
        super().__init__(facts.get("detail", "The answer failed."), code=code)
        self.status = facts.get("status", 502)  # type: ignore[misc]  # a class constant everywhere else
        self.retryable = facts.get("retryable", True)  # type: ignore[misc]


def _finish_reason(raw: str | None) -> RunFinishReason:
    found: RunFinishReason = msgspec.convert(raw or "stop", RunFinishReason)
    return found
