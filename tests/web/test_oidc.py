"""Signing in with an account at another provider, which is a real server that may do anything."""

import html
import json
import re
import time
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pyotp
import pytest
from flask import Flask
from flask.testing import FlaskClient
from joserfc.jwk import OctKey, RSAKey
from werkzeug.test import TestResponse

from tests.applications import make_app
from tests.identity_provider import CANARY, CLIENT_ID, CLIENT_SECRET, IdentityProvider
from tests.mail_server import MailServer

PASSWORD = "a quiet harbour at dusk"
SETTINGS = {"base_url": "http://localhost", "oidc_client_id": CLIENT_ID, "oidc_client_secret": CLIENT_SECRET}


@pytest.fixture(scope="module")
def running_provider() -> Iterator[IdentityProvider]:
    running = IdentityProvider()
    yield running
    running.close()


@pytest.fixture
def provider(running_provider: IdentityProvider) -> Iterator[IdentityProvider]:
    """The provider, signing in somebody new."""
    running_provider.behave()
    yield running_provider
    assert running_provider.mistakes == []


@pytest.fixture(scope="module")
def oidc_app(running_provider: IdentityProvider) -> Flask:
    return make_app(**SETTINGS, oidc_issuer=running_provider.issuer, oidc_name="Example ID")


@pytest.fixture(scope="module")
def admin(oidc_app: Flask, running_provider: IdentityProvider) -> FlaskClient:
    """The first account of all."""
    running_provider.behave()
    admin = oidc_app.test_client()
    sign_in(admin, running_provider)
    return admin


@pytest.fixture
def client(oidc_app: Flask, admin: FlaskClient) -> FlaskClient:
    return oidc_app.test_client()


def leave(client: FlaskClient, path: str = "/auth/oidc", **fields: str) -> str:
    """Begin, and return the address at the provider."""
    page = client.post(path, data=fields)
    assert page.status_code == 200, page.text
    return html.unescape(re.findall(r'http-equiv="refresh" content="0; url=([^"]+)"', page.text)[0])


def come_back(client: FlaskClient, address: str, **brought: str) -> TestResponse:
    state = parse_qs(urlsplit(address).query)["state"][0]
    return client.get("/auth/oidc/callback", query_string={"state": state, **brought})


def sign_in(client: FlaskClient, provider: IdentityProvider, **fields: str) -> TestResponse:
    address = leave(client, **fields)
    return come_back(client, address, code=provider.code_for(address))


def account_of(client: FlaskClient) -> Any:
    return client.get("/account").json


def is_signed_in(client: FlaskClient) -> bool:
    return client.get("/account").status_code == 200


def unlinked(client: FlaskClient, provider: IdentityProvider) -> TestResponse:
    return client.delete(f"/account/identities/{provider.issuer.partition('//')[2]}")


def register(client: FlaskClient, email: str) -> None:
    assert client.post("/auth/register", json={"email": email, "password": PASSWORD}).status_code == 202
    assert client.post("/auth/sign-in", json={"email": email, "password": PASSWORD}).status_code == 200


def test_the_first_time_makes_an_account_and_the_next_time_finds_it(
    client: FlaskClient, oidc_app: Flask, provider: IdentityProvider
) -> None:
    client.post("/memory", json={"text": "I sail."})
    first = sign_in(client, provider, next="/service?a=b#c")
    account = account_of(client)

    assert (first.status_code, first.headers["Location"]) == (303, "/service?a=b#c")
    assert (account["email"], account["name"]) == (provider.person["email"], "Ada Example")
    assert (account["has_password"], account["identities"]) == (False, [provider.issuer])
    assert client.get("/memory").json["facts"][0]["text"] == "I sail.", "what the guest had came along"
    elsewhere = oidc_app.test_client()
    assert sign_in(elsewhere, provider).headers["Location"] == "/chat"
    assert account_of(elsewhere)["id"] == account["id"]


