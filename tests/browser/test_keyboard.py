"""The library by keyboard: focus and Undo."""

from __future__ import annotations

import re

from playwright.sync_api import expect

from analysis.models import Verdict
from tests.browser.test_network_errors import cards, filter_of


def test_focus_stays_on_the_card_after_an_action(visit, owner, dogs):
    page = visit().sign_in()
    page.wait_for_load_state()
    filter_of(page, "Grass 3").press("Enter")
    expect(cards(page)).to_have_count(3)
    expect(filter_of(page, "Grass 3")).to_be_focused()
    page.keyboard.press("/")
    page.keyboard.press("Escape")
    expect(page.get_by_role("combobox")).not_to_be_focused()
    expect(page.get_by_role("combobox")).to_have_value("Grass")

    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("/images/"))
    page.wait_for_load_state()
    page.keyboard.press("Escape")
    page.wait_for_url(re.compile("&to="))
    page.wait_for_load_state()
    page.keyboard.press("ArrowRight")
    expect(cards(page).nth(1).get_by_role("link")).to_be_focused()

    page.keyboard.press("x")
    page.locator(".bulk-bar summary").first.press("Enter")
    page.get_by_label("Tag", exact=True).press_sequentially("holiday\n")
    expect(page.locator(".toast")).to_contain_text("Added “holiday” to 1 picture.")
    expect(page.locator(".bulk-bar summary").first).to_be_focused()
    page.keyboard.press("z")
    expect(page.locator(".toast")).to_contain_text("Undone for 1 picture.")
    assert Verdict.objects.count() == 0


def test_focus_stays_on_the_toasts_after_undo(visit, owner, dogs):
    page = visit().sign_in()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("x")
    page.locator(".bulk-bar").get_by_role("button", name="Trash").press("Enter")
    page.locator(".toast").get_by_role("button", name="Undo").press("Enter")
    expect(page.locator(".toast")).to_contain_text("Undone for 1 picture.")
    expect(page.locator(".toast").get_by_role("button", name="Close")).to_be_focused()


def test_shortcut_list_follows_the_results(visit, owner, dogs):
    page = visit().sign_in()
    keys = page.get_by_role("dialog").locator("dl")
    for address, valid in (("/", True), ("/?q=is:trashed", False), ("/?q=(", False)):
        page.goto(address)
        page.keyboard.press("?")
        expect(keys).to_contain_text("Search")
        words = ("Move between pictures", "Move to trash")
        assert [text in keys.inner_text() for text in words] == [valid, valid]
    page.goto("/")
    for key in "gaaa":  # Alerts and Activity are in the folded group; a letter goes round
        page.keyboard.press(key)
    expect(page.locator("#facets").get_by_role("link", name="Alerts")).to_be_focused()
    page.keyboard.press("t")
    page.keyboard.press("Enter")
    page.wait_for_url("**/trash/")
    page.keyboard.press("m")
    page.keyboard.press("a")
    expect(page.get_by_role("link", name="Account")).to_be_focused()


def test_undo_without_javascript_returns_to_the_search(visit, owner, dogs):
    page = visit(java_script_enabled=False).sign_in()
    page.goto("/?q=Grass")
    cards(page).first.locator(".card-checkbox").check()
    page.locator(".bulk-bar").get_by_role("button", name="Trash").click()
    page.locator(".toast").get_by_role("button", name="Undo").click()
    expect(cards(page)).to_have_count(3)
    expect(page).to_have_url("/?q=Grass")
