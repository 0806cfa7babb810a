"""The library with slow, reordered and failed responses."""

from __future__ import annotations

import re

from playwright.sync_api import expect

from analysis.models import Image
from tests.browser.throttled_server import held

LINE = """() => {
    const { content, opacity } = getComputedStyle(document.querySelector(".header"), "::after");
    return content !== "none" && opacity === "1";
}"""


def cards(page):
    return page.locator(".card")


def forgive(window):
    """Console messages of htmx and the browser for failed requests."""
    expected = re.compile("htmx:|.*ERR_INTERNET_DISCONNECTED")
    window.complaints[:] = [complaint for complaint in window.complaints if not expected.match(complaint)]


def search(page, text):
    page.get_by_role("combobox").fill(text)
    page.keyboard.press("Enter")


def filter_of(page, name):
    return page.locator("#facets").get_by_role("link", name=name)


def test_double_click_sends_once_and_keeps_undo(visit, owner, dogs):
    page = visit().sign_in()
    page.wait_for_load_state()
    sent = []
    page.on("request", lambda request: sent.append(request.url) if request.url.endswith("/bulk/trash/") else None)
    cards(page).first.locator(".card-checkbox").check()
    trash = page.locator(".bulk-bar").get_by_role("button", name="Trash")
    with held(page, "**/bulk/trash/"):
        trash.click()
        trash.click()
        page.keyboard.press("Delete")
        page.wait_for_function(LINE)  # it says that something happens
    expect(page.locator(".toast")).to_contain_text("Moved 1 picture to the trash.")
    expect(cards(page)).to_have_count(5)
    assert len(sent) == 1
    page.locator(".toast").get_by_role("button", name="Undo").click()
    expect(cards(page)).to_have_count(6)


def test_fast_keys_are_all_sent(visit, owner, dogs):
    page = visit().sign_in()
    page.wait_for_load_state()
    with held(page, "**/bulk/favorite/"):
        for key in ("ArrowRight", "f", "ArrowRight", "f"):
            page.keyboard.press(key)
    expect(page.locator(".card-badge.favorite")).to_have_count(2)


def test_last_search_wins_regardless_of_response_order(visit, owner, dogs):
    window = visit()
    page = window.sign_in()
    page.wait_for_load_state()
    with held(page, re.compile(r"\?q=Grass$")):
        search(page, "Grass")
        page.wait_for_function(LINE)
        filter_of(page, "Cat 1").click()
        expect(cards(page)).to_have_count(1)
    page.wait_for_timeout(300)  # nothing reports that an event did not happen
    expect(cards(page)).to_have_count(1)
    expect(page).to_have_url("/?q=Cat")
    expect(page.get_by_role("combobox")).to_have_value("Cat")
    forgive(window)


def test_undo_does_not_cancel_a_pending_search(visit, owner, dogs):
    page = visit().sign_in()
    page.wait_for_load_state()
    cards(page).nth(1).locator(".card-checkbox").check()
    page.keyboard.press("f")
    undo = page.locator(".toast").get_by_role("button", name="Undo")
    expect(undo).to_be_visible()
    with held(page, re.compile(r"\?q=Grass$")):
        search(page, "Grass")
        undo.click()
        expect(page.locator(".toast")).to_contain_text("Undone for 1 picture.")
    expect(cards(page)).to_have_count(3)
    page.wait_for_load_state("networkidle")
    expect(cards(page)).to_have_count(3)
    expect(page).to_have_url("/?q=Grass")


def test_action_response_does_not_replace_a_newer_search(visit, owner, dogs):
    page = visit().sign_in()
    page.wait_for_load_state()
    cards(page).first.locator(".card-checkbox").check()
    with held(page, re.compile(r"/cards/\?")):
        page.locator(".bulk-bar").get_by_role("button", name="Favorite").click()
        expect(page.locator(".toast")).to_contain_text("Added 1 picture to your favorites.")
        filter_of(page, "Grass 3").click()
        expect(cards(page)).to_have_count(3)
    page.wait_for_load_state("networkidle")
    expect(page.locator("#result-line")).to_have_text("3 pictures")
    expect(page.locator("#facet-list").get_by_role("link", name="Cat 1")).to_have_count(0)


def test_bulk_menu_shows_the_current_selection(visit, owner, dogs):
    page = visit().sign_in()
    page.wait_for_load_state()
    menu = page.get_by_text("Tags and labels")
    cards(page).nth(2).locator(".card-checkbox").check()
    with held(page, "**/bulk/menu/"):
        with page.expect_request("**/bulk/menu/"):
            menu.click()
        page.keyboard.press("Escape")
        cards(page).nth(3).locator(".card-checkbox").check()
        menu.click()
        expect(page.locator(".bulk-labels .count").first).to_have_text("2")
    page.wait_for_load_state("networkidle")
    expect(page.locator(".bulk-labels .count").first).to_have_text("2")


def test_connection_errors_are_shown_and_selection_is_kept(visit, owner, dogs):
    window = visit()
    page = window.sign_in()
    page.wait_for_load_state()
    cards(page).first.locator(".card-checkbox").check()
    toast = page.locator(".toast")
    window.context.set_offline(True)
    page.locator(".bulk-bar").get_by_role("button", name="Trash").click()
    expect(toast).to_contain_text("The server cannot be reached. Nothing was changed; try again in a moment.")
    filter_of(page, "Grass 3").click()
    expect(toast).to_contain_text("The server cannot be reached. Try again in a moment.")
    expect(cards(page)).to_have_count(6)
    expect(page.locator(".bulk-bar")).to_contain_text("1 selected")
    page.get_by_text("Tags and labels").click()
    page.get_by_label("Tag", exact=True).fill("holiday")
    page.keyboard.press("Enter")
    expect(toast).to_contain_text("Nothing was changed; try again in a moment.")
    window.context.set_offline(False)
    page.keyboard.press("Enter")  # what was typed is still there
    expect(toast).to_contain_text("Added “holiday” to 1 picture.")
    page.locator(".bulk-bar").get_by_role("button", name="Trash").click()
    expect(toast).to_contain_text("Moved 1 picture to the trash.")
    filter_of(page, re.compile("^Grass")).click()
    page.wait_for_url("**/?q=Grass")
    expect(page.locator("#q")).to_have_value("Grass")  # the results have been swapped
    assert Image.objects.exclude(trashed_at=None).count() == 1
    forgive(window)


def test_signed_out_person_signs_in_and_returns_to_the_search(visit, owner, dogs):
    window = visit()
    page = window.sign_in()
    for act in (lambda: filter_of(page, "Grass 3").click(), lambda: page.keyboard.press("f")):
        page.goto("/?q=dog")
        page.keyboard.press("ArrowRight")
        window.context.clear_cookies(name="sessionid")
        act()
        page.locator("input[name=username]").fill("owner")
        page.get_by_label("Password").fill("word")
        page.get_by_role("button", name="Sign in", exact=True).click()
        page.wait_for_url("**/?q=dog")
