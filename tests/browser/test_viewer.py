"""Viewing pictures: zoom, full screen, slideshow, trash, on a phone."""

from __future__ import annotations

import io
import re

import pytest
from playwright.sync_api import expect

from analysis.ingest.examine import examine
from analysis.library import images
from analysis.models import Image
from analysis.recognition.reindex_images import reindex
from analysis.storage import blobs
from tests import factories, pictures, rekognition_responses


@pytest.fixture
def three(transactional_db, pictures_folder):
    """Pictures of the owner; the first has 2,400 × 1,800 px, and a box around a dog."""
    owner = factories.create_user("owner")
    added = []
    for color, width in (("red", 2400), ("green", 400), ("blue", 400)):
        content = pictures.encoded(pictures.Image.new("RGB", (width, width * 3 // 4), color), "tiff")
        file = io.BytesIO(content)
        stored = images.store_files(examine(file, name=f"{color}.tif"), file, owner_id=owner.pk)
        added.append(images.add(stored).image)
    dog = rekognition_responses.label("Dog", 82, instances=(rekognition_responses.instance(),))
    factories.create_analysis(added[0], state="done", answer={"Labels": [dog]})
    reindex([image.pk for image in added])
    return added


def name_of(page):
    return page.locator("h1")


def zoom_level(page):
    return page.locator("[data-zoom=actual]")


def test_keys_lead_through_the_pictures_and_one_back_to_the_grid(visit, three):
    window = visit()
    page, keys = window.sign_in(), window.page.keyboard
    page.locator(".card a").first.click()
    page.wait_for_url("**/images/**")
    page.wait_for_load_state()
    keys.press("Shift+F")
    expect(page.locator(".header")).to_be_hidden()
    keys.press("ArrowRight")
    expect(name_of(page)).to_have_text("green.tif")
    keys.press("ArrowRight")
    expect(name_of(page)).to_have_text("red.tif")
    expect(page).to_have_url(f"{window.address}/images/{three[0].pk}/")
    expect(page.locator(".header")).to_be_hidden()  # still in full screen
    keys.press("Escape")
    expect(page.locator(".header")).to_be_visible()

    height = "document.documentElement.scrollHeight - innerHeight"
    assert page.evaluate(height) == 0

    box = page.locator(".box")
    expect(box).to_be_hidden()
    page.locator(".label-row").hover()
    expect(box).to_be_visible()
    page.locator(".header").hover()
    expect(box).to_be_hidden()
    keys.press("b")
    keys.press("i")
    expect(box).to_be_visible()
    expect(page.locator(".image-panel")).to_be_hidden()
    page.reload()
    expect(box).to_be_visible()
    expect(page.locator(".image-panel")).to_be_hidden()
    keys.press("f")
    expect(page.locator("#favorite")).to_have_attribute("aria-pressed", "true")

    assert page.evaluate(height) == 0  # with the panel hidden too
    keys.press("Delete")
    expect(page.locator(".toast")).to_contain_text("Moved to trash.")
    keys.press("u")
    expect(page.locator(".toast")).to_have_count(0)
    expect(page).to_have_url(f"{window.address}/images/{three[0].pk}/")

    page.go_back()
    expect(page.locator(f"#card-{three[0].pk} a")).to_be_focused()


def test_zoom_loads_the_pixels_of_a_file_that_browsers_cannot_show(visit, three):
    window = visit()
    page, keys = window.sign_in(), window.page.keyboard
    page.goto(three[0].get_absolute_url())
    expect(zoom_level(page)).to_have_text("1:1")
    keys.press("z")
    expect(zoom_level(page)).to_have_text("100 %")
    sharp = page.locator(".sharp")
    expect(sharp).to_have_attribute("src", re.compile("/renditions/full"))
    assert sharp.evaluate("image => image.decode().then(() => image.naturalWidth)") == 2400
    frame = page.locator(".image-frame")
    before = frame.bounding_box()
    keys.press("Shift+ArrowRight")
    after = frame.bounding_box()
    assert (round(before["width"]), round(before["x"] - after["x"])) == (2400, 80)
    page.mouse.move(300, 400)
    page.mouse.down()
    page.mouse.move(340, 430)
    page.mouse.up()
    moved = frame.bounding_box()
    assert [round(moved[side] - after[side]) for side in ("x", "y")] == [40, 30]
    page.mouse.wheel(0, 100)
    expect(zoom_level(page)).to_have_text("82 %")
    keys.press("z")
    keys.press("z")
    expect(page.locator(".image-area.is-zoomed")).to_have_count(0)


def test_original_that_is_gone_leaves_the_preview_and_says_so(visit, three):
    window = visit()
    page = window.sign_in()
    page.goto(three[0].get_absolute_url())
    blobs.storage().delete(three[0].key)
    page.keyboard.press("z")
    expect(page.locator(".toast")).to_contain_text("The original can't be read, so only the preview can be shown.")
    expect(page.locator(".preview")).to_be_visible()
    window.forget_complaints()


def test_trash_shows_the_next_picture_and_undo_the_restored_one(visit, three):
    window = visit()
    page, keys = window.sign_in(), window.page.keyboard
    page.goto(three[2].get_absolute_url())
    window.context.set_offline(True)
    keys.press("Delete")
    expect(page.locator(".toast")).to_contain_text("Nothing was changed; try again in a moment.")
    window.context.set_offline(False)
    keys.press("Delete")
    expect(name_of(page)).to_have_text("green.tif")
    expect(page.locator(".toast")).to_contain_text("Moved to trash.")
    assert Image.objects.exclude(trashed_at=None).get() == three[2]
    keys.press("u")
    expect(name_of(page)).to_have_text("blue.tif")
    assert not Image.objects.exclude(trashed_at=None).exists()
    keys.press("r")
    expect(page.locator(".toast")).to_contain_text("Rotated.")
    expect(page.locator(".boxes")).to_have_attribute("viewBox", "0 0 750.0 1000.0")
    window.forget_complaints()


def test_fingers_swipe_and_pinch(visit, three):
    window = visit(viewport={"width": 390, "height": 844}, has_touch=True)
    page = window.sign_in()
    page.goto(three[1].get_absolute_url())
    touch = window.context.new_cdp_session(page)

    def move(*paths):
        """Fingers along their paths, each a list of points."""
        for number, points in enumerate(zip(*paths, strict=True)):
            kind = "touchMove" if number else "touchStart"
            at = [{"x": x, "y": y, "id": finger} for finger, (x, y) in enumerate(points)]
            touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": at})
        touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})

    move([(300, 260), (240, 262), (180, 262), (120, 264)])
    expect(name_of(page)).to_have_text("red.tif")
    move([(100, 260), (160, 262), (220, 262), (280, 264)])
    expect(name_of(page)).to_have_text("green.tif")
    move([(180, 260), (150, 260), (100, 260)], [(210, 260), (240, 260), (290, 260)])
    expect(page.locator(".image-area.is-zoomed")).to_have_count(1)
    page.set_viewport_size({"width": 844, "height": 390})  # the phone is turned
    expect(page.locator(".image-area.is-zoomed")).to_have_count(1)
    frame, area = page.locator(".image-frame").bounding_box(), page.locator(".image-area").bounding_box()
    assert frame["x"] <= area["x"] + 1
    assert frame["x"] + frame["width"] >= area["x"] + area["width"] - 1


def test_slideshow_ends_at_the_last_picture(visit, three):
    window = visit()
    page = window.sign_in()
    page.clock.install()
    page.goto(three[1].get_absolute_url())
    page.keyboard.press("s")
    expect(page.locator(".header")).to_be_hidden()
    page.clock.fast_forward(5_100)
    expect(name_of(page)).to_have_text("red.tif")
    page.clock.fast_forward(5_100)
    expect(page.get_by_text("That was the last picture.")).to_be_visible()
    expect(page.locator(".header")).to_be_visible()


def test_pictures_are_viewed_and_edited_without_javascript(visit, three):
    window = visit(java_script_enabled=False)
    page = window.sign_in()
    page.goto(three[2].get_absolute_url())
    page.get_by_role("link", name="Next picture").click()
    expect(name_of(page)).to_have_text("green.tif")
    page.locator(".edit-details summary").click()
    page.get_by_label("Title").fill("Lawn")
    page.get_by_label("Title").press("Enter")
    expect(name_of(page)).to_have_text("Lawn")
    page.get_by_role("button", name="Rotate right").click()
    expect(page.get_by_text("Rotated.")).to_be_visible()
    page.get_by_role("button", name="Move to trash").click()
    expect(name_of(page)).to_have_text("red.tif")
    assert Image.objects.exclude(trashed_at=None).values_list("title", "quarter_turns").get() == ("Lawn", 1)
