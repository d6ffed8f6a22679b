"""A model server that looks at the key it is shown, and what must never be found of a key."""

import json

from tests.wire.behaviours import BEHAVIOURS
from tests.wire.upstream import CANARY, Exchange, Upstream

REFUSED_KEY = "sk-refused-0123456789"


class KeyedUpstream(Upstream):
    """Lists a few models to whoever has any key but `REFUSED_KEY`; `listing` says what it does instead."""

    def __init__(self, listing: str = "models") -> None:
        self.listing = listing
        super().__init__({name: BEHAVIOURS[name] for name in ("good", "u05-401", "u16-redirect-307", "u16-loop")})

    @property
    def keys(self) -> list[str]:
        """The keys that were shown with questions, in order."""
        return [call.headers["authorization"] for call in self.calls if call.method == "POST"]

    def _list_models(self, exchange: Exchange) -> None:
        if exchange.call.headers["authorization"] == f"Bearer {REFUSED_KEY}":
            exchange.reply("401 Unauthorized", json.dumps({"error": {"message": f"{CANARY} {REFUSED_KEY}"}}).encode())
        elif self.listing == "redirect":
            exchange.reply("307 Temporary", b"{}", {"Location": f"http://127.0.0.1:{self.port}/v1/elsewhere"})
        elif self.listing == "page":
            exchange.reply("200 OK", f"<h1>{CANARY}</h1>".encode(), {"Content-Type": "text/html"})
        elif self.listing == "endless":
            exchange.head("200 OK", {"Content-Type": "application/json"})
            while True:
                exchange.send(b" " * 65536)
        elif self.listing == "deep":
            exchange.reply("200 OK", b'{"data":' + b"[" * 50_000, {"Content-Type": "application/json"})
        elif self.listing == "drip":
            exchange.head("200 OK", {"Content-Type": "application/json", "Content-Length": "1000"})
            while True:
                exchange.send(b" ")
                exchange.pause(0.02)
        else:
            super()._list_models(exchange)


def pieces_of(key: str) -> list[str]:
    """Every eight characters of a key: none of them may be found anywhere."""
    return [key[start : start + 8] for start in range(len(key) - 7)]
