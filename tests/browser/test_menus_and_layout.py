"""Menus, names of icon buttons, and the height of the image page."""

from __future__ import annotations

from django.urls import reverse
from playwright.sync_api import expect

from analysis.curation import collections
from analysis.curation.bulk import Selection
from analysis.models import Alert, Batch, SavedSearch
from imagelib.accounts.models import User
from tests import factories

PHONE = {"viewport": {"width": 390, "height": 844}}
LONG = "x" * 90


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


def test_icon_buttons_have_names_and_the_search_has_room_on_a_phone(visit, dogs):
    page = visit(**PHONE, is_mobile=True, has_touch=True).sign_in()
    expect(page.get_by_role("link", name="Upload")).to_be_visible()
    field = page.get_by_role("combobox")
    field.fill("dog")
    assert field.bounding_box()["width"] > 360
    field.press("Enter")
    expect(page.locator("#result-line")).to_have_text("4 pictures")
    expect(field).not_to_be_focused()
    page.locator(".months summary").click()
    assert page.locator(".months > .menu").bounding_box()["x"] >= 0
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


def test_long_names_and_errors_do_not_widen_pages(visit, owner, dogs):
    User.objects.filter(pk=owner.pk).update(is_staff=True, is_superuser=True)
    search = SavedSearch.objects.create(owner=owner, name=LONG, query=f"name:{LONG}")
    values = {"channel": "webhook", "address": "https://example.org/", "last_error": LONG}
    alert = Alert.objects.create(owner=owner, saved_search=search, **values)
    batch = Batch.objects.create(person=owner, recognizer="local", parameters={"labels": {}}, query=f"name:{LONG}")
    bucket = factories.create_bucket(owner, last_error=LONG)
    collections.add(collections.create(owner, name=LONG), Selection(owner, ids=(dogs[0].pk,)))
    other = factories.create_user("other", first_name=LONG)
    factories.create_image(other)
    page = visit(**PHONE).sign_in()
    ids = {"alert": alert.pk, "alert-edit": alert.pk, "batch": batch.pk, "bucket": bucket.pk, "person": other.pk}
    names = ("collections", "activity", "buckets", "collection-filter")
    addresses = [*map(reverse, names), *(reverse(name, args=[pk]) for name, pk in ids.items())]
    for address in (*addresses, f"{reverse('analyze')}?q=name:{LONG}"):
        page.goto(address)
        assert page.evaluate("document.documentElement.scrollWidth") <= 390, address
    page.set_viewport_size({"width": 1280, "height": 800})
    page.goto(f"/?q=name:{LONG}{LONG}")
    assert page.evaluate("document.documentElement.scrollWidth") <= 1280
