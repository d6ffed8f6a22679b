"""Signing in with an account elsewhere, in a real browser and at a provider that is a program of its own."""

import http.client
import json
import re
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.accessibility import check_accessibility
from tests.conftest import StartServer
from tests.live_server import OWN_URL, LiveServer, free_port

START_LIMIT_S = 30
PERSON = {"sub": "ada", "email": "ada@example.com", "email_verified": True, "name": "Ada Example"}


@pytest.fixture(scope="module")
def issuer() -> Iterator[str]:
    port = free_port()
    command = [sys.executable, "-m", "oidc_provider_mock", "--port", str(port), "--require-nonce", "true"]
    running = subprocess.Popen(
        [*command, "--user-claims", json.dumps(PERSON)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    give_up_at = time.monotonic() + START_LIMIT_S
    while not answers(port):
        assert running.poll() is None and time.monotonic() < give_up_at, "the provider did not start"
        time.sleep(0.05)
    yield f"http://127.0.0.1:{port}"
    running.kill()
    running.wait()


def answers(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/.well-known/openid-configuration")
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()


@pytest.fixture(scope="module")
def server(start_server: StartServer, issuer: str) -> LiveServer:
    return start_server(
        {
            "BASE_URL": OWN_URL,
            "OIDC_ISSUER": issuer,
            "OIDC_CLIENT_ID": "chatapp",
            "OIDC_CLIENT_SECRET": "a-secret-between-the-two",
            "OIDC_NAME": "Example ID",
        }
    )


@pytest.fixture
def signing_in(page: Page, issuer: str, server: LiveServer) -> Page:
    """A browser at the provider, sent there by the form of the page to sign in."""
    # The provider's page would take its looks from the internet.
    page.route(lambda url: not url.startswith(("http://127.0.0.1:",)), lambda route: route.abort())
    page.goto(f"{server.base_url}/signin?next=/settings")
    page.get_by_role("button", name="Continue with Example ID").click()
    page.wait_for_url(re.compile(re.escape(issuer)))
    return page


def test_a_person_comes_back_signed_in(signing_in: Page, server: LiveServer, issuer: str) -> None:
    """Where they were going, with an account of the name that the provider knows."""
    signing_in.get_by_role("button", name="ada", exact=True).click()
    signing_in.wait_for_url(f"{server.base_url}/settings")
    account = signing_in.request.get(f"{server.base_url}/account").json()

    assert (account["email"], account["name"], account["identities"]) == (
        PERSON["email"],
        PERSON["name"],
        [issuer],
    )
    expect(signing_in.locator("#identity-rows")).to_contain_text(issuer.removeprefix("http://"))
    cookies = {each["name"]: each for each in signing_in.context.cookies(server.base_url)}
    assert cookies["chatapp_session"]["httpOnly"]
    assert "chatapp_sign_in" not in cookies


def test_who_goes_back_is_told_what_to_do(signing_in: Page, server: LiveServer) -> None:
    signing_in.get_by_role("button", name="Deny").click()

    expect(signing_in.get_by_role("alert").first).to_contain_text("Example ID did not sign you in")
    expect(signing_in.get_by_label("E-mail")).to_be_visible()
    check_accessibility(signing_in)


def test_the_page_on_the_way_can_be_used_by_everybody(page: Page, server: LiveServer) -> None:
    """Should a browser not go on by itself, there is a link."""

    def stay(route: Route) -> None:
        answer = route.fetch()
        route.fulfill(response=answer, body=answer.text().replace('http-equiv="refresh"', 'name="stay"'))

    page.route("**/auth/oidc", stay)
    page.goto(f"{server.base_url}/signin")
    page.get_by_role("button", name="Continue with Example ID").click()

    expect(page.get_by_role("link", name="Continue with Example ID")).to_have_attribute("href", re.compile("nonce="))
    check_accessibility(page)
