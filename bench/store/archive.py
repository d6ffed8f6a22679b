"""One owner's conversations, made up row by row."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import count
from random import Random
from typing import Any
from uuid import UUID

import msgspec
from uuid_utils.compat import uuid7

from bench.store.texts import Language
from chatapp.core.search_terms import terms_of
from chatapp.services.rendering import RENDERER_VERSION
from chatapp.store.search import owner_term

Row = dict[str, Any]

LONG_THREAD = 2_000
RARE_TIMES = 10
_SIZES = (20, 80)  # messages of a conversation, about 50
_SIBLING_SHARE = 0.04
_FOLDERS = [f"Folder {number}" for number in range(1, 9)]
_TAGS = [f"tag-{number}" for number in range(1, 13)]
_LABELLED_SHARE = 0.2
_PINNED_SHARE = 0.01
_ARCHIVED_SHARE = 0.05
_DELETED_SHARE = 0.01
_BEGIN = datetime(2024, 1, 1, tzinfo=UTC)
_PAUSE = timedelta(seconds=37)
_USAGE = {"prompt_tokens": 1200, "completion_tokens": 80, "cached_tokens": 0, "reasoning_tokens": 0}


class Rows(msgspec.Struct):
    """Rows by table, in an order in which they may be inserted."""

    conversations: list[Row] = msgspec.field(default_factory=list)
    conversation_tags: list[Row] = msgspec.field(default_factory=list)
    messages: list[Row] = msgspec.field(default_factory=list)
    search_entries: list[Row] = msgspec.field(default_factory=list)


class Archive:
    """Makes `size` messages in conversations of about fifty, and a thread of 2,000 on top, the same at every size.

    One word is said in `RARE_TIMES` messages, spread over all of them, and nowhere else.
    """

    rare_word = "xylophonist"

    def __init__(self, *, size: int, language: Language, random: Random) -> None:
        self.owner_id: UUID = uuid7()
        self.long_thread: UUID = uuid7()
        self._size = size
        self._random = random
        self._language = language
        self._terms = {text: " ".join(terms_of(text)) for text in language.texts}
        self._owner_term = owner_term(self.owner_id)
        self._activity = count(1)
        self._said = 0
        self._rare_every = max(1, size // RARE_TIMES)

    def batches(self, *, of: int) -> Iterator[Rows]:
        """Yield all rows, about `of` messages at a time."""
        batch = Rows()
        self._add_conversation(batch, self.long_thread, LONG_THREAD, is_long=True)
        while self._said < self._size:
            length = min(self._random.randint(*_SIZES), self._size - self._said)
            self._add_conversation(batch, uuid7(), length)
            if len(batch.messages) >= of:
                yield batch
                batch = Rows()
        yield batch

    def _add_conversation(self, batch: Rows, conversation_id: UUID, length: int, *, is_long: bool = False) -> None:
        chance = self._random.random
        row = self._conversation(conversation_id, is_long=is_long)
        batch.conversations.append(row)
        self._add_entry(batch, row, None, row["title"])
        said: list[Row] = []
        # An answer comes last, so that one can go on.
        while len(said) < length or said[-1]["role"] == "user":
            said.append(self._message(row, said[-1] if said else None, can_be_rare=not is_long))
        batch.messages += said
        row["last_seq"], row["head_id"] = len(said), said[-1]["id"]
        for message in said:
            self._add_entry(batch, row, message["id"], message["text"])
        if chance() < _LABELLED_SHARE:
            for tag in self._random.sample(_TAGS, 2):
                labels = {"conversation_id": row["id"], "tag": tag, "owner_id": self.owner_id}
                batch.conversation_tags.append(labels)

    def _conversation(self, conversation_id: UUID, *, is_long: bool) -> Row:
        chance = self._random.random
        activity = next(self._activity)
        then = _BEGIN + activity * 40 * _PAUSE
        return {
            "id": conversation_id,
            "owner_id": self.owner_id,
            "title": self._language.say()[:50],
            "has_own_title": False,
            "created_at": then,
            "updated_at": then,
            "activity": activity,
            "is_pinned": not is_long and chance() < _PINNED_SHARE,
            "is_archived": not is_long and chance() < _ARCHIVED_SHARE,
            "is_summarised": True,
            "folder": self._random.choice(_FOLDERS) if chance() < _LABELLED_SHARE else None,
            "deleted_at": then if not is_long and chance() < _DELETED_SHARE else None,
        }

    def _message(self, row: Row, before: Row | None, *, can_be_rare: bool) -> Row:
        seq, parent_id, is_answer = 1, None, False
        if before is not None:
            # Now and then another answer to the same question.
            is_sibling = before["role"] == "assistant" and self._random.random() < _SIBLING_SHARE
            seq, parent_id = before["seq"] + 1, before["parent_id"] if is_sibling else before["id"]
            is_answer = is_sibling or before["role"] == "user"
        text = self._language.say()
        if can_be_rare:
            if self._said % self._rare_every == self._rare_every // 2:
                text = f"{text} {self.rare_word}"
            self._said += 1
        return {
            "id": uuid7(),
            "conversation_id": row["id"],
            "parent_id": parent_id,
            "seq": seq,
            "role": "assistant" if is_answer else "user",
            "text": text,
            "html": f"<p>{text}</p>\n" if is_answer else None,
            "html_version": RENDERER_VERSION if is_answer else None,
            "state": "complete",
            "created_at": row["created_at"] + seq * _PAUSE,
            "model": "gpt-4o" if is_answer else None,
            "is_pinned": False,
            **(_USAGE if is_answer else dict.fromkeys(_USAGE)),
            "is_estimated": False if is_answer else None,
            "cost_usd_micros": 3800 if is_answer else None,
            "elapsed_ms": 2100 if is_answer else None,
            "first_token_ms": 320 if is_answer else None,
            "finish_reason": "stop" if is_answer else None,
            "remarks": {"notices": [], "context": {"window": 128_000, "used_tokens": 1200}} if is_answer else None,
        }

    def _add_entry(self, batch: Rows, row: Row, message_id: UUID | None, text: str) -> None:
        terms = self._terms.get(text) or " ".join(terms_of(text))
        entry = {"conversation_id": row["id"], "message_id": message_id, "terms": f"{self._owner_term} {terms}"}
        batch.search_entries.append(entry)
