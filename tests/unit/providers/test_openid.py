"""A provider of OpenID Connect that says odd things of itself, and what is believed of it."""

import threading
from collections.abc import Iterator
from typing import Any

import pytest

from chatapp.core.identities import Arrival, Departure
from chatapp.errors import IdentityProviderError
from chatapp.providers.openid import OpenIDProvider
from tests.identity_provider import CLIENT_ID, CLIENT_SECRET, IdentityProvider, as_json

DEPARTURE = Departure(state="a", nonce="b", verifier="c" * 43)

METADATA_FAULTS = {
    "issuer": {"issuer": "https://accounts.example"},
    "issuer-with-slash": {"issuer": "/"},
    "no-keys-address": {"jwks_uri": None},
    "plain-http": {"token_endpoint": "http://192.0.2.1/token"},
    "not-http": {"authorization_endpoint": "javascript:alert(1)"},
    "no-host": {"userinfo_endpoint": "https:///userinfo"},
}


@pytest.fixture(scope="module")
def running_provider() -> Iterator[IdentityProvider]:
    running = IdentityProvider()
    yield running
    running.close()


@pytest.fixture
def provider(running_provider: IdentityProvider) -> Iterator[IdentityProvider]:
    running_provider.behave()
    yield running_provider
    assert running_provider.mistakes == []


def openid(provider: IdentityProvider, **settings: Any) -> OpenIDProvider:
    return OpenIDProvider(
        issuer=provider.issuer,
        client_id=CLIENT_ID,
        client_secret=CLIENT_SECRET,
        name="Example ID",
        redirect_uri="http://localhost/auth/oidc/callback",
        **settings,
    )


@pytest.mark.parametrize("said", METADATA_FAULTS.values(), ids=METADATA_FAULTS.keys())
def test_nobody_is_sent_where_the_provider_may_not_be(provider: IdentityProvider, said: dict[str, Any]) -> None:
    if said.get("issuer") == "/":
        said = {"issuer": provider.issuer + "/"}
    provider.metadata = said

    with pytest.raises(IdentityProviderError):
        openid(provider).address(DEPARTURE)


@pytest.mark.parametrize(
    "body",
    [b"", b"{}", b'{"keys": 5}', b'{"keys": [5]}', b'{"keys": [{"kty": "RSA", "n": 5, "e": null}]}', b'{"keys": []}'],
)
def test_keys_that_are_none_verify_nothing(provider: IdentityProvider, body: bytes) -> None:
    provider.answers["/jwks"] = lambda: (200, {}, body)
    used = openid(provider)
    code = provider.code_for(used.address(DEPARTURE))

    with pytest.raises(IdentityProviderError):
        used.claims(DEPARTURE, Arrival(state="a", code=code))


def test_a_provider_that_says_nothing_is_not_waited_for(provider: IdentityProvider) -> None:
    """And one that is not there at all is no other case."""
    ended = threading.Event()
    provider.answers["/.well-known/openid-configuration"] = lambda: (ended.wait(10), as_json({}))[1]

    with pytest.raises(IdentityProviderError):
        openid(provider, limit_s=0.2).address(DEPARTURE)

    ended.set()
    away = OpenIDProvider(
        issuer="http://127.0.0.1:9", client_id="a", client_secret="", name="b", redirect_uri="http://localhost/"
    )
    with pytest.raises(IdentityProviderError):
        away.address(DEPARTURE)


def test_answers_of_somebody_else_are_not_taken(provider: IdentityProvider) -> None:
    """RFC 9207: a browser that comes back from another provider, with a code that must not go to this one."""
    provider.metadata = {"authorization_response_iss_parameter_supported": True}
    used = openid(provider)
    code = provider.code_for(used.address(DEPARTURE))

    for issuer in ("", "https://accounts.example"):
        with pytest.raises(IdentityProviderError):
            used.claims(DEPARTURE, Arrival(state="a", code=code, issuer=issuer))
    assert "/token" not in provider.asked
    assert used.claims(DEPARTURE, Arrival(state="a", code=code, issuer=provider.issuer)).subject


def test_keys_may_change_and_are_asked_for_again_once(provider: IdentityProvider) -> None:
    used = openid(provider)
    for _ in range(2):
        code = provider.code_for(used.address(DEPARTURE))
        assert used.claims(DEPARTURE, Arrival(state="a", code=code)).email == provider.person["email"]
        provider.rotate()

    assert provider.asked.count("/jwks") == 2
    assert provider.asked.count("/.well-known/openid-configuration") == 1


def test_what_is_not_signed_is_asked_for(provider: IdentityProvider) -> None:
    """Some providers sign little more than the subject; what they say elsewhere counts for that subject only."""
    provider.claims = lambda claims: (
        {name: claims[name] for name in claims if name not in provider.person} | {"sub": provider.person["sub"]}
    )
    used = openid(provider)
    code = provider.code_for(used.address(DEPARTURE))
    found = used.claims(DEPARTURE, Arrival(state="a", code=code))

    assert (found.email, found.is_email_verified, found.name) == (provider.person["email"], True, "Ada Example")
    provider.answers["/userinfo"] = lambda: as_json({"sub": "somebody else", "email": "other@example.com"})
    code = provider.code_for(used.address(DEPARTURE))
    with pytest.raises(IdentityProviderError):
        used.claims(DEPARTURE, Arrival(state="a", code=code))
