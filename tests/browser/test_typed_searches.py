"""Searches typed as people think of them: found, or offered in one click."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from analysis.curation import verdicts
from analysis.library.folders import get_or_create_folder
from tests.factories import START, create_image, create_labeled_image


@pytest.fixture
def library(owner, renditions):
    """One picture for each search, and one that none of them finds."""
    create_labeled_image(owner, {"Grass": 90}, filename="grass.jpg", **renditions)
    create_labeled_image(owner, {"Dog": 98, "Beach": 90}, filename="dogs.jpg", **renditions)
    create_labeled_image(owner, {"Fire Truck": 98}, filename="truck.jpg", **renditions)
    create_labeled_image(
        owner, {"Vehicle": 98}, filename="vehicle.jpg", taken_at=START.replace(year=2023), **renditions
    )
    coffee = create_labeled_image(owner, {"Cup": 90}, filename="coffee.jpg", **renditions)
    verdicts.add(coffee.pk, name="Café", by_id=owner.pk)
    create_image(owner, filename="IMG_1227.jpg", **renditions)
    folder_id = get_or_create_folder("family-archive/2019/summer", owner_id=owner.pk)
    create_image(owner, filename="archived.jpg", folder_id=folder_id, **renditions)


@pytest.mark.parametrize(
    ("typed", "offer", "filename"),
    [
        ("dogs on the beach", "", "dogs.jpg"),
        ("IMG_1227", "1 picture named “IMG_1227”", "IMG_1227.jpg"),
        ("fire truck", "", "truck.jpg"),
        ("cafe", "", "coffee.jpg"),
        ("vehicles 2023", "", "vehicle.jpg"),
        ("family-archive/2019", "1 picture in folders named “family-archive/2019”", "archived.jpg"),
        ("“fire truck” –dogs", "", "truck.jpg"),
    ],
)
def test_typed_search_finds_the_picture_in_one_click(typed, offer, filename, visit, library):
    page = visit().sign_in()
    page.wait_for_load_state()
    page.keyboard.press("/")
    page.keyboard.type(typed)
    page.keyboard.press("Enter")
    if offer:
        page.get_by_role("link", name=offer).click()
    expect(page.locator(".card")).to_have_count(1)
    expect(page.get_by_role("checkbox", name=f"Select {filename}")).to_be_attached()


def test_other_reading_is_one_click_away(visit, library):
    page = visit().sign_in("owner")
    page.goto("/?q=dogs")
    expect(page.locator(".search-note")).to_contain_text("Showing results for “Dog”.")
    page.get_by_role("link", name="Search for exactly what I typed").click()
    expect(page.get_by_text("No pictures match “dogs”.")).to_be_visible()
    page.get_by_role("link", name="Dog", exact=True).click()
    expect(page.locator(".card")).to_have_count(1)
