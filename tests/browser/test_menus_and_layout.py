"""Menus, names of icon buttons, and the height of the image page."""

from __future__ import annotations

from playwright.sync_api import expect

PHONE = {"viewport": {"width": 390, "height": 844}}


def test_click_outside_a_menu_only_closes_it(visit, dogs):
    page = visit().sign_in()
    page.goto("/?q=dog")
    page.locator(".save-search summary").click()
    name = page.get_by_label("Search name")
    expect(name).to_be_focused()
    card = page.locator(".card").first
    card.click(position={"x": 60, "y": 120})
    expect(name).to_be_hidden()
    expect(page).to_have_url("/?q=dog")
    card.click(position={"x": 60, "y": 120})
    page.wait_for_url("**/images/**")


def test_click_outside_a_popover_only_closes_it(visit, dogs):
    page = visit().sign_in()
    page.get_by_role("button", name="Account").click()
    expect(page.get_by_role("button", name="Sign out")).to_be_visible()
    page.locator(".card").first.click(position={"x": 60, "y": 120})
    expect(page.get_by_role("button", name="Sign out")).to_be_hidden()
    expect(page).to_have_url("/")


def test_tag_field_of_the_bulk_bar_takes_the_focus(visit, dogs):
    page = visit().sign_in()
    page.locator(".card").first.locator(".card-checkbox").check()
    page.locator(".bulk-bar summary").first.click()
    expect(page.get_by_label("Tag", exact=True)).to_be_focused()


def test_icon_buttons_have_names_on_a_phone(visit, dogs):
    page = visit(**PHONE).sign_in()
    expect(page.get_by_role("link", name="Upload")).to_be_visible()
    page.goto(dogs[0].get_absolute_url())
    expect(page.get_by_role("button", name="Boxes")).to_be_visible()
    expect(page.get_by_role("link", name="All pictures", exact=True)).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_image_page_with_an_alert_is_as_high_as_the_window(visit, dogs, settings):
    settings.RECOGNIZER = "simulator"
    page = visit().sign_in()
    page.goto(dogs[0].get_absolute_url())
    expect(page.locator(".alert-site")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollHeight - innerHeight") == 0
    frame, panel = page.locator(".image-frame").bounding_box(), page.locator(".image-panel").bounding_box()
    assert frame["height"] > 100
    assert frame["y"] + frame["height"] <= 800
    assert panel["y"] + panel["height"] <= 801
