"""Passkeys in a real browser, with the authenticator that Chromium brings for tests."""

from playwright.sync_api import Page, expect

from tests.live_server import LiveServer

AUTHENTICATOR = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}


def test_passkey_made_in_the_settings_signs_in_without_a_password(page: Page, site_server: LiveServer) -> None:
    """Under the site's name: browsers bind no passkey to a bare address."""
    site = f"http://localhost:{site_server.port}"
    devtools = page.context.new_cdp_session(page)
    devtools.send("WebAuthn.enable")
    devtools.send("WebAuthn.addVirtualAuthenticator", {"options": AUTHENTICATOR})
    account = {"email": "passkeys@example.com", "password": "seven herons wade at dawn"}
    page.request.post(f"{site}/auth/register", data=account)
    page.request.post(f"{site}/auth/sign-in", data=account)
    page.goto(f"{site}/settings#passkeys")
    passkeys = page.get_by_role("list", name="Passkeys")

    page.get_by_role("button", name="Add a passkey").click()

    expect(passkeys.get_by_role("listitem")).to_have_count(1)
    page.get_by_role("button", name="Add a passkey").click()
    expect(page.get_by_text("This device has a passkey for your account already.")).to_be_visible()
    page.context.clear_cookies()
    # Among what the browser fills in for the address; this one waits for nobody to choose.
    page.goto(f"{site}/signin?next=/settings")
    expect(page.get_by_role("textbox", name="Name")).to_have_value("passkeys")
    page.context.clear_cookies()
    # And by the button, as in browsers that fill in no passkeys.
    page.add_init_script("PublicKeyCredential.isConditionalMediationAvailable = async () => false")
    page.goto(f"{site}/signin?next=/settings")
    page.get_by_role("button", name="Use a passkey").click()
    expect(page.get_by_role("textbox", name="Name")).to_have_value("passkeys")
    page.get_by_role("link", name="Passkeys").click()
    expect(passkeys.get_by_role("listitem")).to_contain_text("last used")