def test_cookies_of_a_secure_site_are_bound_to_its_host(provider: IdentityProvider) -> None:
    """No other host of the domain can give a browser a sign-in that somebody else began."""
    app = make_app(**{**SETTINGS, "base_url": "https://chat.example.com"}, oidc_issuer=provider.issuer)
    page = app.test_client().post("/auth/oidc", base_url="https://chat.example.com")
    cookie = page.headers["Set-Cookie"]

    assert cookie.startswith("__Host-chatapp_sign_in=")
    assert all(part in cookie for part in ("; Secure", "; HttpOnly", "; SameSite=Lax", "; Path=/"))
    assert "redirect_uri=https%3A%2F%2Fchat.example.com%2Fauth%2Foidc%2Fcallback" in page.text


@pytest.mark.parametrize(
    "following",
    ["https://evil.example", "//evil.example", "/\\evil.example", "/\t/evil.example", "javascript:alert(1)"],
)
def test_nobody_is_led_to_another_site(client: FlaskClient, provider: IdentityProvider, following: str) -> None:
    assert sign_in(client, provider, next=following).headers["Location"] == "/chat"


def test_a_state_that_is_missing_foreign_or_used_is_refused(
    client: FlaskClient, oidc_app: Flask, provider: IdentityProvider
) -> None:
    """Login CSRF: nobody can be signed in to somebody else's account by following a link."""
    attacker = oidc_app.test_client()
    address = leave(attacker)
    bait = come_back(client, address, code=provider.code_for(address))
    leave(client)
    baited_underway = come_back(client, address, code=provider.code_for(address))
    used = leave(client)
    come_back(client, used, code=provider.code_for(used))
    client.post("/auth/sign-out", json={})

    answers = [bait, baited_underway, come_back(client, used, code=provider.code_for(used))]
    answers += [client.get(f"/auth/oidc/callback?code=x{rest}") for rest in ("", "&state=", "&state=%00", "&state=a")]
    answers.append(come_back(attacker, address, code=provider.code_for(address)))

    assert [(each.status_code, each.json["code"]) for each in answers] == [(400, "sign_in_expired")] * len(answers)
    assert not is_signed_in(client)
    assert not is_signed_in(attacker)


def test_a_refusal_of_the_provider_leads_back_to_signing_in(client: FlaskClient, provider: IdentityProvider) -> None:
    """In our own words: whoever writes the link could write anything into it."""
    address = leave(client)
    page = client.get(
        "/auth/oidc/callback",
        query_string={"state": parse_qs(urlsplit(address).query)["state"], "error": "x", "error_description": CANARY},
        headers={"Accept": "text/html"},
    )

    assert page.status_code == 403
    assert "Example ID did not sign you in" in page.text
    assert 'id="sign-in"' in page.text
    assert CANARY not in page.text


def changed(**values: Any) -> Callable[[IdentityProvider], None]:
    """Return a provider's fault: claims other than they should be; None leaves one out."""

    def spoil(provider: IdentityProvider) -> None:
        provider.claims = lambda claims: {
            name: value for name, value in {**claims, **values}.items() if value is not None
        }

    return spoil


def signed(sign: Callable[[IdentityProvider, dict[str, Any]], object]) -> Callable[[IdentityProvider], None]:
    """Return a provider's fault: signed otherwise than it should be."""

    def spoil(provider: IdentityProvider) -> None:
        provider.sign = lambda claims: sign(provider, claims)

    return spoil


