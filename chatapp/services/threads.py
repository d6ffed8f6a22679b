"""The use case: read a conversation along the path that is shown, page by page from its end."""

import logging
import time
from uuid import UUID

import msgspec
from msgspec import UNSET, UnsetType

from chatapp.core.conversations import Conversation, Rating, StoredMessage
from chatapp.core.principals import Principal
from chatapp.core.prompt import Summary
from chatapp.errors import InvalidBody, NotFound, StorageUnavailable
from chatapp.services.access import access_conversation, access_message
from chatapp.services.rendering import RENDERER_VERSION, render
from chatapp.store import messages, summaries
from chatapp.store.db import Connection, Database

log = logging.getLogger(__name__)


class ShownMessage(msgspec.Struct, frozen=True):
    """A message and the ids of all that follow the same parent, itself included, in order."""

    message: StoredMessage
    siblings: list[UUID]


class ThreadPage(msgspec.Struct, frozen=True):
    """Part of a path, oldest message first; `has_more` says that older ones come before it.

    `summary` is what stands for the beginning of the path when a model is asked.
    """

    conversation: Conversation
    messages: list[ShownMessage]
    has_more: bool
    summary: Summary | None


class Threads:
    """Reading and marking messages. All methods raise `NotFound` (404) and `StorageUnavailable` (503)."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def page(
        self,
        principal: Principal | None,
        conversation_id: UUID,
        *,
        limit: int,
        before: UUID | None = None,
        at: UUID | None = None,
        is_rendered: bool = False,
    ) -> ThreadPage:
        """Return the last messages of the path that is shown, or of the newest path through the message `at`; with
        `before` those before that message on its own path.

        Cost: what is returned, and a step per message from `at` to the end.
        """
        with self._database.read() as connection:
            conversation = access_conversation(connection, principal, conversation_id, "read")
            last_id = _end_of_page(connection, conversation, before, at)
            path = [] if last_id is None else messages.path_up(connection, last_id, limit=limit + 1)
            shown = path[:limit][::-1]
            siblings = messages.siblings(connection, conversation.id, {each.parent_id for each in shown})
            summary = None
            if conversation.is_summarised and last_id is not None:
                summary = summaries.nearest(connection, conversation.id, last_id)
        if is_rendered:
            shown = self._rendered(shown)
        return ThreadPage(
            conversation,
            [ShownMessage(each, siblings[each.parent_id]) for each in shown],
            len(path) > limit,
            summary,
        )

    def mark(
        self,
        principal: Principal | None,
        conversation_id: UUID,
        message_id: UUID,
        *,
        rating: Rating | UnsetType | None = UNSET,
        is_pinned: bool | UnsetType = UNSET,
    ) -> ShownMessage:
        """Rate an answer, or keep a message in the context for good.

        Raises: also `InvalidBody` (422) for the rating of a question.
        """
        with self._database.write() as connection:
            conversation, found = access_message(connection, principal, message_id, "write")
            if conversation.id != conversation_id:
                raise NotFound("There is no such message in this conversation.")
            if rating is not UNSET and found.role != "assistant":
                raise InvalidBody("`rating` is for answers.")
            values = {"rating": rating, "is_pinned": is_pinned}
            values = {name: value for name, value in values.items() if value is not UNSET}
            if values:
                messages.change(connection, message_id, **values)
            marked = messages.get(connection, message_id)
            assert marked is not None, "it was there in the same transaction"
            siblings = messages.siblings(connection, conversation.id, [marked.parent_id])
        return ShownMessage(marked, siblings[marked.parent_id])

    def _rendered(self, shown: list[StoredMessage]) -> list[StoredMessage]:
        """Return the messages with answers as HTML, and keep what had to be rendered for the next time."""
        done = [_with_html(each) for each in shown]
        fresh = [
            new for new, old in zip(done, shown, strict=True) if new is not old and new.state != "running" and new.text
        ]
        if fresh:
            try:
                with self._database.write() as connection:
                    for each in fresh:
                        messages.change(connection, each.id, html=each.html, html_version=each.html_version)
            except StorageUnavailable:
                # It is shown all the same, and rendered again the next time.
                log.warning("thread.html_not_kept")
        return done


def _end_of_page(
    connection: Connection, conversation: Conversation, before: UUID | None, at: UUID | None
) -> UUID | None:
    if before is None and at is None:
        return conversation.head_id
    named = before or at
    assert named is not None
    found = messages.get(connection, named)
    if found is None or found.conversation_id != conversation.id:
        raise NotFound("There is no such message in this conversation.")
    return found.parent_id if before is not None else messages.newest_leaf(connection, found.id)


def _with_html(message: StoredMessage) -> StoredMessage:
    if message.role != "assistant" or (message.html is not None and message.html_version == RENDERER_VERSION):
        return message
    html = render(message.text) if message.text else ""
    # Rendering takes the processor: between two answers others get their turn.
    time.sleep(0)
    return msgspec.structs.replace(message, html=html, html_version=RENDERER_VERSION)
