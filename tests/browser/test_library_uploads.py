"""Uploads from the library: the dock, and new pictures in the grid."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from analysis.curation import collections
from tests import factories, pictures

DROP = """files => {
    const data = new DataTransfer();
    for (const [name, bytes] of files) data.items.add(new File([new Uint8Array(bytes)], name, { type: "image/jpeg" }));
    document.body.dispatchEvent(new DragEvent("drop", { dataTransfer: data, bubbles: true, cancelable: true }));
}"""
TOP = "id => document.getElementById(id).getBoundingClientRect().top"


RECENTLY_ADDED = "/?q=sort%3Anewest"


@pytest.fixture
def library(owner, renditions):
    """Enough pictures for several pages of the grid."""
    return [factories.create_image(owner, **renditions) for _ in range(500)]


def drop(page, number: int = 1) -> None:
    files = [[f"{seed}.jpg", list(pictures.jpeg(seed=seed))] for seed in range(1, number + 1)]
    page.evaluate(DROP, files)


def image_ids(page) -> list[int]:
    return [int(image_id) for image_id in page.evaluate("document.querySelector('virtual-grid').imageIds()")]


def wait_for_new_cards(page, first_id: int, number: int) -> None:
    """Until this number of cards precede the original first one."""
    script = "([id, number]) => document.querySelector('virtual-grid').imageIds().indexOf(String(id)) === number"
    page.wait_for_function(script, arg=[first_id, number])


def test_dock_shows_total_and_closes(visit, library):
    page = visit().sign_in()
    drop(page, 2)
    dock = page.get_by_role("region", name="Uploads")
    expect(dock.locator("[data-upload-summary]")).to_have_text("2 added", timeout=30_000)
    expect(dock.locator(".upload-total-bar")).to_be_visible()
    dock.get_by_role("button", name="Close").click()
    expect(dock).to_be_hidden()


def test_pictures_dropped_on_a_collection_appear_in_it(visit, owner):
    collection = collections.create(owner, name="Trip")
    page = visit().sign_in()
    page.goto(collection.get_absolute_url())
    drop(page, 2)
    expect(page.locator("[data-upload-summary]")).to_have_text("2 added", timeout=30_000)
    expect(page.locator("#grid .card")).to_have_count(2)
    expect(page.locator("#collection-count")).to_have_text("2 pictures")
    assert collection.entries.count() == 2


def test_new_pictures_appear_first_among_those_added_recently(visit, owner, library):
    page = visit().sign_in()
    page.goto(RECENTLY_ADDED)
    before = image_ids(page)
    drop(page, 3)
    wait_for_new_cards(page, before[0], 3)
    assert set(image_ids(page)[:3]) == set(owner.images.order_by("-added_at").values_list("pk", flat=True)[:3])
    assert image_ids(page)[3:63] == before[:60]
    expect(page.locator(".card").first).to_be_visible()
    expect(page.locator("[data-new-images]")).to_be_hidden()


def test_visible_pictures_stay_in_place_when_others_are_added(visit, library):
    page = visit().sign_in()
    page.goto(RECENTLY_ADDED)
    first_id = image_ids(page)[0]
    page.mouse.wheel(0, 1000)
    page.wait_for_function("() => scrollY === 1000")
    page.wait_for_function("() => new Promise((resolve) => requestAnimationFrame(() => resolve(true)))")
    card = page.evaluate("document.querySelector('virtual-grid').firstVisibleCard().id")
    top = page.evaluate(TOP, card)
    drop(page, 10)
    wait_for_new_cards(page, first_id, 10)
    assert abs(page.evaluate(TOP, card) - top) < 2


@pytest.mark.parametrize(("address", "number"), [("/", 6), ("/?q=dog", 4)])
def test_other_results_count_new_pictures_and_link_to_them(visit, dogs, address, number):
    page = visit().sign_in()
    page.goto(address)
    drop(page)
    line = page.locator("[data-new-images]")
    expect(line).to_contain_text("1 new picture")
    expect(page.locator(".card")).to_have_count(number)
    line.get_by_role("link", name="Show").click()
    page.wait_for_url(f"**{RECENTLY_ADDED}")
    expect(page.locator(".card")).to_have_count(7)
    expect(page.get_by_role("region", name="Uploads").locator("[data-upload-summary]")).to_have_text("1 added")


def test_first_picture_replaces_the_welcome(visit, owner):
    page = visit().sign_in()
    expect(page.get_by_role("heading", name="Add your first pictures")).to_be_visible()
    drop(page)
    expect(page.locator(".card")).to_have_count(1)
    expect(page.locator("[data-upload-summary]")).to_have_text("1 added")
