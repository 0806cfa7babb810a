"""Curating in a browser: the bulk bar on pictures of others, comparing duplicates."""

from __future__ import annotations

import io

from playwright.sync_api import expect

from analysis.ingest.examine import examine
from analysis.library import images
from analysis.models import Image
from analysis.recognition.reindex_images import reindex
from tests import factories, pictures


def test_bulk_bar_says_what_is_own_completes_tags_and_rates(visit, renditions, dogs):
    colleague = factories.create_user("colleague")
    for _ in range(2):
        factories.create_labeled_image(colleague, {"Dog": 90}, visibility=Image.Visibility.SHARED, **renditions)
    page = visit().sign_in()
    page.wait_for_load_state()
    page.keyboard.press("Control+a")
    bar = page.locator(".bulk-bar")
    expect(bar).to_contain_text("6 of 8 are yours")
    bar.locator("summary", has_text="Tags and labels").click()
    expect(bar.get_by_text("You can review the labels of 6 of 8: only these will change.")).to_be_visible()
    expect(bar.get_by_role("button", name="Confirm Dog")).to_be_visible()
    bar.get_by_label("Tag", exact=True).press_sequentially("gra")
    expect(bar.get_by_role("option", name="Grass")).to_be_visible()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(bar.get_by_label("Tag", exact=True)).to_have_value("Grass")
    bar.locator("summary", has_text="Rate").click()
    bar.get_by_role("button", name="4 stars").click()
    expect(page.locator(".toast")).to_contain_text("Rated 8 pictures: ★★★★")
    bar.get_by_role("button", name="Trash").click()
    expect(page.locator(".toast").last).to_contain_text("Moved 6 pictures to the trash. You can't edit 2 of these.")


def test_duplicates_are_compared_with_zoom_and_one_is_kept(visit, owner, pictures_folder):
    for name, width in (("large.png", 1600), ("small.png", 400)):
        picture = pictures.photo().resize((width, width * 3 // 4))
        file = io.BytesIO(pictures.encoded(picture, "png"))
        images.add(images.store_files(examine(file, name=name), file, owner_id=owner.pk))
    reindex(list(Image.objects.values_list("pk", flat=True)))
    page = visit().sign_in()
    page.goto("/duplicates/")
    page.get_by_role("link", name="Compare").click()
    left, right = page.locator("picture-zoom").nth(0), page.locator("picture-zoom").nth(1)
    expect(page.get_by_role("row", name="Dimensions")).to_contain_text("1,600 × 1,200")
    right.get_by_role("button", name="Zoom in").click()
    for side in (left, right):
        expect(side).to_have_class("image-area is-zoomed")
    sizes = "zooms => zooms.map(zoom => zoom.querySelector('.image-frame').style.width)"
    widths = page.locator("picture-zoom").evaluate_all(sizes)
    assert widths[0] == widths[1]
    left.dblclick()
    places = "zooms => zooms.map(zoom => zoom.querySelector('.image-frame').style.translate)"
    moved = page.locator("picture-zoom").evaluate_all(places)
    assert moved[0] == moved[1]
    page.get_by_role("button", name="Keep this one: large.png").click()
    expect(page.locator(".toast")).to_contain_text("Kept 1, moved 1 picture to the trash.")
    expect(page.get_by_text("No near-duplicates found.")).to_be_visible()
    page.locator(".toast").get_by_role("button", name="Undo").click()
    expect(page.get_by_role("link", name="Compare")).to_be_visible()
