"""Everything that is kept of a person, to take away."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import msgspec

from chatapp.core.administration import AuditEvent
from chatapp.core.principals import Principal
from chatapp.services.accounts.profiles import Profiles
from chatapp.store import audit, conversations, memory, messages, passkeys, personal_tokens, provider_keys, sessions
from chatapp.store.db import Database

BATCH = 50
MESSAGES_AT_ONCE = 200
MOST_EVENTS = 10_000


class Downloading:
    """All methods raise `StorageUnavailable` (503), at the latest with the first piece."""

    def __init__(self, database: Database, profiles: Profiles) -> None:
        self._database = database
        self._profiles = profiles

    def pieces(self, principal: Principal) -> Iterator[bytes]:
        """Yield one JSON object piece by piece: the account, its memory, its conversations, what was done with it.

        Secrets are in it neither in the open nor as hashes. What changes meanwhile is in it as it was when it was read.
        """
        yield b'{"account":' + _json(self._account(principal)) + b',"conversations":['
        separator = b""
        after: UUID | None = None
        while True:
            with self._database.read() as connection:
                found = conversations.of_owner(connection, principal.owner_id, limit=BATCH, after=after)
            for conversation_id in found:
                for piece in self._conversation(conversation_id):
                    yield separator + piece
                    separator = b""
                separator = b","
            if len(found) < BATCH:
                break
            after = found[-1]
        yield b"]}\n"

    def _account(self, principal: Principal) -> dict[str, Any]:
        profile = self._profiles.get(principal)
        person = principal.owner_id
        with self._database.read() as connection:
            return {
                "taken_at": datetime.now(UTC),
                "profile": profile.user,
                "groups": [name for _, name in profile.groups],
                "identities": profile.issuers,
                "memory": [
                    {"text": fact.text, "created_at": fact.created_at} for fact in memory.facts_of(connection, person)
                ],
                "sessions": sessions.of_user(connection, person, datetime.now(UTC)),
                "tokens": personal_tokens.of_user(connection, person),
                "passkeys": [
                    {"name": each.name, "created_at": each.created_at, "last_used_at": each.last_used_at}
                    for each in passkeys.of_user(connection, person)
                ],
                "keys": [
                    {
                        "name": each.name,
                        "base_url": each.base_url,
                        "last_four": each.last_four,
                        "created_at": each.created_at,
                    }
                    for each in provider_keys.of_user(connection, person)
                ],
                "events": [
                    _without_others(event, person)
                    for event in audit.page(connection, limit=MOST_EVENTS, person_id=person)
                ],
            }

    def _conversation(self, conversation_id: UUID) -> Iterator[bytes]:
        with self._database.read() as connection:
            found = conversations.get(connection, conversation_id)
            if found is None:
                return
            tags = conversations.tags_of(connection, [conversation_id])[conversation_id]
        head = _json({**msgspec.to_builtins(found), "tags": tags})
        yield head[:-1] + b',"messages":['
        separator = b""
        after = 0
        while True:
            with self._database.read() as connection:
                part = messages.in_order(connection, conversation_id, after=after, limit=MESSAGES_AT_ONCE)
            for message in part:
                # Rendered text is made from the text.
                yield separator + _json(msgspec.structs.replace(message, html=None, html_version=None))
                separator, after = b",", message.seq
            if len(part) < MESSAGES_AT_ONCE:
                break
        yield b"]}"


def _without_others(event: AuditEvent, person: UUID) -> AuditEvent:
    """Leave out from where somebody else did something to this person, such as an administrator."""
    return event if event.actor_id in (None, person) else msgspec.structs.replace(event, address="", request_id="")


def _json(value: Any) -> bytes:
    return msgspec.json.encode(value)
