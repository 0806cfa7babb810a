"""An invitation from its form to the new account, and the theme, in a browser."""

from __future__ import annotations

import re

from playwright.sync_api import expect

from tests import factories


def test_invited_person_sets_a_password_without_javascript_and_appears_in_the_list(visit, transactional_db):
    factories.create_user("owner", is_staff=True, is_superuser=True)
    page = visit().sign_in()  # for the first time, which leads to the welcome page
    page.get_by_role("link", name="Invite someone").click()
    page.get_by_label("Name", exact=True).fill("Anna Müller")
    page.get_by_role("radio", name=re.compile("Curator")).check()
    page.get_by_role("button", name="Invite", exact=True).click()
    page.get_by_role("button", name="Copy link").click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    guest = visit(java_script_enabled=False).page
    guest.goto(page.get_by_label("Link").input_value())
    expect(guest.get_by_label("Username")).to_have_value("anna.muller")
    guest.get_by_label("Password", exact=True).fill("a long new secret")
    guest.get_by_label("Password confirmation").fill("a long new secret")
    guest.get_by_role("button", name="Create account").click()
    expect(guest.get_by_text("Your username is anna.muller.")).to_be_visible()
    page.get_by_role("link", name="Back to people").click()
    expect(page.get_by_role("listitem").filter(has_text="Anna Müller")).to_contain_text("Curator")


def test_theme_is_applied_at_once_and_kept(visit, owner):
    page = visit().sign_in()
    page.goto("/account/")
    theme = page.locator(".account-theme")
    dark = theme.get_by_role("button", name="Dark")
    with page.expect_response("**/theme/"):
        dark.click()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    expect(dark).to_have_attribute("aria-pressed", "true")
    page.reload()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    page.get_by_role("button", name="Account: owner").click()
    with page.expect_response("**/theme/"):
        page.locator("#account").get_by_role("button", name="System").click()
    expect(theme.get_by_role("button", name="System")).to_have_attribute("aria-pressed", "true")
    expect(page.locator("html")).not_to_have_attribute("data-theme", "dark")
