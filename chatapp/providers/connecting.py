"""Finding the addresses of a server and connecting to one of them."""

from collections.abc import Callable, Sequence
from ipaddress import ip_address
from typing import Any

from gevent import socket

# Family and socket address; the latter is what `connect` takes, so that nothing is looked up a second time.
Address = tuple[int, Any]
AddressesOf = Callable[[str, int], Sequence[Address]]


def any_addresses(host: str, port: int) -> Sequence[Address]:
    """Return where a host is, wherever that may be.

    Raises: `OSError`, `UnicodeError`.
    """
    try:
        # An address needs no look-up, and a look-up takes a thread.
        return [(socket.AF_INET6 if ip_address(host).version == 6 else socket.AF_INET, (host, port))]
    except ValueError:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        return [(each[0], each[4]) for each in found]


def connect(addresses: Sequence[Address], timeout_s: float) -> socket.socket:
    """Connect to the first address that answers.

    Raises: `TimeoutError`, `OSError` of the last address.
    """
    failure: OSError = OSError("the name has no address")
    for family, address in addresses:
        sock = socket.socket(family, socket.SOCK_STREAM)
        sock.settimeout(timeout_s)
        try:
            sock.connect(address)
        except OSError as exc:
            sock.close()
            failure = exc
        except BaseException:
            sock.close()
            raise
        else:
            return sock
    raise failure
