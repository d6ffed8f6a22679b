"""How a run enters the database and how it leaves it."""

import logging
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import gevent
from uuid_utils.compat import uuid7

from chatapp.core.conversations import Conversation
from chatapp.core.principals import Principal
from chatapp.core.titles import title_of
from chatapp.errors import StorageUnavailable
from chatapp.services.access import access_own_place
from chatapp.services.memory import Memory
from chatapp.services.rendering import RENDERER_VERSION
from chatapp.services.runs.feed import Opening, Outcome
from chatapp.services.runs.followed import facts_of
from chatapp.services.runs.live import LiveRun
from chatapp.services.runs.questions import StoredQuestion, find_ground
from chatapp.store import conversations, messages, runs, search
from chatapp.store.db import Connection, Database

log = logging.getLogger(__name__)

# A question and its answer.
FIRST_MESSAGES = 2
# How long a reader waits for an answer to be saved before it is told that it is not.
SAVE_PAUSES_S = (0.0, 0.5, 1.0)
RETRY_S = 1.0


class RunWriter:
    """Writes the beginning and the end of this worker's runs, each in one transaction."""

    def __init__(self, database: Database, memory: Memory) -> None:
        self.worker_id = uuid7()
        self._database = database
        self._memory = memory
        # Runs that are over though the database does not know yet.
        self.unsaved: dict[UUID, tuple[LiveRun, Outcome]] = {}

    def begin(
        self,
        principal: Principal,
        asked: StoredQuestion,
        *,
        model: str,
        notices: Sequence[str],
        context: dict[str, Any],
    ) -> Opening:
        """Store a question, if it is a new one, and the empty answer to it.

        Raises: see `find_ground`; `IntegrityError` for a request key that is taken; `StorageUnavailable` (503).
        """
        run_id, owner_id = uuid7(), principal.owner_id
        with self._database.write() as connection:
            conversation = self._conversation(connection, principal, asked, run_id)
            if asked.text is not None:
                notices = (*notices, *self._memory.learn(connection, owner_id, asked.text))
            opening = Opening(
                run_id=run_id,
                conversation_id=conversation.id,
                question_id=uuid7() if asked.text is not None else asked.parent_id,
                title=conversation.title,
                model=model,
                notices=tuple(notices),
                context=context,
            )
            self._add_messages(connection, owner_id, asked, opening)
            runs.begin(connection, run_id, conversation.id, self.worker_id)
            if asked.request_key is not None:
                runs.remember_request(connection, owner_id, asked.request_key, asked.body_hash, run_id)
        return opening

    def end(self, run: LiveRun, outcome: Outcome) -> bool:
        """Write down how a run ended; False when the database did not take it, which is then tried on and on."""
        for pause_s in SAVE_PAUSES_S:
            gevent.sleep(pause_s)
            try:
                self._write_end(run, outcome)
            except StorageUnavailable:
                continue
            return True
        self.unsaved[run.opening.run_id] = (run, outcome)
        return False

    def keep_trying(self) -> None:
        """Write what could not be written when it ended, for as long as this process lives."""
        while True:
            gevent.sleep(RETRY_S)
            try:
                self.try_again()
            except Exception:
                log.exception("run.not_saved")

    def try_again(self) -> None:
        """Write what could not be written when it ended, as far as the database takes it."""
        for run_id, (run, outcome) in list(self.unsaved.items()):
            try:
                self._write_end(run, outcome)
            except StorageUnavailable:
                return
            self.unsaved.pop(run_id, None)

    def _conversation(
        self, connection: Connection, principal: Principal, asked: StoredQuestion, run_id: UUID
    ) -> Conversation:
        if asked.conversation_id is not None:
            # What is found must still be so when the message is added.
            conversations.lock(connection, asked.conversation_id)
            return find_ground(connection, principal, asked).conversation
        access_own_place(connection, principal)
        title = title_of(asked.text or "", "")
        return conversations.create(
            connection, owner_id=principal.owner_id, title=title, last_seq=FIRST_MESSAGES, head_id=run_id
        )

    def _add_messages(self, connection: Connection, owner_id: UUID, asked: StoredQuestion, opening: Opening) -> None:
        answer = {
            "id": opening.run_id,
            "parent_id": opening.question_id,
            "role": "assistant",
            "text": "",
            "state": "running",
            "model": opening.model,
            "remarks": {"notices": list(opening.notices), "context": opening.context},
        }
        rows = [answer]
        if asked.text is not None:
            question = {"id": opening.question_id, "parent_id": asked.parent_id, "role": "user", "text": asked.text}
            rows.insert(0, {**question, "state": "complete"})
        last_seq = FIRST_MESSAGES
        if asked.conversation_id is not None:
            last_seq = messages.next_seq(
                connection, asked.conversation_id, owner_id=owner_id, count=len(rows), head_id=opening.run_id
            )
        messages.add(connection, opening.conversation_id, rows, last_seq=last_seq)
        if asked.text is not None:
            search.index_text(
                connection,
                owner_id=owner_id,
                conversation_id=opening.conversation_id,
                message_id=opening.question_id,
                text=asked.text,
            )

    def _write_end(self, run: LiveRun, outcome: Outcome) -> None:
        run_id, text = run.opening.run_id, run.text
        remarks: dict[str, Any] = {"notices": list(outcome.notices), "context": outcome.context}
        if outcome.error is not None:
            remarks["error"] = facts_of(outcome.error)
        with self._database.write() as connection:
            if not runs.end(connection, run_id, self.worker_id):
                log.warning("run.taken_away", extra={"run": str(run_id)})
                return
            messages.finish(
                connection,
                run_id,
                text=text,
                state=outcome.state,
                usage=outcome.usage,
                html=outcome.html,
                html_version=None if outcome.html is None else RENDERER_VERSION,
                elapsed_ms=_whole(outcome.elapsed_ms),
                first_token_ms=_whole(outcome.first_token_ms),
                finish_reason=outcome.finish_reason,
                error_code=None if outcome.error is None else outcome.error.code,
                remarks=remarks,
            )
            owner_id = conversations.owner_of(connection, run.opening.conversation_id)
            if owner_id is not None:
                index_answer(connection, owner_id, run.opening.conversation_id, run_id, text)
            if run.first_question is not None:
                _entitle(connection, run)
        _tell(run, outcome)


