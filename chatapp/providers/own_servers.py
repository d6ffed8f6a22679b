"""Model servers that people name themselves."""

from collections import OrderedDict
from collections.abc import Callable

from chatapp.providers.openai_compatible import OpenAICompatible

MOST_KNOWN = 128


class OwnServers:
    """Gives the adapter for any base URL; the ones used last are kept.

    Adapters hold nothing of anybody's: a key travels with each request, and each request has its own connection.
    """

    def __init__(self, make: Callable[[str], OpenAICompatible]) -> None:
        self._make = make
        self._known: OrderedDict[str, OpenAICompatible] = OrderedDict()

    def at(self, base_url: str) -> OpenAICompatible:
        """Return who speaks with the server at a URL that `core.own_servers` found to be one."""
        server = self._known.pop(base_url, None) or self._make(base_url)
        self._known[base_url] = server
        if len(self._known) > MOST_KNOWN:
            self._known.popitem(last=False)
        return server
