"""Who may do what: the one door to everything that belongs to somebody.

Each function returns the object or raises; what does not exist and what is somebody else's look the same.
"""

from typing import Literal, NoReturn
from uuid import UUID

from chatapp.core.conversations import Conversation, StoredMessage
from chatapp.core.principals import Principal
from chatapp.errors import NotFound
from chatapp.services.revoking import signed_out, suspended
from chatapp.store import conversations, memory, messages, owners, provider_keys, users
from chatapp.store.db import Connection
from chatapp.store.memory import Fact
from chatapp.store.provider_keys import ProviderKey

Action = Literal["read", "write", "delete", "restore"]


def access_own_place(connection: Connection, principal: Principal) -> None:
    """See that there is somebody whose the new thing will be, until the transaction ends.

    A guest is stored with their first thing. An account may have been closed while its request was on the way: what is
    written then would be nobody's, and stay for ever.
    Raises: `Unauthorized` (401 `signed_out`), `Forbidden` (403 `account_suspended`).
    """
    if principal.kind == "guest":
        owners.ensure(connection, principal.owner_id)
        return
    standing = users.standing(connection, principal.owner_id)
    if standing == "gone":
        raise signed_out()
    if standing == "suspended":
        raise suspended()


def access_conversation(
    connection: Connection, principal: Principal | None, conversation_id: UUID, action: Action
) -> Conversation:
    """Return a conversation that the principal may do this with; a deleted one can only be restored.

    Raises: `NotFound` (404).
    """
    found = conversations.get(connection, conversation_id)
    if found is None or principal is None or found.owner_id != principal.owner_id:
        _refuse("conversation")
    if (found.deleted_at is not None) != (action == "restore") and not (action == "delete" and found.deleted_at):
        _refuse("conversation")
    return found


def access_message(
    connection: Connection, principal: Principal | None, message_id: UUID, action: Action
) -> tuple[Conversation, StoredMessage]:
    """Return a message and its conversation.

    Raises: `NotFound` (404).
    """
    found = messages.get(connection, message_id)
    if found is None:
        _refuse("message")
    try:
        return access_conversation(connection, principal, found.conversation_id, action), found
    except NotFound:
        _refuse("message")


def access_run(
    connection: Connection, principal: Principal | None, run_id: UUID, action: Action
) -> tuple[Conversation, StoredMessage]:
    """Return the answer that a run makes, or has made, and its conversation.

    Raises: `NotFound` (404).
    """
    try:
        conversation, answer = access_message(connection, principal, run_id, action)
    except NotFound:
        _refuse("run")
    if answer.role != "assistant":
        _refuse("run")
    return conversation, answer


def access_fact(
    connection: Connection,
    principal: Principal | None,
    fact_id: UUID,
    action: Action,  # noqa: ARG001  # its owner may do everything with a fact
) -> Fact:
    """Return a fact of the principal's memory.

    Raises: `NotFound` (404).
    """
    found = memory.get(connection, fact_id)
    if found is None or principal is None or found.owner_id != principal.owner_id:
        _refuse("fact")
    return found


def access_provider_key(
    connection: Connection,
    principal: Principal | None,
    key_id: UUID,
    action: Action,  # noqa: ARG001  # its owner may do everything with a key, and nobody else anything
) -> ProviderKey:
    """Return a provider key of the principal's own.

    Raises: `NotFound` (404).
    """
    found = provider_keys.get(connection, key_id)
    if found is None or principal is None or found.user_id != principal.owner_id:
        _refuse("key")
    return found


def _refuse(what: str) -> NoReturn:
    raise NotFound(f"There is no such {what}.")
