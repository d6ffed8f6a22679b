"""Accounts in a real browser: coming in, settings, administration, and being signed out while a page is open."""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Literal

import pyotp
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, expect
from sqlalchemy import update

from chatapp.config import Config
from chatapp.store.account_tables import sessions
from chatapp.store.db import Database
from tests.browser.accessibility import check_accessibility
from tests.browser.chat_page import ChatPage
from tests.conftest import StartServer
from tests.live_server import LiveServer
from tests.wire.reader import send

PASSWORD = "seven herons wade at dawn"
ADMIN = "ada@example.com"
LOOKS: tuple[tuple[int, Literal["light", "dark"]], ...] = ((1280, "dark"), (320, "light"))

OpenPage = Callable[[], Page]


@pytest.fixture(scope="module")
def server(start_server: StartServer) -> LiveServer:
    """A site of this file's own, whose first account, and so the administrator's, is Ada's."""
    server = start_server({})
    account = json.dumps({"email": ADMIN, "password": PASSWORD, "name": "Ada Example"}).encode()
    send(server.base_url, "POST", "/auth/register", account, {"Content-Type": "application/json"})
    return server


@pytest.fixture
def open_page(browser: Browser) -> Iterator[OpenPage]:
    """Open pages of browsers that know nothing of each other."""
    contexts: list[BrowserContext] = []

    def open_one() -> Page:
        contexts.append(browser.new_context())
        return contexts[-1].new_page()

    yield open_one
    for context in contexts:
        context.close()


def register(page: Page, server: LiveServer, email: str, name: str) -> None:
    """Make an account and sign in, behind the page's back."""
    account = {"email": email, "password": PASSWORD}
    assert page.request.post(f"{server.base_url}/auth/register", data={**account, "name": name}).ok
    assert page.request.post(f"{server.base_url}/auth/sign-in", data=account).ok


def sign_in(page: Page, email: str) -> None:
    """Fill in the form that stands on the page."""
    page.get_by_label("E-mail").fill(email)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()


def make_sessions_old(server: LiveServer) -> None:
    """As they are when a quarter of an hour has gone by."""
    database = Database(Config(data_dir=server.data_dir).database)
    with database.write() as connection:
        connection.execute(update(sessions).values(confirmed_at=datetime.now(UTC) - timedelta(hours=1)))
    database.close()


def check_looks(page: Page) -> None:
    """Fail unless everybody can use the page as it stands, on a desk and on a phone, and nothing makes it too wide."""
    before = page.viewport_size
    assert before is not None
    for width, scheme in LOOKS:
        page.set_viewport_size({"width": width, "height": 800})
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        assert page.evaluate("document.documentElement.scrollWidth") <= width, (page.url, width)
        result = Axe().run(page)
        assert result.violations_count == 0, f"{width}, {scheme}: {result.generate_report()}"
    page.set_viewport_size(before)


def test_an_administrator_invites_and_suspends(server: LiveServer, open_page: OpenPage) -> None:
    """What was shown once is not shown again; who is suspended is out at once."""
    admin, guest = open_page(), open_page()
    admin.goto(f"{server.base_url}/signin?next=/admin")
    sign_in(admin, ADMIN)
    admin.get_by_label("Name of a new group").fill("Class 7b")
    admin.get_by_role("button", name="Add the group").click()
    expect(admin.get_by_role("list", name="Groups")).to_contain_text("Class 7b")
    admin.get_by_text("Invite somebody").click()
    admin.get_by_label("E-mail", exact=True).fill("bo@example.com")
    admin.get_by_label("Group", exact=True).select_option("Class 7b")
    admin.get_by_role("button", name="Create the link").click()
    link = admin.locator("#invitation-link")
    expect(link).to_contain_text("/signup#")
    expect(admin.get_by_role("list", name="Invitations")).to_contain_text("bo@example.com")
    expect(admin.locator("#audit-rows")).to_contain_text("account.created")
    check_looks(admin)

    chat = ChatPage(guest, server.base_url).open()
    chat.ask("Count to 3")
    guest.goto(link.inner_text())
    expect(guest).to_have_url(f"{server.base_url}/signup")
    expect(guest.get_by_text("Your conversations come along")).to_be_visible()
    guest.get_by_label("Name").fill("Bo Example")
    guest.get_by_label("E-mail").fill("bo@example.com")
    guest.get_by_label("Password", exact=True).fill("password1")
    guest.get_by_role("button", name="Create the account").click()
    expect(guest.get_by_text("The password is easy to guess")).to_be_visible()
    expect(guest.get_by_label("Password", exact=True)).to_be_focused()
    check_looks(guest)
    guest.get_by_label("Password", exact=True).fill(PASSWORD)
    guest.get_by_role("button", name="Create the account").click()
    expect(guest.get_by_role("link", name="Account settings of Bo Example")).to_be_visible()
    expect(guest.get_by_role("navigation", name="Conversations")).to_contain_text("Count to 3")

    admin.reload()
    expect(admin.locator("#new-invitation")).to_be_hidden()
    admin.get_by_role("button", name="Manage Bo Example").click()
    manage = admin.get_by_role("dialog", name="Bo Example")
    expect(manage.get_by_label("Class 7b")).to_be_checked()
    check_accessibility(admin)
    manage.get_by_role("button", name="Suspend").click()
    admin.get_by_role("dialog", name="Suspend Bo Example?").get_by_role("button", name="Suspend").click()
    expect(manage.get_by_role("button", name="Restore")).to_be_visible()
    begun = ChatPage(guest, server.base_url)
    begun.begin("Still here?")
    expect(guest.get_by_text("This account is suspended", exact=True)).to_be_visible()
    expect(begun.composer).to_have_value("Still here?")


