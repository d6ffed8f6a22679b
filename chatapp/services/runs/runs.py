"""The use case: put a question into its conversation, make the answer, let it be followed and stopped."""

import time
from datetime import datetime, timedelta
from functools import partial
from uuid import UUID

import gevent
from uuid_utils.compat import uuid7

from chatapp.core.conversations import StoredMessage
from chatapp.core.models import Model
from chatapp.core.principals import Principal
from chatapp.errors import AppError, Interrupted, InvalidBody, StillRunning, StorageUnavailable
from chatapp.services.access import access_run
from chatapp.services.answering import Answer, Answering, Question
from chatapp.services.context import Asked, ContextBuilder, Plan
from chatapp.services.memory import Memory
from chatapp.services.revoking import Revocations, Watch
from chatapp.services.runs.feed import Feed
from chatapp.services.runs.followed import FollowedRun, ended
from chatapp.services.runs.keeping import Keeper
from chatapp.services.runs.live import LiveRun, Prepare, Prepared, Tell
from chatapp.services.runs.questions import StoredQuestion, find_ground
from chatapp.services.runs.writing import RunWriter
from chatapp.store import messages, runs
from chatapp.store.db import Database, IntegrityError

DRAIN_POLL_S = 0.05
KEPT_REQUESTS = timedelta(hours=48)


