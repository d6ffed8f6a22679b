"""Where messages stand on long paths, remembered: the way up to the beginning is walked once, not for each answer."""

from collections import OrderedDict
from collections.abc import Sequence
from uuid import UUID

import msgspec

from chatapp.core.prompt import Said
from chatapp.store import context
from chatapp.store.context import Place
from chatapp.store.db import Connection

MAX_REMEMBERED = 5_000


class _Known(msgspec.Struct, frozen=True):
    """A place, and which messages it was asked for."""

    place: Place
    asked: frozenset[UUID]


class Places:
    """Finds places of messages. What is above a message never changes, so what was found once stays true."""

    def __init__(self) -> None:
        self._known: OrderedDict[UUID, _Known] = OrderedDict()

    def find(self, connection: Connection, message_id: UUID, read: Sequence[Said], among: Sequence[UUID]) -> Place:
        """Return the place of a message, and which of `among` are on its path.

        `read` is the path right up from the message, oldest first. Cost: nothing when the place of one of them is
        known; else see `store.context.place_of`.
        """
        ids = frozenset(said.id for said in read)
        older = frozenset(among) - ids
        place = self._from_known(read, older) or context.place_of(connection, message_id, older)
        place = Place(place.count, place.found | (frozenset(among) & ids))
        self._known[message_id] = _Known(place, frozenset(among))
        self._known.move_to_end(message_id)
        if len(self._known) > MAX_REMEMBERED:
            self._known.popitem(last=False)
        return place

    def _from_known(self, read: Sequence[Said], older: frozenset[UUID]) -> Place | None:
        for steps, said in enumerate(reversed(read)):
            known = self._known.get(said.id)
            if known is not None and older <= known.asked:
                return Place(known.place.count + steps, known.place.found & older)
        return None