def test_settings_from_two_steps_to_the_end(server: LiveServer, open_page: OpenPage) -> None:
    """Set up codes, sign in with one, prove who it is after a while, make a token, leave for good."""
    page = open_page()
    register(page, server, "cy@example.com", "Cy Example")
    page.goto(f"{server.base_url}/settings")
    page.get_by_role("button", name="Set up").click()
    expect(page.locator("#totp-code")).to_be_focused()
    totp = pyotp.TOTP(page.locator("#totp-secret").inner_text().replace(" ", ""))
    check_looks(page)
    page.locator("#totp-code").fill(totp.now())
    page.get_by_role("button", name="Turn on").click()
    expect(page.locator("#recovery-codes li")).to_have_count(10)
    code = page.locator("#recovery-codes li").first.inner_text()
    page.get_by_role("button", name="I have kept them").click()
    expect(page.get_by_text("10 recovery codes left.")).to_be_visible()
    page.locator(".panels__out").get_by_role("button", name="Sign out").click()
    expect(page).to_have_url(f"{server.base_url}/")

    page.goto(f"{server.base_url}/settings#tokens")
    check_looks(page)
    sign_in(page, "cy@example.com")
    page.get_by_label("Code").fill("1234")
    page.get_by_role("button", name="Continue", exact=True).click()
    expect(page.get_by_text("does not fit")).to_be_visible()
    check_accessibility(page)
    page.get_by_label("Code").fill(code)
    page.get_by_role("button", name="Continue", exact=True).click()
    expect(page.get_by_text("9 recovery codes left.")).to_be_visible()

    make_sessions_old(server)
    page.get_by_text("New token", exact=True).click()
    page.locator("#token-name").fill("Backup script")
    page.get_by_role("button", name="Create the token").click()
    confirm = page.get_by_role("dialog", name="Is it you?")
    confirm.get_by_label("Password", exact=True).fill("wrong")
    page.keyboard.press("Enter")
    expect(confirm.get_by_text("The password is wrong.")).to_be_visible()
    check_accessibility(page)
    confirm.get_by_label("Password", exact=True).fill(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.locator("#token-text")).to_contain_text("cpt_")
    expect(page.get_by_role("list", name="Tokens")).to_contain_text("Backup script")
    page.reload()
    expect(page.get_by_role("list", name="Tokens")).to_contain_text("Backup script")
    expect(page.locator("#token-text")).to_have_text("")

    with page.expect_download() as download:
        page.get_by_role("button", name="Download your data").click()
    assert "cy@example.com" in download.value.path().read_text("utf-8")
    page.get_by_label("Write your e-mail address").fill("cy@example.com")
    page.get_by_role("button", name="Delete the account").click()
    page.get_by_role("button", name="Delete for good").click()
    expect(page).to_have_url(f"{server.base_url}/")
    assert page.request.get(f"{server.base_url}/account").status == 401


def test_session_ended_elsewhere_loses_no_word(server: LiveServer, open_page: OpenPage) -> None:
    """Neither in the chat nor in the settings; after signing in the text is where it was."""
    here, there = open_page(), open_page()
    register(here, server, "di@example.com", "Di Example")
    there.goto(f"{server.base_url}/signin?next=/chat")
    sign_in(there, "di@example.com")
    chat = ChatPage(there, server.base_url)
    expect(chat.composer).to_be_focused()
    settings = there.context.new_page()
    settings.goto(f"{server.base_url}/settings")
    settings.get_by_label("Name", exact=True).first.fill("Diana Example")
    here.goto(f"{server.base_url}/settings")
    devices = here.get_by_role("list", name="Sessions")
    expect(devices.get_by_role("listitem")).to_have_count(2)
    expect(devices).to_contain_text("This device")

    devices.get_by_role("button", name="End").click()
    expect(devices.get_by_role("listitem")).to_have_count(1)
    settings.get_by_role("button", name="Save", exact=True).click()
    expect(settings.get_by_text("You were signed out", exact=True)).to_be_visible()
    expect(settings.get_by_label("Name", exact=True).first).to_have_value("Diana Example")
    check_accessibility(settings)
    chat.begin("A thought worth keeping")
    expect(there.get_by_text("You were signed out", exact=True)).to_be_visible()
    expect(chat.composer).to_have_value("A thought worth keeping")
    there.get_by_role("button", name="Sign in").click()
    sign_in(there, "di@example.com")
    expect(chat.composer).to_have_value("A thought worth keeping")


def test_every_way_in_can_be_used_by_everybody(server: LiveServer, open_page: OpenPage) -> None:
    """Links from mails as well: their secret leaves the address at once."""
    page = open_page()
    for path in ("signin", "forgotten", "reset#not-a-ticket", "verify#not-a-ticket"):
        page.goto(f"{server.base_url}/{path}")
        expect(page).to_have_url(f"{server.base_url}/{path.partition('#')[0]}")
        check_looks(page)
    page.get_by_role("button", name="Confirm the address").click()
    expect(page.get_by_text("This link is no longer valid")).to_be_visible()
