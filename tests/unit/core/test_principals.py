"""Who asks, and from where."""

import pytest

from chatapp.core.principals import Origin


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:DB8:1:2::1", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("unknown", "unknown"),
        ("", ""),
    ],
)
def test_attempts_are_counted_by_network(address: str, network: str) -> None:
    """Whoever has one address of an IPv6 network has all of them; IPv4 within IPv6 is IPv4."""
    assert Origin(address=address).network == network
