"""What is asked in a stored conversation, checked against what the conversation has become."""

from uuid import UUID

import msgspec

from chatapp.core.conversations import Conversation, StoredMessage
from chatapp.core.own_servers import NOTHING_OWN, Own
from chatapp.core.principals import Principal
from chatapp.errors import Conflict, InvalidBody, NotFound, StillRunning
from chatapp.services.access import access_conversation
from chatapp.store import messages
from chatapp.store.db import Connection

# More than anybody reads at once; a tab that missed more reloads.
MOST_NEWER = 100


class StoredQuestion(msgspec.Struct, frozen=True, kw_only=True):
    """One message to a conversation that is kept.

    `conversation_id` None begins a new one; `text` None asks for another answer to the question `parent_id`;
    `is_branch` says that the parent may have children already. The same `request_key` with the same `body_hash` is the
    same request.
    """

    conversation_id: UUID | None
    parent_id: UUID | None
    text: str | None
    is_branch: bool = False
    instructions: str | None = None
    model: str | None = None
    temperature: float | None = None
    max_tokens: int | None = None
    own: Own = NOTHING_OWN
    request_key: str | None = None
    body_hash: str = ""


class StaleParent(Conflict):
    """The conversation went on elsewhere; `newer` are the messages after the parent, oldest first."""

    default_code = "stale_parent"

    def __init__(self, newer: list[StoredMessage]) -> None:
        super().__init__("This conversation went on elsewhere. Your message was not sent.")
        self.newer = newer


class Ground(msgspec.Struct, frozen=True):
    """Where a question is put: its conversation and the message before it, None at the beginning."""

    conversation: Conversation
    parent: StoredMessage | None


def find_ground(connection: Connection, principal: Principal, asked: StoredQuestion) -> Ground:
    """Return where the question goes.

    Raises: `NotFound` (404), `InvalidBody` (422), `StaleParent`, `StillRunning` (409).
    """
    assert asked.conversation_id is not None
    conversation = access_conversation(connection, principal, asked.conversation_id, "write")
    if asked.parent_id is None:
        first = messages.children(connection, conversation.id, None)
        if first and not asked.is_branch:
            raise StaleParent(_newer(connection, None, first[-1]))
        return Ground(conversation, None)
    parent = messages.get(connection, asked.parent_id)
    if parent is None or parent.conversation_id != conversation.id:
        raise NotFound("`parent_id` is no message of this conversation.")
    if parent.role != ("user" if asked.text is None else "assistant"):
        raise InvalidBody("`parent_id` must be an answer, or without `message` a question.")
    if asked.text is not None:
        _check_free(connection, parent, is_branch=asked.is_branch)
    return Ground(conversation, parent)


def _check_free(connection: Connection, parent: StoredMessage, *, is_branch: bool) -> None:
    if parent.state == "running":
        raise StillRunning("The answer before this message is still being written.")
    if not is_branch and (newest := messages.newest_leaf(connection, parent.id)) != parent.id:
        raise StaleParent(_newer(connection, parent.id, newest))


def _newer(connection: Connection, parent_id: UUID | None, below: UUID) -> list[StoredMessage]:
    found = messages.path_up(connection, messages.newest_leaf(connection, below), limit=MOST_NEWER)
    place = next((index for index, each in enumerate(found) if each.id == parent_id), len(found))
    return found[:place][::-1]
