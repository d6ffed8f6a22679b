"""Addresses that a person may have this server connect to: those of the internet, none of its own network."""

import socket
from collections.abc import Callable, Sequence
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any

import gevent
from gevent import monkey
from gevent.threadpool import ThreadPool

from chatapp.providers.connecting import Address

IPAddress = IPv4Address | IPv6Address
LookUp = Callable[..., Sequence[tuple[Any, ...]]]

# Names that are slow to look up must not keep others waiting: these threads are for nothing else.
THREADS = 4
# Whoever names a host says how many addresses it has, and each may take the whole time to connect to.
MOST_TRIED = 4

# What of IPv6 is the internet, and parts of it that are not: Teredo and other special uses, documentation, 6to4.
IPV6_INTERNET = IPv6Network("2000::/3")
IPV6_SPECIAL = tuple(map(IPv6Network, ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20")))
IPV6_HOME = tuple(map(IPv6Network, ("fc00::/7", "::1/128")))
# Special uses of IPv4 that the standard library of some Python versions calls global: protocols, 6to4 relays.
IPV4_SPECIAL = tuple(map(ip_network, ("192.0.0.0/24", "192.88.99.0/24", "0.0.0.0/8", "240.0.0.0/4")))
# IPv6 addresses that stand for an IPv4 address behind a translator.
TRANSLATED = IPv6Network("64:ff9b::/96")
# Where clouds tell a machine its credentials; the last of the first line lies among public addresses.
METADATA = frozenset(
    map(ip_address, ("169.254.169.254", "100.100.100.200", "192.0.0.192", "168.63.129.16"))
) | frozenset(map(ip_address, ("fd00:ec2::254", "fd20:ce::254")))


class RefusedAddress(OSError):
    """A name, or an address, leads to where people may not have the server connect."""


class CheckedAddresses:
    """Looks hosts up and refuses those of which a single address is not allowed.

    `look_up` is what `socket.getaddrinfo` is; it runs in threads of its own. With `is_home` also private addresses are
    allowed, though never those of links, of groups and of cloud metadata.
    """

    def __init__(self, *, timeout_s: float, is_home: bool = False, look_up: LookUp | None = None) -> None:
        self._timeout_s = timeout_s
        self._is_allowed = is_allowed_at_home if is_home else is_public
        # gevent's own would run on its pool, which the whole worker shares.
        self._look_up: LookUp = look_up or monkey.get_original("socket", "getaddrinfo")
        self._threads: ThreadPool | None = None

    def __call__(self, host: str, port: int) -> Sequence[Address]:
        """Return the addresses of a host as they are to be connected to.

        Raises: `RefusedAddress`, `TimeoutError`, other kinds of `OSError`, `UnicodeError`.
        """
        if self._threads is None:
            # Not before the fork: threads do not come along.
            self._threads = ThreadPool(THREADS)
        with gevent.Timeout(self._timeout_s, TimeoutError("looking up the name took too long")):
            found = self._threads.apply(_looked_up, (self._look_up, host, port))
        if isinstance(found, Exception):
            raise found
        addresses = [(each[0], each[4]) for each in found]
        if not addresses or not all(self._is_allowed(str(address[0])) for _, address in addresses):
            raise RefusedAddress("not an address of the internet")
        return addresses[:MOST_TRIED]


def _looked_up(look_up: LookUp, host: str, port: int) -> Sequence[tuple[Any, ...]] | Exception:
    """Look a host up; an error is returned, because gevent prints what is raised in a thread."""
    try:
        return look_up(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as exc:
        return exc


def is_public(raw: str) -> bool:
    """Say whether an address is one of the internet."""
    address = _meant(raw)
    if address is None or address in METADATA or address.is_multicast:
        return False
    if isinstance(address, IPv4Address):
        return address.is_global and not any(address in network for network in IPV4_SPECIAL)
    return address in IPV6_INTERNET and not any(address in network for network in IPV6_SPECIAL)


def is_allowed_at_home(raw: str) -> bool:
    """Say whether an address is one of the internet, or a private one that somebody may mean."""
    address = _meant(raw)
    if address is None or address in METADATA or address.is_multicast or address.is_link_local:
        return False
    if isinstance(address, IPv4Address):
        return not any(address in network for network in IPV4_SPECIAL)
    return is_public(raw) or any(address in network for network in IPV6_HOME)


def _meant(raw: str) -> IPAddress | None:
    """Return the address that packets reach in the end, None for what is none or holds for one link only."""
    try:
        address = ip_address(raw)
    except ValueError:
        return None
    if isinstance(address, IPv6Address):
        if address.scope_id is not None:
            return None
        if address.ipv4_mapped is not None:
            return address.ipv4_mapped
        if address in TRANSLATED:
            return IPv4Address(int(address) & 0xFFFF_FFFF)
    return address
