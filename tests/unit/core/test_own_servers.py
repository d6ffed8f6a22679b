"""How the address of a person's own server may be written: in one way, which everybody reads the same."""

from urllib.parse import urlsplit

import httpx2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chatapp.core.own_servers import checked_base_url, host_of
from chatapp.errors import InvalidBody

ODD = [
    "",
    "models.example.com",
    "//models.example.com/v1",
    "ftp://models.example.com",
    "file:///etc/passwd",
    "https:///v1",
    "https://",
    "https://user@models.example.com",
    "https://user:pass@models.example.com",
    "https://good.example\\@127.0.0.1/",
    "https://good.example#@127.0.0.1/",
    "https://good.example?@127.0.0.1/",
    "https://good.example:80@127.0.0.1/",
    "https://good.example%40127.0.0.1/",
    "https://good.example\\.evil.example/",
    "https:\\\\127.0.0.1",
    "https:/models.example.com",
    "https://models.example.com\t/v1",
    "https://mod\tels.example.com",
    "https://models.example.com\r\nHost: a",
    "https://models.example.com\x00.evil.example",
    "https://models.example.com/v1?key=1",
    "https://models.example.com/v1#top",
    "https://models.example.com/../v1",
    "https://models.example.com/./v1",
    "https://models.example.com//v1",
    "https://models.example.com/%2e%2e/",
    "https://models.example.com/v1;a=b",
    "https://ｍodels.example.com",
    "https://127。0。0。1/",
    "https://①②⑦.0.0.1/",
    "https://\u212aey.example",
    "https://127.1/",
    "https://0x7f000001/",
    "https://0x7f.0.0.1/",
    "https://0177.0.0.1/",
    "https://2130706433/",
    "https://127.0.0.1.5/",
    "https://256.1.1.1/",
    "https://[::1/",
    "https://::1/",
    "https://[::1%25eth0]/",
    "https://[fe80::1%eth0]/",
    "https://[::ffff:127.0.0.256]/",
    "https://models..example.com",
    "https://.example.com",
    "https://models.example.com./v1",
    "https://-a.example.com",
    "https://models.example.com:/v1",
    "https://models.example.com:0/",
    "https://models.example.com:22/",
    "https://models.example.com:6553a/",
    "https://models.example.com:65536/",
    "https://models.example.com:0443/",
    "https://models.example.com/" + "a" * 300,
    "http://models.example.com/v1",
]


@pytest.mark.parametrize("raw", ODD)
def test_what_two_parsers_could_read_differently_is_refused(raw: str) -> None:
    """One of them would check a host, and the other connect to another."""
    with pytest.raises(InvalidBody, match="base_url"):
        checked_base_url(raw, is_home=False)


def test_an_address_is_kept_in_one_form() -> None:
    """A key is bound to it, letter by letter."""
    for raw, kept in {
        "https://models.example.com": "https://models.example.com",
        " HTTPS://Models.Example.com:443/V1/ ": "https://models.example.com/V1",
        "https://models.example.com:8443/a/b-c_d~e.f": "https://models.example.com:8443/a/b-c_d~e.f",
        "https://93.184.216.34/v1": "https://93.184.216.34/v1",
        "https://[2606:2800:220:1::1]:8443": "https://[2606:2800:220:1::1]:8443",
        "https://models.example.com:80": "https://models.example.com:80",
    }.items():
        assert checked_base_url(raw, is_home=False) == kept
    assert checked_base_url("http://box:11434/v1", is_home=True) == "http://box:11434/v1"
    assert host_of("https://models.example.com:8443/v1") == "models.example.com:8443"


@settings(max_examples=50)
@given(
    raw=st.from_regex(
        r"\Ahttps?://[a-zA-Z0-9.\[\]:@%\\#?_~-]{1,30}(:[0-9]{1,6})?(/[a-z0-9.%@\\#?:_-]{0,8}){0,3}\Z", fullmatch=True
    )
)
def test_what_is_taken_means_the_same_to_everybody(raw: str) -> None:
    """To the standard library, to the client that connects, and to who reads it."""
    try:
        url = checked_base_url(raw, is_home=True)
    except InvalidBody:
        return
    parts, parsed = urlsplit(url), httpx2.URL(url)
    assert parts.hostname == parsed.host
    assert parts.port == parsed.port
    assert parts.path == (parsed.path if parts.path else "")
    assert host_of(url) == parts.netloc == parsed.netloc.decode()
    assert not (parts.username or parts.password or parts.query or parts.fragment or parsed.userinfo)
    assert checked_base_url(url, is_home=True) == url
