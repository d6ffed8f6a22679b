"""What a model is told of a stored conversation, however long it has grown."""

from collections.abc import Sequence
from functools import cache
from typing import Any
from uuid import UUID

import msgspec

from chatapp.core.chat import Message
from chatapp.core.context_window import TOKENS_PER_MESSAGE
from chatapp.core.memory import WINDOW_SHARE, memory_section, newest_that_fit
from chatapp.core.models import Model
from chatapp.core.own_servers import NOTHING_OWN, Own
from chatapp.core.prompt import (
    Count,
    Frame,
    Prompt,
    Said,
    Summary,
    Thread,
    count_to_summarise,
    prompt_of,
    summary_limit,
)
from chatapp.core.summarising import MAX_PIECES
from chatapp.errors import PayloadTooLarge
from chatapp.services.answering import Answering
from chatapp.services.places import Places
from chatapp.services.summarising import Summariser, ToSummarise
from chatapp.store import context, memory
from chatapp.store.db import Connection, Database

# Messages that are read at once: about as many as an ordinary thread has, then more and more.
BATCH = 32
MORE = 4
MOST_AT_ONCE = 512


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """A question to a stored conversation, whether it is stored itself yet or not.

    `parent_id` is the message that the question follows, None for the first; `conversation_id` None is a new one.
    `model` is the one that answers.
    """

    owner_id: UUID
    conversation_id: UUID | None
    parent_id: UUID | None
    question: str
    model: Model
    max_tokens: int | None = None
    instructions: str | None = None
    is_summarised: bool = True
    own: Own = NOTHING_OWN


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What a model is told; `messages` fit its window and can be sent as they are.

    `is_to_be_summarised` says that they leave out what a summary could stand for.
    """

    asked: Asked
    thread: Thread
    frame: Frame
    prompt: Prompt
    memory_tokens: int
    notices: tuple[str, ...] = ()
    is_to_be_summarised: bool = False

    @property
    def messages(self) -> tuple[Message, ...]:
        return self.prompt.messages

    @property
    def context(self) -> dict[str, Any]:
        """The figures for the reader, in tokens and messages."""
        summary = self.thread.summary
        return {
            "window": self.frame.window,
            "used_tokens": self.prompt.used_tokens,
            "omitted_messages": self.prompt.omitted,
            "summarised_messages": 0 if summary is None else summary.covers,
            "memory_tokens": self.memory_tokens,
        }


class ContextBuilder:
    """Reads as much of a conversation as the model can take, and has what is older summarised."""

    def __init__(self, database: Database, answering: Answering) -> None:
        self._database = database
        self._answering = answering
        self._summariser = Summariser(database, answering)
        self._places = Places()

    def plan(self, asked: Asked) -> Plan:
        """Return what the model is told; asks no model for anything.

        The rule: instructions, facts of the memory, the question and pinned messages always stay; of the rest the
        newest stay, as many as fit, and begin with a message of the person's. A summary stands for those before it.
        Cost: reads about as much text as fits the window, up to eight times as much when a summary is to be begun.
        Raises: `PayloadTooLarge` (413 `context_too_long`) when what must stay does not fit.
        """
        count = self._counting(asked)
        with self._database.read() as connection:
            facts = memory.told(connection, asked.owner_id)
            frame, memory_tokens, notices = _frame(asked, facts, count)
            thread = self._thread(connection, asked, frame, count)
        prompt = prompt_of(thread, frame, count)
        plan = Plan(
            asked=asked, thread=thread, frame=frame, prompt=prompt, memory_tokens=memory_tokens, notices=notices
        )
        is_possible = prompt.cut > 0 and asked.is_summarised and self._summariser.can(_task(plan, count), count)
        return msgspec.structs.replace(plan, is_to_be_summarised=is_possible)

    def summarised(self, plan: Plan) -> Plan:
        """Return the plan with a summary in the place of its oldest messages, or as it is when none is needed.

        Cost: one call of the model for each piece of about a window. When one fails, what does not fit is left out, and
        the notices say so.
        """
        if not plan.is_to_be_summarised:
            return plan
        count = self._counting(plan.asked)
        task = _task(plan, count)
        done = self._summariser.summarise(task, count)
        thread, notices = plan.thread, (*plan.notices, done.notice)
        if done.summary is not None:
            covered = len(task.said)
            thread = msgspec.structs.replace(
                thread,
                read=thread.read[covered:],
                summary=done.summary,
                pinned=[*thread.pinned, *(said for said in thread.read[:covered] if said.is_pinned)],
            )
        return msgspec.structs.replace(
            plan,
            thread=thread,
            prompt=prompt_of(thread, plan.frame, count),
            notices=notices,
            is_to_be_summarised=False,
        )

    def _counting(self, asked: Asked) -> Count:
        # Texts are looked at several times, and counting is the dear part.
        return cache(lambda text: self._answering.count(text, asked.model))

    def _thread(self, connection: Connection, asked: Asked, frame: Frame, count: Count) -> Thread:
        if asked.parent_id is None or asked.conversation_id is None:
            return Thread()
        read, summary = _read(connection, asked.parent_id, asked, frame, count)
        pins = context.pinned_ids(connection, asked.conversation_id)
        if read and read[0].parent_id is None:
            return Thread(read=read, count=len(read))
        place = self._places.find(connection, asked.parent_id, read, pins)
        older = [pin for pin in pins if pin in place.found and pin not in {said.id for said in read}]
        return Thread(read=read, summary=summary, pinned=_pinned(connection, older, frame, count), count=place.count)


def _frame(asked: Asked, facts: Sequence[str], count: Count) -> tuple[Frame, int, tuple[str, ...]]:
    """Return what is sent besides the thread, the tokens of the memory in it, and what the reader is told of it."""
    instructions = [asked.instructions] if asked.instructions else []
    frame = Frame(
        question=asked.question,
        sections=instructions,
        window=asked.model.context_window,
        max_tokens=asked.max_tokens,
    )
    told: Sequence[str] = facts
    room = frame.room(count)
    if room is not None and frame.window is not None:
        told = newest_that_fit(facts, limit=min(room - TOKENS_PER_MESSAGE, frame.window // WINDOW_SHARE), count=count)
    notices: tuple[str, ...] = ()
    if len(told) < len(facts):
        notices = (f"Of your memory, {len(facts) - len(told)} facts did not fit this model's window.",)
    section = memory_section(told)
    if not section:
        return frame, 0, notices
    return msgspec.structs.replace(frame, sections=[*instructions, section]), count(section), notices


def _read(
    connection: Connection, from_id: UUID, asked: Asked, frame: Frame, count: Count
) -> tuple[list[Said], Summary | None]:
    """Read upwards until the beginning, a summary, or more than fits; returns the oldest first.

    A summary that another model made, perhaps for a smaller window, is passed by if all of the thread fits this one.
    """
    room = frame.room(count)
    limit = room if room is None or not asked.is_summarised else room * MAX_PIECES
    read: list[Said] = []
    passed_by: tuple[int, Summary] | None = None
    tokens = 0
    at: UUID | None = from_id
    size = BATCH
    while at is not None:
        batch = context.said_up(connection, at, limit=size)
        size = min(size * MORE, MOST_AT_ONCE)
        at = batch[-1].parent_id if batch else None
        for said in batch:
            if asked.is_summarised and said.summary is not None and passed_by is None:
                if said.summary.model == asked.model.id:
                    return read[::-1], said.summary
                passed_by, limit = (len(read), said.summary), room
            read.append(said)
            tokens += 0 if room is None else count(said.text) + TOKENS_PER_MESSAGE
            if limit is not None and tokens > limit:
                return _until(read, passed_by)
    return read[::-1], None


def _until(read: list[Said], passed_by: tuple[int, Summary] | None) -> tuple[list[Said], Summary | None]:
    if passed_by is None:
        return read[::-1], None
    place, summary = passed_by
    return read[:place][::-1], summary


def _pinned(connection: Connection, ids: Sequence[UUID], frame: Frame, count: Count) -> list[Said]:
    """Read pinned messages, oldest first.

    Raises: `PayloadTooLarge` (413 `context_too_long`) when they alone are more than fits.
    """
    room = frame.room(count)
    found: list[Said] = []
    for start in range(0, len(ids), BATCH):
        batch = context.said(connection, ids[start : start + BATCH])
        found += batch
        if room is not None:
            room -= sum(count(said.text) for said in batch)
            if room < 0:
                raise PayloadTooLarge(
                    "The pinned messages leave no room in the model's window; unpin some.", code="context_too_long"
                )
    return found


def _task(plan: Plan, count: Count) -> ToSummarise:
    thread, asked = plan.thread, plan.asked
    assert asked.conversation_id is not None, "only a thread that goes on outgrows a window"
    return ToSummarise(
        conversation_id=asked.conversation_id,
        said=thread.read[: count_to_summarise(thread, plan.frame, count)],
        previous=thread.summary,
        limit=summary_limit(thread, plan.frame, count),
        model=asked.model,
        own=asked.own,
    )