class Runs:
    """All runs as this worker sees them: those that it makes itself, those that it follows, those that are over."""

    def __init__(
        self,
        database: Database,
        answering: Answering,
        context: ContextBuilder,
        memory: Memory,
        revocations: Revocations,
        *,
        lease_s: float,
    ) -> None:
        self._database = database
        self._answering = answering
        self._context = context
        self._revocations = revocations
        self._lease_s = lease_s
        self._writer = RunWriter(database, memory)
        self._live: dict[UUID, LiveRun] = {}
        self._followed: dict[UUID, FollowedRun] = {}
        self._is_closed = False

    def start_keeping(self) -> None:
        """Begin the checkpoints, once per process and after the fork: each worker has a name of its own."""
        self._writer.worker_id = uuid7()
        keeper = Keeper(self._database, self._writer.worker_id, self._live, self._writer.unsaved, lease_s=self._lease_s)
        keeper.start()
        gevent.spawn(self._writer.keep_trying)

    def begin(self, principal: Principal, asked: StoredQuestion) -> Feed:
        """Store the question, begin its answer and return the feed of it; a repeated request gets its first feed.

        Once this returns, the question is in the database. Raises: `NotFound` (404), `InvalidBody` (422, also
        `idempotency_mismatch`), `StaleParent`, `StillRunning` (409, also `request_in_progress`),
        `BadInput` (400 `model_unavailable`), `PayloadTooLarge` (413), `StorageUnavailable` and `Interrupted` (503).
        """
        if self._is_closed:
            raise Interrupted("The server is restarting; nothing was sent. Try again in a moment.", retry_after_s=1)
        try:
            return self._begin_new(principal, asked)
        except (AppError, IntegrityError) as refused:
            # It may be the same request once more, which no longer fits what the first one made of the conversation.
            # Only then is it looked for: nearly all requests come once.
            if isinstance(refused, StorageUnavailable) or (first := self._first_feed(principal, asked)) is None:
                raise
            return first

    def _begin_new(self, principal: Principal, asked: StoredQuestion) -> Feed:
        resolved = self._answering.resolve(asked.model, asked.own)
        plan = self._context.plan(self._asked_of_model(principal, asked, resolved.model))
        prepare = self._prepare(asked, plan)
        opening = self._writer.begin(
            principal, asked, model=resolved.model.id, notices=resolved.notices, context=plan.context
        )
        first_question = asked.text if asked.conversation_id is None else None
        run = LiveRun(opening, prepare, self._writer.end, owner_id=principal.owner_id, first_question=first_question)
        self._live[opening.run_id] = run
        # What an account began goes on when its reader is signed out, not when the account is shut out.
        right = self._revocations.watching(principal, lambda _: run.end_early("cancelled"), is_for_account=True)
        run.start(on_over=partial(self._forget, opening.run_id, right))
        if self._is_closed:
            # It was on its way here when the others were ended.
            run.end_early("interrupted")
        return run

    def open(self, principal: Principal | None, run_id: UUID) -> Feed:
        """Return the feed of a run, wherever it is made.

        Raises: `NotFound` (404), `StorageUnavailable` (503).
        """
        with self._database.read() as connection:
            conversation, answer = access_run(connection, principal, run_id, "read")
        if (feed := self._live.get(run_id) or self._followed.get(run_id)) is not None:
            return feed
        if answer.state != "running":
            return ended(answer, conversation.title)
        followed = FollowedRun(answer, conversation.title, partial(self._load, run_id))
        self._followed[run_id] = followed
        followed.start(on_over=lambda: self._followed.pop(run_id, None))
        return followed

    def state(self, principal: Principal | None, run_id: UUID) -> tuple[StoredMessage, int]:
        """Return the answer of a run and how many characters of it there are.

        Raises: `NotFound` (404), `StorageUnavailable` (503).
        """
        with self._database.read() as connection:
            _, answer = access_run(connection, principal, run_id, "read")
        live = self._live.get(run_id)
        return answer, len(answer.text) if live is None else live.position

    def stop(self, principal: Principal | None, run_id: UUID) -> tuple[StoredMessage, int]:
        """End a run, wherever it is made, and keep what has arrived; a run that is over stays as it is.

        Raises: see `state`.
        """
        with self._database.read() as connection:
            _, answer = access_run(connection, principal, run_id, "write")
        if answer.state == "running":
            self._stop([run_id])
        return self.state(principal, run_id)

    def stop_all(self, conversation_id: UUID) -> None:
        """End all runs of a conversation."""
        with self._database.read() as connection:
            found = runs.of_conversation(connection, conversation_id)
        self._stop(found)

    def forget_requests(self, now: datetime) -> None:
        """Forget the keys of requests that nobody repeats any more."""
        with self._database.write() as connection:
            runs.forget_requests(connection, now - KEPT_REQUESTS)

    def drain(self, patience_s: float) -> None:
        """Let runs end by themselves for so long, then interrupt the rest; returns when all are saved."""
        patient_until = time.monotonic() + patience_s
        while self._live and time.monotonic() < patient_until:
            gevent.sleep(DRAIN_POLL_S)
        left = list(self._live.values())
        self._is_closed = True
        for run in left:
            run.end_early("interrupted")
        for run in left:
            run.join()
        self._writer.try_again()

    def _forget(self, run_id: UUID, right: Watch) -> None:
        self._live.pop(run_id, None)
        right.stop()

    def _stop(self, run_ids: list[UUID]) -> None:
        own = [self._live[run_id] for run_id in run_ids if run_id in self._live]
        for run in own:
            run.end_early("cancelled")
        for run in own:
            run.join()
        elsewhere = [run_id for run_id in run_ids if run_id not in self._live]
        if len(own) < len(run_ids):
            with self._database.write() as connection:
                runs.request_stop(connection, elsewhere)

    def _first_feed(self, principal: Principal, asked: StoredQuestion) -> Feed | None:
        """Return the feed of the request that came before under the same key, None when there is none.

        Raises: `InvalidBody` (422 `idempotency_mismatch`), `StillRunning` (409 `request_in_progress`).
        """
        if asked.request_key is None:
            return None
        with self._database.read() as connection:
            first = runs.repeated(connection, principal.owner_id, asked.request_key)
            if first is None:
                return None
            if first.body_hash != asked.body_hash:
                raise InvalidBody(
                    "This Idempotency-Key was used for another request; take a new one.", code="idempotency_mismatch"
                )
            conversation, answer = access_run(connection, principal, first.message_id, "read")
        if answer.state == "running":
            raise StillRunning(
                "The first request under this Idempotency-Key is still being answered.",
                code="request_in_progress",
                retry_after_s=1,
                facts={"run_id": str(answer.id), "conversation_id": str(conversation.id)},
            )
        return ended(answer, conversation.title)

    def _asked_of_model(self, principal: Principal, asked: StoredQuestion, model: Model) -> Asked:
        """Return what the model is asked; to answer again, the question is the stored one."""
        question, parent_id, is_summarised = asked.text, asked.parent_id, True
        if asked.conversation_id is not None:
            with self._database.read() as connection:
                ground = find_ground(connection, principal, asked)
            is_summarised = ground.conversation.is_summarised
            if question is None:
                assert ground.parent is not None
                question, parent_id = ground.parent.text, ground.parent.parent_id
        assert question is not None
        return Asked(
            owner_id=principal.owner_id,
            conversation_id=asked.conversation_id,
            parent_id=parent_id,
            question=question,
            model=model,
            max_tokens=asked.max_tokens,
            instructions=asked.instructions,
            is_summarised=is_summarised,
            own=asked.own,
        )

    def _prepare(self, asked: StoredQuestion, plan: Plan) -> Prepare:
        """Return what begins the answer; nothing that can be refused now is left for later."""
        if plan.is_to_be_summarised:

            def summarise(tell: Tell) -> Prepared:
                tell("summarising")
                done = self._context.summarised(plan)
                return Prepared(self._answer(asked, done), done.context, done.notices)

            return summarise
        prepared = Prepared(self._answer(asked, plan), plan.context, plan.notices)
        return lambda _: prepared

    def _answer(self, asked: StoredQuestion, plan: Plan) -> Answer:
        return self._answering.start(
            Question(
                messages=plan.messages,
                model=asked.model,
                temperature=asked.temperature,
                max_tokens=asked.max_tokens,
                own=asked.own,
                is_fitted=True,
            )
        )

    def _load(self, run_id: UUID) -> StoredMessage | None:
        with self._database.read() as connection:
            return messages.get(connection, run_id)
