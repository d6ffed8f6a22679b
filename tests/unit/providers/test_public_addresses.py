"""Where people may have the server connect: the internet, and none of what is near the server."""

import socket
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest

from chatapp.providers.public_addresses import (
    MOST_TRIED,
    CheckedAddresses,
    RefusedAddress,
    is_allowed_at_home,
    is_public,
)
from chatapp.providers.transport import GeventTransport, UpstreamNotAllowed
from tests.unit.providers.test_transport import HELLO, RawServer

PUBLIC = ["8.8.8.8", "93.184.216.34", "2606:2800:220:1::1", "::ffff:8.8.8.8", "64:ff9b::8.8.8.8", "2a00:1450::1"]
PRIVATE = ["127.0.0.1", "127.255.0.9", "10.0.0.1", "172.16.5.4", "192.168.1.1", "100.64.0.1", "::1", "fd12::1"]
PRIVATE += ["::ffff:127.0.0.1", "::ffff:7f00:1", "64:ff9b::7f00:1", "198.18.0.1", "192.0.2.1"]
NEVER = [
    "169.254.169.254",
    "169.254.1.1",
    "::ffff:169.254.169.254",
    "64:ff9b::a9fe:a9fe",
    "100.100.100.200",
    "192.0.0.192",
    "168.63.129.16",
    "fd00:ec2::254",
    "0.0.0.0",
    "0.1.2.3",
    "::",
    "224.0.0.1",
    "255.255.255.255",
    "240.0.0.1",
    "192.88.99.1",
    "ff02::1",
    "fe80::1",
    "fe80::1%1",
    "fec0::1",
    "2001::1",
    "2001:db8::1",
    "2002:7f00:1::",
    "2002:a9fe:a9fe::",
    "3fff::1",
    "100::1",
    "::127.0.0.1",
    "64:ff9b:1::7f00:1",
    "::ffff:0:127.0.0.1",
    "2606:2800:220:1::1%1",
    "not an address",
]


def test_only_addresses_of_the_internet_are_public() -> None:
    """Whatever way a private one is wrapped in."""
    assert [address for address in PUBLIC if not is_public(address)] == []
    assert [address for address in PRIVATE + NEVER if is_public(address)] == []
    assert [address for address in PUBLIC + PRIVATE if not is_allowed_at_home(address)] == []
    assert [address for address in NEVER if is_allowed_at_home(address)] == []


class Names:
    """A resolver that answers each look-up with the next addresses it was given."""

    def __init__(self, *answers: list[str]) -> None:
        self._answers = iter(answers)
        self.asked: list[str] = []

    def __call__(self, host: str, port: int, **_: Any) -> list[tuple[Any, ...]]:
        self.asked.append(host)
        try:
            addresses = next(self._answers)
        except StopIteration:
            raise socket.gaierror("no such host") from None
        families = [socket.AF_INET6 if ":" in address else socket.AF_INET for address in addresses]
        pairs = zip(families, addresses, strict=True)
        return [(family, socket.SOCK_STREAM, 6, "", (address, port)) for family, address in pairs]


@pytest.fixture
def server() -> Iterator[RawServer]:
    running = RawServer([HELLO], [HELLO], [HELLO])
    yield running
    running.close()


def test_a_name_that_changes_its_address_does_not_get_in() -> None:
    """DNS rebinding: public when it is checked, private when it is connected to. Here both are one look-up."""
    names = Names(["8.8.8.8"], ["127.0.0.1"], ["8.8.8.8", "10.0.0.1"], ["2606:2800:220:1::1"], [])
    addresses = CheckedAddresses(timeout_s=5, look_up=names)

    assert [address for _, address in addresses("a.example", 443)] == [("8.8.8.8", 443)]
    for _ in range(2):
        with pytest.raises(RefusedAddress):
            addresses("a.example", 443)
    assert [address for _, address in addresses("a.example", 443)] == [("2606:2800:220:1::1", 443)]
    with pytest.raises(RefusedAddress):
        addresses("a.example", 443)
    with pytest.raises(socket.gaierror):
        addresses("a.example", 443)


def test_what_was_checked_is_what_is_connected_to(server: RawServer) -> None:
    """Each request looks the name up once, and has a connection of its own."""
    port = int(server.url.rpartition(":")[2])
    names = Names(["127.0.0.1"], ["127.0.0.1"], ["127.0.0.1", "169.254.169.254"])
    transport = GeventTransport(
        connect_timeout_s=5,
        addresses_of=CheckedAddresses(timeout_s=5, is_home=True, look_up=names),
        keeps_idle=False,
    )
    url = f"http://models.example:{port}/v1/models"

    for _ in range(2):
        response = transport.handle_request(httpx2.Request("GET", url))
        assert (response.read(), response.status_code) == (b"hello", 200)
    with pytest.raises(UpstreamNotAllowed):
        transport.handle_request(httpx2.Request("GET", url))

    assert names.asked == ["models.example"] * 3
    assert server.connections == 2
    assert b"\r\nhost: models.example:%d\r\n" % port in server.requests[0].lower()
    transport.close()


def test_a_name_is_looked_up_as_it_is_written(server: RawServer) -> None:
    """Read as letters of other scripts it could be another one: `straße` was `strasse` in the rules of before."""
    port = int(server.url.rpartition(":")[2])
    names = Names(["127.0.0.1"])
    addresses = CheckedAddresses(timeout_s=5, is_home=True, look_up=names)
    transport = GeventTransport(connect_timeout_s=5, addresses_of=addresses, keeps_idle=False)

    transport.handle_request(httpx2.Request("GET", f"http://xn--strae-oqa.example:{port}/")).read()

    assert names.asked == ["xn--strae-oqa.example"]
    transport.close()


def test_a_host_of_a_thousand_addresses_is_tried_at_a_few_but_checked_at_all() -> None:
    """Each takes its time, and whoever owns the name says how many there are."""
    many = [f"8.8.{place // 250}.{place % 250}" for place in range(1000)]
    addresses = CheckedAddresses(timeout_s=5, look_up=Names(many, [*many, "10.0.0.1"]))

    assert len(addresses("a.example", 443)) == MOST_TRIED
    with pytest.raises(RefusedAddress):
        addresses("a.example", 443)


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "127.1", "2130706433", "0x7f000001", "0177.0.0.1", "::1", "::ffff:7f00:1", "localhost", "0"]
)
def test_the_real_resolver_s_reading_is_what_counts(host: str, server: RawServer) -> None:
    """Whatever spelling came through: the address it leads to is looked at, not the letters."""
    addresses = CheckedAddresses(timeout_s=5)

    with pytest.raises(OSError):  # noqa: PT011  # refused, or not known to this machine's resolver at all
        addresses(host, int(server.url.rpartition(":")[2]))

    assert server.connections == 0
