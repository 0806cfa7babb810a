"""App codes and passkeys in a browser, with a virtual authenticator."""

from __future__ import annotations

import time

import pytest
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from playwright.sync_api import expect

from tests.browser import axe

KEY = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}


@pytest.fixture(scope="module")
def script(tmp_path_factory) -> str:
    return axe.source(tmp_path_factory.mktemp("axe"))


def test_app_codes_and_a_passkey_are_added_and_the_passkey_signs_in(visit, owner, script):
    window, violations = visit(), []
    page = window.sign_in()
    chromium = window.context.new_cdp_session(page)
    chromium.send("WebAuthn.enable")
    added = chromium.send("WebAuthn.addVirtualAuthenticator", {"options": KEY})

    page.goto("/account/")
    page.get_by_role("link", name="Two-step sign-in").click()
    page.get_by_role("link", name="Set up").click()
    page.get_by_label("Password").fill("word")
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_role("img", name="QR code of the key below")).to_be_visible()
    violations += axe.violations(page, script)
    key = page.locator("#totp-key").input_value()
    page.get_by_label("Code", exact=True).fill(format_hotp_value(hotp_value(key, int(time.time()) // 30)))
    page.get_by_role("button", name="Turn on").click()
    expect(page.get_by_role("listitem").locator("code")).to_have_count(10)
    violations += axe.violations(page, script)

    page.goto("/account/passkeys/add/")
    page.get_by_label("Name").fill("Laptop")
    violations += axe.violations(page, script)
    page.get_by_role("button", name="Add passkey").click()
    expect(page.get_by_text("The passkey was added.")).to_be_visible()
    page.goto("/account/passkeys/")
    expect(page.get_by_role("listitem").filter(has_text="Laptop")).to_contain_text("never used")
    violations += axe.violations(page, script)

    page.get_by_role("button", name="Account: owner").click()
    page.get_by_role("button", name="Sign out").click()
    page.goto("/accounts/login/?next=/labels/")
    chromium.send("WebAuthn.setUserVerified", {"authenticatorId": added["authenticatorId"], "isUserVerified": False})
    page.get_by_role("button", name="Sign in with a passkey").click()
    expect(page.get_by_text("No passkey was used. Try again, or choose another way to sign in.")).to_be_visible()
    chromium.send("WebAuthn.setUserVerified", {"authenticatorId": added["authenticatorId"], "isUserVerified": True})
    page.get_by_role("button", name="Sign in with a passkey").click()
    page.wait_for_url("**/labels/")

    other = visit(java_script_enabled=False)
    other.page.goto("/accounts/login/")
    other.page.get_by_label("Username").fill("owner")
    other.page.get_by_label("Password").fill("word")
    other.page.get_by_role("button", name="Sign in", exact=True).click()
    expect(other.page.get_by_label("Code from your app, or a recovery code")).to_be_visible()
    expect(other.page.get_by_role("button", name="Use your passkey")).to_be_hidden()
    assert violations == []
