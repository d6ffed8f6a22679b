"""Model servers that people name themselves: how their addresses are written, and what is known of them."""

import re
from collections.abc import Callable
from ipaddress import IPv4Address, IPv6Address

import msgspec

from chatapp.core.models import Model
from chatapp.errors import InvalidBody

LONGEST_URL = 300
# One way to write an address and no other, so that every parser reads the same: nothing is escaped, nobody is named
# before the host, nothing comes after the path, and an address in digits is written as usual.
URL_FORM = re.compile(
    r"(?P<scheme>https?)://"
    r"(?P<host>(?:[a-z0-9](?:[a-z0-9_-]{0,61}[a-z0-9])?\.)*[a-z0-9](?:[a-z0-9_-]{0,61}[a-z0-9])?|\[[0-9a-f:.]{2,45}\])"
    r"(?::(?P<port>[1-9][0-9]{0,4}))?"
    r"(?P<path>(?:/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)*)/?\Z"
)
# A host that ends in such a label is taken for an address by resolvers.
NUMBER_FORM = re.compile(r"(?:[0-9]+|0x[0-9a-f]*)\Z")
USUAL_PORTS = {"https": 443, "http": 80}
LEAST_FREE_PORT = 1024

# Stands before the models of people's own servers, so that none is ever taken for one of the provider's.
PREFIX = "own/"
NAME_FORM = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,39}\Z")
LONGEST_MODEL_ID = 200

OpenKey = Callable[[], str]


class OwnServer(msgspec.Struct, frozen=True, kw_only=True):
    """A model server of somebody's own. `open_key` gives its key, decrypted, or raises `Conflict` (409)."""

    name: str
    base_url: str
    open_key: OpenKey
    model_ids: tuple[str, ...] = ()

    def model(self, model_id: str) -> Model:
        """Return what is known of a model there: where it is, and no price."""
        return Model(id=f"{PREFIX}{self.name}/{model_id}", name=model_id, provider=host_of(self.base_url))


class Own(msgspec.Struct, frozen=True, kw_only=True):
    """What a person brings along to be answered: a key for the configured provider, and servers of their own."""

    open_key: OpenKey | None = None
    servers: tuple[OwnServer, ...] = ()

    def server(self, name: str) -> OwnServer | None:
        return next((each for each in self.servers if each.name == name), None)


NOTHING_OWN = Own()


def checked_base_url(raw: str, *, is_home: bool) -> str:
    """Return the address of a model server as it is kept and connected to.

    With `is_home` it may do without TLS. Where the host leads to is seen when it is connected to.
    Raises: `InvalidBody` (422).
    """
    url = raw.strip(" ")
    scheme, separator, rest = url.partition("://")
    host, slash, path = rest.partition("/")
    found = URL_FORM.match(f"{scheme}{separator}{host}".lower() + slash + path)
    if found is None or not url.isascii() or len(url) > LONGEST_URL or not _is_plain(found["host"]):
        raise InvalidBody(
            "`base_url` is not the address of a server: write it like https://models.example.com/v1, without user, "
            "query or anything escaped."
        )
    if found["scheme"] != "https" and not is_home:
        raise InvalidBody("`base_url` must begin with https://: your key would travel in the open.")
    port = int(found["port"] or 0)
    if port in USUAL_PORTS.values():
        is_usual = port == USUAL_PORTS[found["scheme"]]
        port = 0 if is_usual else port
    elif port and not LEAST_FREE_PORT <= port <= 65535:
        raise InvalidBody(f"`base_url` names port {port}; 80, 443 and those from {LEAST_FREE_PORT} on can be used.")
    return f"{found['scheme']}://{found['host']}{f':{port}' if port else ''}{found['path']}"


def _is_plain(host: str) -> bool:
    """Say whether a host is a name, or an address in its usual form: not 127.1, 0x7f000001 or 0177.0.0.1."""
    try:
        if host.startswith("["):
            return bool(IPv6Address(host[1:-1]))
        return NUMBER_FORM.match(host.rpartition(".")[2]) is None or bool(IPv4Address(host))
    except ValueError:
        return False


def host_of(base_url: str) -> str:
    """Return the host, and the port if it is not the usual one, for people to read."""
    return base_url.partition("://")[2].partition("/")[0]


def checked_server_name(name: str) -> str:
    """Return a name that can stand within the names of models.

    Raises: `InvalidBody` (422).
    """
    if not NAME_FORM.match(name):
        raise InvalidBody(
            "`name` stands in the names of this server's models: use up to 40 letters, digits, dots, - and _."
        )
    return name
