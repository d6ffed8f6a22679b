"""The prompt that is made of a long thread: what stays word for word, what stands for the rest, what is left out."""

from collections.abc import Callable, Sequence
from typing import Literal
from uuid import UUID

import msgspec

from chatapp.core.chat import Message
from chatapp.core.context_window import TOKENS_PER_MESSAGE, answer_room, count_prompt, fit
from chatapp.core.summarising import SUMMARY_SHARE, SUMMARY_TOKENS, Line, kept_section, summary_section, trimmed
from chatapp.errors import PayloadTooLarge

Count = Callable[[str], int]


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    """What stands for the `covers` messages of a path that end with `until_id`."""

    until_id: UUID
    text: str
    model: str
    covers: int


class Said(msgspec.Struct, frozen=True, kw_only=True):
    """One message of a path, and the summary that covers it and what is above it, if there is one."""

    id: UUID
    parent_id: UUID | None
    role: Literal["user", "assistant"]
    text: str
    is_pinned: bool = False
    summary: Summary | None = None

    @property
    def is_empty(self) -> bool:
        """An answer that failed before its first word was never said."""
        return not self.text.strip()


class Thread(msgspec.Struct, frozen=True, kw_only=True):
    """What was read of a path: its newest messages, what stands for those before, and pinned ones from among those.

    Lists are oldest first. `count` is how many messages the path has above the question.
    """

    read: Sequence[Said] = ()
    summary: Summary | None = None
    pinned: Sequence[Said] = ()
    count: int = 0


class Frame(msgspec.Struct, frozen=True, kw_only=True):
    """What is sent besides the thread: texts for the system message, and the question.

    Units: tokens; an unknown window has room for everything.
    """

    question: str
    sections: Sequence[str] = ()
    window: int | None = None
    max_tokens: int | None = None

    def room(self, count: Count) -> int | None:
        """Return what is free for the thread, possibly less than nothing."""
        if self.window is None:
            return None
        fixed = [*(Message("system", text) for text in self.sections), Message("user", self.question)]
        return self.window - answer_room(self.window, self.max_tokens) - count_prompt(fixed, count)


class Prompt(msgspec.Struct, frozen=True, kw_only=True):
    """What is sent.

    `cut` of the messages that were read did not fit; `omitted` are all those that the model knows nothing of.
    """

    messages: tuple[Message, ...]
    used_tokens: int
    cut: int
    omitted: int


def prompt_of(thread: Thread, frame: Frame, count: Count) -> Prompt:
    """Return the prompt by the stated rule: see `core.context_window.fit`; pinned messages and a summary stay too.

    All that stays from before the newest messages is in one system message at the beginning, since some models take
    no other.
    Raises: `PayloadTooLarge` (413 `context_too_long`) when what must stay does not fit.
    """
    said = [each for each in thread.read if not each.is_empty]
    turns = (*(Message(each.role, each.text) for each in said), Message("user", frame.question))
    summary = _told_summary(thread.summary, frame, count)
    pinned = [each for each in thread.pinned if not each.is_empty]
    cut = 0
    while True:
        system = _system_message([*frame.sections, *summary], pinned)
        fitted = _fitted((*system, *turns), frame, count, has_pinned=bool(pinned))
        now_cut = len(turns) + len(system) - len(fitted)
        if now_cut == cut:
            break
        # What is pinned among the messages just cut moves up, which may take the place of others.
        pinned += [each for each in said[cut:now_cut] if each.is_pinned]
        cut = now_cut
    covered = 0 if thread.summary is None else thread.summary.covers
    unread = max(0, thread.count - covered - len(thread.read))
    kept = sum(each.is_pinned for each in said[:cut]) + (0 if covered else len(thread.pinned))
    return Prompt(
        messages=fitted,
        used_tokens=count_prompt(fitted, count),
        cut=cut,
        omitted=max(0, unread + cut - kept),
    )


def summary_limit(thread: Thread, frame: Frame, count: Count) -> int:
    """Return how many tokens a new summary may have: a share of the room, and not more than anybody would read."""
    room = _room_beside_pinned(thread, frame, count)
    return min(SUMMARY_TOKENS, room // SUMMARY_SHARE)


def count_to_summarise(thread: Thread, frame: Frame, count: Count) -> int:
    """Return how many of the oldest messages that were read a summary should cover, to free half of the room."""
    room = _room_beside_pinned(thread, frame, count) // 2 - summary_limit(thread, frame, count)
    first_kept = len(thread.read)
    for place in range(len(thread.read) - 1, -1, -1):
        said = thread.read[place]
        room -= 0 if said.is_empty else count(said.text) + TOKENS_PER_MESSAGE
        if room < 0:
            break
        # What follows the summary begins with a message of the person's.
        if said.role == "user":
            first_kept = place
    return first_kept


def _room_beside_pinned(thread: Thread, frame: Frame, count: Count) -> int:
    room = frame.room(count)
    assert room is not None, "nothing outgrows an unknown window"
    return max(0, room - sum(count(each.text) + TOKENS_PER_MESSAGE for each in thread.pinned))


def _told_summary(summary: Summary | None, frame: Frame, count: Count) -> list[str]:
    if summary is None:
        return []
    room = frame.room(count)
    # It may have been made for a larger window.
    text = summary.text if room is None else trimmed(summary.text, max(0, room) // SUMMARY_SHARE, count)
    return [summary_section(text)] if text else []


def _system_message(sections: Sequence[str], pinned: Sequence[Said]) -> tuple[Message, ...]:
    kept = [kept_section([Line(each.role, each.text) for each in pinned])] if pinned else []
    texts = [text for text in (*sections, *kept) if text]
    return (Message("system", "\n\n".join(texts)),) if texts else ()


def _fitted(messages: Sequence[Message], frame: Frame, count: Count, *, has_pinned: bool) -> tuple[Message, ...]:
    try:
        return fit(messages, window=frame.window, max_tokens=frame.max_tokens, count=count).messages
    except PayloadTooLarge:
        if not has_pinned or (room := frame.room(count)) is None or room < 0:
            raise
    raise PayloadTooLarge(
        "The pinned messages leave no room for this one in the model's window; unpin some.", code="context_too_long"
    )
