"""The pages of accounts as they leave the server: they work without JavaScript, and keep what was typed."""

import re
from urllib.parse import urlsplit

import pyotp
import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.applications import make_app

PASSWORD = "seven herons wade at dawn"
ADA = {"name": "Ada Example", "email": "ada@example.com", "password": PASSWORD}


@pytest.fixture(scope="module")
def site() -> Flask:
    """A site whose first account, of an administrator, is Ada's."""
    app = make_app()
    app.test_client().post("/auth/register", json=ADA)
    return app


def signed_in(app: Flask) -> FlaskClient:
    client = app.test_client()
    assert client.post("/auth/sign-in", json={"email": ADA["email"], "password": PASSWORD}).status_code == 200
    return client


def field(html: str, name: str) -> str:
    """The value of the first field of this name."""
    [value, *_] = re.findall(rf'name="{name}"[^>]*? value="([^"]*)"', html)
    return value


def test_the_first_account_is_made_with_a_form_that_says_so() -> None:
    """It is the administrator's; what the browser wrote as a guest comes along."""
    client = make_app().test_client()
    client.post("/chat", data={"message": "What is 6 times 7?"})
    asked = client.get("/signup")

    refused = client.post("/auth/register", data={**ADA, "password": "password1"})
    posted = client.post("/auth/register", data=ADA)
    chat = client.get("/chat")

    assert "you will be the administrator" in asked.text
    assert "conversations come along" in asked.text
    assert refused.status_code == 422
    assert "easy to guess" in refused.text
    assert (field(refused.text, "name"), field(refused.text, "email")) == (ADA["name"], ADA["email"])
    assert "password1" not in refused.text
    assert (posted.status_code, urlsplit(posted.headers["Location"]).path) == (303, "/chat")
    assert "Ada Example" in chat.text
    assert "What is 6 times 7?" in chat.text
    assert client.post("/auth/sign-out", data={"everywhere": "true"}).status_code == 303
    assert client.get("/settings").status_code == 401
    assert "you will be the administrator" not in client.get("/signup").text


def test_who_is_not_signed_in_is_led_to_the_form_and_back(site: Flask) -> None:
    """Also when the first try is wrong; never to another site."""
    client = site.test_client()
    led = client.get("/settings", headers={"Accept": "text/html"})
    form = client.get(led.headers["Location"])
    given = {"email": ADA["email"], "next": field(form.text, "next")}

    refused = client.post("/auth/sign-in", data={**given, "password": "another password"})
    posted = client.post("/auth/sign-in", data={**given, "password": PASSWORD})

    assert (led.status_code, refused.status_code, posted.status_code) == (303, 401, 303)
    assert "address or the password is wrong" in refused.text
    assert (field(refused.text, "email"), field(refused.text, "next")) == (ADA["email"], "/settings")
    assert "another password" not in refused.text
    assert posted.headers["Location"] == "/settings"
    assert client.get("/signin?next=/service").headers["Location"] == "/service"
    for foreign in ("https://evil.example/", "//evil.example", "/\\evil.example", "javascript:alert(1)"):
        assert field(site.test_client().get("/signin", query_string={"next": foreign}).text, "next") == "/chat"


def test_the_second_step_works_without_javascript(site: Flask) -> None:
    """With the code, after one that was wrong; a recovery code goes the same way."""
    client = signed_in(site)
    secret = client.post("/account/totp").json["secret"]
    codes = client.post("/account/totp/confirm", json={"code": pyotp.TOTP(secret).now()}).json["recovery_codes"]
    try:
        browser = site.test_client()
        step = browser.post("/auth/sign-in", data={"email": ADA["email"], "password": PASSWORD, "next": "/settings"})
        given = {"ticket": field(step.text, "ticket"), "next": field(step.text, "next")}

        refused = browser.post("/signin", data={**given, "code": "000000"})
        posted = browser.post("/signin", data={**given, "code": codes[0]})
        late = browser.post("/signin", data={**given, "code": codes[1]})

        assert step.status_code == 200
        assert refused.status_code == 401
        assert "does not fit" in refused.text
        assert field(refused.text, "ticket") == given["ticket"]
        assert (posted.status_code, posted.headers["Location"]) == (303, "/settings")
        assert browser.get("/settings").status_code == 200
        assert late.status_code == 400
        assert "Begin again" in late.text
    finally:
        client.delete("/account/totp")


def test_a_page_knows_who_looks_at_it(site: Flask) -> None:
    """Theme and language of numbers come with the page, so that nothing changes before one's eyes."""
    client = signed_in(site)
    client.patch("/account", json={"theme": "dark", "language": "pt-BR"})

    mine, others = client.get("/").text, site.test_client().get("/").text

    assert '<html lang="en" data-account data-theme="dark" data-locale="pt-BR">' in mine
    assert '<html lang="en">' in others
    assert 'href="/admin"' in mine
    assert ">AE</text>" in mine
    assert 'href="/signin"' in others
    client.patch("/account", json={"theme": "auto", "language": "en"})


def test_whatever_a_name_holds_is_shown_as_text(site: Flask) -> None:
    client = signed_in(site)
    client.patch("/account", json={"name": "<b onclick=x>\"'&"})

    for page in ("/", "/chat", "/settings"):
        assert "<b onclick" not in client.get(page).text
    client.patch("/account", json={"name": ADA["name"]})


def test_a_site_for_invited_people_asks_for_an_invitation() -> None:
    """But not for the very first account."""
    app = make_app(access="invite")
    client = app.test_client()
    first = client.get("/signup")
    client.post("/auth/register", data=ADA)
    stranger = app.test_client()

    form = stranger.get("/signup")
    refused = stranger.post("/auth/register", data={**ADA, "email": "bo@example.com"})
    chat = stranger.get("/chat", headers={"Accept": "text/html"})
    url = client.post("/admin/invitations", json={}).json["url"]
    invited = {**ADA, "email": "bo@example.com", "invitation": urlsplit(url).fragment}
    posted = stranger.post("/auth/register", data=invited)

    assert 'id="invitation"' not in first.text
    assert 'id="invitation"' in form.text
    assert refused.status_code == 403
    assert "needs an invitation" in refused.text
    assert chat.headers["Location"] == "/signin?next=/chat"
    assert "To talk with me you need an account here" in app.test_client().get("/").text
    assert "can send you an invitation" in app.test_client().get("/signin").text
    assert urlsplit(url).path == "/signup"
    assert posted.status_code == 303


def test_a_link_for_a_new_password_is_asked_for_by_form() -> None:
    """The page is the same for an address without an account; without mail it says whom to ask."""
    with_mail = make_app(smtp_url="smtp://127.0.0.1:1", base_url="http://localhost").test_client()

    known, unknown = (with_mail.post("/forgotten", data={"email": f"{name}@example.com"}) for name in ("ada", "bo"))

    assert known.status_code == unknown.status_code == 202
    assert "Look into your mail" in known.text
    assert without_nonces(known.text).replace("ada@", "") == without_nonces(unknown.text).replace("bo@", "")
    assert "sends no mail" in make_app().test_client().get("/forgotten").text


def without_nonces(html: str) -> str:
    return re.sub(r'nonce="[^"]*"', "", html)
