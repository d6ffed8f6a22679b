"""Memory: facts that a person keeps for all conversations."""

from collections.abc import Callable
from uuid import UUID

import msgspec

from chatapp.core.memory import MAX_FACT_CHARS, MAX_FACTS, fact_in, is_same, memory_section, tidied
from chatapp.core.principals import Principal
from chatapp.errors import InvalidBody
from chatapp.services.access import access_fact, access_own_place
from chatapp.store import memory
from chatapp.store.db import Connection, Database
from chatapp.store.memory import Fact


class KeptFact(msgspec.Struct, frozen=True):
    """A fact and what it takes of a model's window."""

    fact: Fact
    tokens: int


class MemoryState(msgspec.Struct, frozen=True):
    """All of a person's facts, oldest first, and the tokens that telling them takes in each conversation."""

    is_enabled: bool
    tokens: int
    facts: tuple[KeptFact, ...]


class Memory:
    """The use cases around facts. `count` gives tokens as the default model counts them."""

    def __init__(self, database: Database, count: Callable[[str], int]) -> None:
        self._database = database
        self._count = count

    def state(self, principal: Principal | None) -> MemoryState:
        """Return what is remembered of a person; of a stranger, nothing."""
        if principal is None:
            return MemoryState(is_enabled=True, tokens=0, facts=())
        with self._database.read() as connection:
            is_enabled = memory.is_enabled(connection, principal.owner_id)
            facts = memory.facts_of(connection, principal.owner_id)
        return MemoryState(
            is_enabled=is_enabled,
            tokens=self._count(memory_section([fact.text for fact in facts])),
            facts=tuple(self._kept(fact) for fact in facts),
        )

    def switch(self, principal: Principal, *, is_on: bool) -> MemoryState:
        """Have models told of the facts, or not; the facts themselves stay."""
        with self._database.write() as connection:
            access_own_place(connection, principal)
            memory.enable(connection, principal.owner_id, is_on=is_on)
        return self.state(principal)

    def add(self, principal: Principal, text: str) -> KeptFact:
        """Keep a fact; one that is kept already is returned as it is.

        Raises: `InvalidBody` (422) for a text that is no fact, or one too many.
        """
        text = _read_fact(text)
        with self._database.write() as connection:
            access_own_place(connection, principal)
            memory.lock(connection, principal.owner_id)
            facts = memory.facts_of(connection, principal.owner_id)
            known = next((fact for fact in facts if is_same(fact.text, text)), None)
            if known is not None:
                return self._kept(known)
            if len(facts) >= MAX_FACTS:
                raise InvalidBody(f"`text` is one fact too many: at most {MAX_FACTS} are kept. Delete one first.")
            return self._kept(memory.add(connection, principal.owner_id, text))

    def change(self, principal: Principal | None, fact_id: UUID, text: str) -> KeptFact:
        """Say a fact differently.

        Raises: `NotFound` (404), `InvalidBody` (422).
        """
        text = _read_fact(text)
        with self._database.write() as connection:
            fact = access_fact(connection, principal, fact_id, "write")
            memory.lock(connection, fact.owner_id)
            others = [each for each in memory.facts_of(connection, fact.owner_id) if each.id != fact_id]
            if any(is_same(each.text, text) for each in others):
                raise InvalidBody("`text` says the same as another fact.")
            memory.change(connection, fact_id, text)
        return self._kept(msgspec.structs.replace(fact, text=text))

    def forget(self, principal: Principal | None, fact_id: UUID) -> None:
        """Delete a fact for good.

        Raises: `NotFound` (404).
        """
        with self._database.write() as connection:
            access_fact(connection, principal, fact_id, "delete")
            memory.remove(connection, fact_id)

    def learn(self, connection: Connection, owner_id: UUID, message: str) -> tuple[str, ...]:
        """Keep the fact that a message asks to remember, if it does; returns what the person is told of it.

        Never raises for a fact that cannot be kept: the message is answered all the same.
        """
        fact = fact_in(message)
        if fact is None:
            return ()
        if not memory.is_enabled(connection, owner_id):
            return ("Nothing was remembered: memory is off.",)
        memory.lock(connection, owner_id)
        facts = memory.facts_of(connection, owner_id)
        if any(is_same(each.text, fact) for each in facts):
            return ("This was remembered already.",)
        if len(facts) >= MAX_FACTS:
            return (f"Nothing was remembered: memory is full ({MAX_FACTS} facts).",)
        memory.add(connection, owner_id, fact)
        return (f"Remembered: {fact}",)

    def _kept(self, fact: Fact) -> KeptFact:
        return KeptFact(fact, self._count(fact.text))


def _read_fact(text: str) -> str:
    text = tidied(text)
    if not text:
        raise InvalidBody("`text` is empty: there is nothing to remember.")
    if len(text) > MAX_FACT_CHARS:
        raise InvalidBody(f"`text` is longer than {MAX_FACT_CHARS} characters.")
    return text