def answered(path: str, status: int, body: bytes, **headers: str) -> Callable[[IdentityProvider], None]:
    """Return a provider's fault: something else at one of its addresses."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}

    def spoil(provider: IdentityProvider) -> None:
        provider.answers[path] = lambda: (status, named, body)

    return spoil


TOKEN_FAULTS = {
    "alg-none": signed(lambda provider, claims: provider.signed(claims, alg="none")),
    "hmac-with-client-secret": signed(
        lambda provider, claims: provider.signed(claims, alg="HS256", key=OctKey.import_key(CLIENT_SECRET * 2))
    ),
    "foreign-key": signed(lambda provider, claims: provider.signed(claims, key=RSAKey.generate_key(2048))),
    "unknown-key-id": signed(lambda provider, claims: provider.signed(claims, kid="no such key")),
    "odd-key-id": signed(lambda provider, claims: provider.signed(claims, kid="../../../etc/passwd\x00")),
    "no-token": signed(lambda _provider, _claims: None),
    "number-for-token": signed(lambda _provider, _claims: 5),
    "garbage-token": signed(lambda _provider, _claims: f"{CANARY}.é.x"),
    "claims-not-an-object": signed(lambda provider, _claims: provider.signed({}) + "x"),
    "issuer": changed(iss="https://accounts.example"),
    "issuer-missing": changed(iss=None),
    "audience": changed(aud="another client"),
    "audience-missing": changed(aud=None),
    "audiences-without-party": changed(aud=[CLIENT_ID, "another"]),
    "party": changed(azp="another"),
    "nonce": changed(nonce="that of another sign-in"),
    "nonce-missing": changed(nonce=None),
    "expired": changed(exp=int(time.time()) - 3600),
    "never-expires": changed(exp=None),
    "expiry-no-number": changed(exp="tomorrow"),
    "expiry-beyond-all": changed(exp=10**400, iat=10**400),
    "from-the-future": changed(iat=int(time.time()) + 3600),
    "another-access-token": changed(at_hash="AAAAAAAAAAAAAAAAAAAAAA"),
    "odd-hash": changed(at_hash=[1]),
    "subject-missing": changed(sub=None),
    "subject-number": changed(sub=5),
    "subject-with-nul": changed(sub="a\x00b"),
    "subject-half-a-character": changed(sub="\ud800"),
    "subject-too-long": changed(sub="a" * 256),
    "token-error": answered("/token", 400, json.dumps({"error": "invalid_grant", "x": CANARY}).encode()),
    "token-page": answered("/token", 200, f"<h1>{CANARY}</h1>".encode(), Content_Type="text/html"),
    "token-broken": answered("/token", 500, CANARY.encode()),
    "token-list": answered("/token", 200, b"[[]]"),
    "token-odd-lifetime": answered("/token", 200, b'{"access_token": "a", "expires_in": {}}'),
    "token-elsewhere": answered("/token", 307, b"", Location="http://127.0.0.1:9/latest/meta-data"),
    "token-endless": answered("/token", 200, b" " * 300_000),
    "token-bomb": answered("/token", 200, b"\x1f\x8b\x08nonsense", Content_Encoding="gzip"),
    "token-cut": answered("/token", 200, b"{", Content_Length="500", Connection="close"),
}


@pytest.mark.parametrize("spoil", TOKEN_FAULTS.values(), ids=TOKEN_FAULTS.keys())
def test_who_the_provider_does_not_vouch_for_is_not_signed_in(
    client: FlaskClient, provider: IdentityProvider, spoil: Callable[[IdentityProvider], None]
) -> None:
    """Whatever it says or fails to say: one answer, in our words, and nobody is signed in."""
    spoil(provider)
    answered = sign_in(client, provider)

    assert (answered.status_code, answered.json["code"]) == (502, "sign_in_provider_failed"), answered.text
    assert CANARY not in answered.text
    assert not is_signed_in(client)


def test_an_address_that_has_an_account_is_linked_by_its_owner_only(
    client: FlaskClient, oidc_app: Flask, provider: IdentityProvider
) -> None:
    """By signing in to the account first; and let go again, unless nothing else leads into it."""
    register(client, provider.person["email"])
    stranger = oidc_app.test_client()
    refused = sign_in(stranger, provider)
    assert (refused.status_code, refused.json["code"]) == (409, "account_exists")
    assert not is_signed_in(stranger)

    address = leave(client, "/account/identities")
    linked = come_back(client, address, code=provider.code_for(address))

    assert (linked.status_code, linked.headers["Location"]) == (303, "/settings")
    assert account_of(client)["identities"] == [provider.issuer]
    assert sign_in(stranger, provider).status_code == 303
    assert account_of(stranger)["id"] == account_of(client)["id"]
    assert unlinked(client, provider).status_code == 204
    assert unlinked(client, provider).status_code == 404
    assert account_of(client)["identities"] == []


def test_an_account_elsewhere_belongs_to_one_account_here(
    client: FlaskClient, oidc_app: Flask, provider: IdentityProvider
) -> None:
    """And who comes back signed in as somebody else links nothing."""
    owner = oidc_app.test_client()
    sign_in(owner, provider)
    kept = unlinked(owner, provider)
    assert (kept.status_code, kept.json["code"]) == (409, "last_credential")
    register(client, f"second-{provider.person['email']}")

    address = leave(client, "/account/identities")
    taken = come_back(client, address, code=provider.code_for(address))
    address = leave(client, "/account/identities")
    client.post("/auth/sign-out", json={})
    signed_out = come_back(client, address, code=provider.code_for(address))

    assert (taken.status_code, taken.json["code"]) == (409, "identity_taken")
    assert (signed_out.status_code, signed_out.json["code"]) == (400, "sign_in_expired")


def test_a_second_factor_is_asked_for_here(client: FlaskClient, oidc_app: Flask, provider: IdentityProvider) -> None:
    sign_in(client, provider)
    secret = client.post("/account/totp", json={}).json["secret"]
    now = pyotp.TOTP(secret)
    assert client.post("/account/totp/confirm", json={"code": now.now()}).status_code == 200
    other = oidc_app.test_client()

    page = sign_in(other, provider, next="/service")

    assert page.status_code == 200
    assert not is_signed_in(other)
    ticket = re.findall(r'name="ticket" value="([^"]+)"', page.text)[0]
    code = now.at(int(time.time()) + 30)
    answered = other.post("/auth/second-factor", json={"ticket": ticket, "code": code})
    assert answered.json["state"] == "signed_in"


def test_without_an_address_there_is_no_account(client: FlaskClient, provider: IdentityProvider) -> None:
    provider.person["email"] = "not an address"
    answered = sign_in(client, provider)

    assert (answered.status_code, answered.json["code"]) == (403, "email_missing")


def test_a_suspended_account_stays_outside(
    client: FlaskClient, admin: FlaskClient, oidc_app: Flask, provider: IdentityProvider
) -> None:
    sign_in(client, provider)
    assert admin.post(f"/admin/users/{account_of(client)['id']}/suspend", json={}).status_code < 300
    refused = sign_in(oidc_app.test_client(), provider)

    assert (refused.status_code, refused.json["code"]) == (403, "account_suspended")


def test_an_address_that_is_not_proven_is_proven_by_mail(provider: IdentityProvider) -> None:
    """Until then nobody is signed in, and nobody learns whether the address had an account."""
    server = MailServer()
    app = make_app(**SETTINGS, oidc_issuer=provider.issuer, smtp_url=f"smtp://127.0.0.1:{server.port}")
    client, stranger = app.test_client(), app.test_client()
    provider.person["email_verified"] = False
    first = sign_in(client, provider)
    ticket = server.next_mail().get_content().partition("/verify#")[2].split()[0]
    early = sign_in(client, provider)
    assert client.post("/auth/verify", json={"ticket": ticket}).status_code == 204
    later = sign_in(client, provider)
    provider.person["sub"] = "somebody else"
    taken = sign_in(stranger, provider)

    assert (first.status_code, taken.status_code, first.mimetype) == (202, 202, "text/html")
    assert without_nonce(first.text) == without_nonce(taken.text)
    assert (early.status_code, early.json["code"]) == (403, "address_not_confirmed")
    assert later.status_code == 303
    assert not is_signed_in(stranger)
    assert "/signin" in server.next_mail().get_content()
    server.close()


def without_nonce(page: str) -> str:
    return re.sub(r'nonce="[^"]*"', "", page)


def test_an_invitation_comes_along(provider: IdentityProvider) -> None:
    """Where accounts are for the invited only; it is used up then."""
    app = make_app(**SETTINGS, oidc_issuer=provider.issuer, access="invite")
    admin = app.test_client()
    sign_in(admin, provider)
    assert account_of(admin)["role"] == "admin", "the first account of all needs no invitation"
    invitation = admin.post("/admin/invitations", json={"role": "user"}).json["url"].partition("#")[2]
    answers = []
    for _ in range(2):
        provider.behave()
        answers.append(sign_in(app.test_client(), provider))
        answers.append(sign_in(app.test_client(), provider, invitation=invitation))

    assert [each.status_code for each in answers] == [403, 303, 403, 400]
    assert answers[0].json["code"] == "invitation_needed"


def test_a_site_without_a_provider_has_no_such_door(app: Flask) -> None:
    client = app.test_client()

    assert client.post("/auth/oidc").status_code == 404
    assert client.get("/auth/oidc/callback?state=a&code=b").status_code == 404