def index_answer(connection: Connection, owner_id: UUID, conversation_id: UUID, answer_id: UUID, text: str) -> None:
    """Let a finished answer be found."""
    if text:
        search.index_text(
            connection, owner_id=owner_id, conversation_id=conversation_id, message_id=answer_id, text=text
        )


def _entitle(connection: Connection, run: LiveRun) -> None:
    """Let the first answer help to name its conversation, when the question alone said too little."""
    title = title_of(run.first_question or "", run.text)
    if title == run.opening.title:
        return
    conversation = conversations.get(connection, run.opening.conversation_id)
    if conversation is not None and not conversation.has_own_title:
        conversations.entitle(connection, conversation, title, is_own=False)


def _tell(run: LiveRun, outcome: Outcome) -> None:
    facts: dict[str, Any] = {
        "run": str(run.opening.run_id),
        "model": outcome.model,
        "finish_reason": outcome.finish_reason,
        "elapsed_ms": _whole(outcome.elapsed_ms),
        "first_token_ms": _whole(outcome.first_token_ms),
    }
    if outcome.error is not None:
        facts["outcome"] = outcome.error.code
    if outcome.usage is not None:
        facts |= {
            "prompt_tokens": outcome.usage.prompt_tokens,
            "completion_tokens": outcome.usage.completion_tokens,
            "estimated": outcome.usage.estimated,
            "cost_usd_micros": outcome.usage.cost_usd_micros,
        }
    log.info("run.ended", extra=facts)


def _whole(milliseconds: float | None) -> int | None:
    return None if milliseconds is None else round(milliseconds)
