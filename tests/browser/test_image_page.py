"""The image page in a browser: by keyboard, and without JavaScript."""

from __future__ import annotations

import io

import pytest
from playwright.sync_api import expect

from analysis.ingest.examine import examine
from analysis.library import images
from analysis.models import Image, Rating, Verdict
from analysis.recognition.reindex_images import reindex
from tests import factories, pictures, rekognition_responses
from tests.browser.throttled_server import held


@pytest.fixture
def image(transactional_db, pictures_folder):
    """A picture of the owner with three labels, the surest first: Cat, Dog, Hat."""
    owner, file = factories.create_user("owner"), io.BytesIO(pictures.jpeg())
    image = images.add(images.store_files(examine(file, name="pets.jpg"), file, owner_id=owner.pk)).image
    labels = [
        rekognition_responses.label("Cat", 96),
        rekognition_responses.label("Dog", 82, instances=(rekognition_responses.instance(),)),
        rekognition_responses.label("Hat", 55),
    ]
    factories.create_analysis(image, state="done", answer={"Labels": labels})
    reindex([image.pk])
    return image


def decisions() -> dict[str, str]:
    return dict(Verdict.objects.values_list("label__name", "decision"))


def test_labels_are_reviewed_by_keyboard(visit, image):
    window = visit()
    window.sign_in()
    page, keys = window.page, window.page.keyboard
    page.goto(image.get_absolute_url())

    keys.press("j")
    expect(page.get_by_role("link", name="Cat", exact=True)).to_be_focused()
    keys.press("y")
    expect(page.get_by_text("Confirmed by you just now; detected at 96")).to_be_visible()
    expect(page.get_by_role("link", name="Cat", exact=True)).to_be_focused()

    keys.press("j")
    expect(page.locator(".box")).to_have_count(1)
    keys.press("n")
    expect(page.get_by_text("Rejected by you just now; detected at 82")).to_be_visible()
    expect(page.locator(".box")).to_have_count(0)
    expect(page.get_by_role("link", name="Hat", exact=True)).to_be_focused()
    assert decisions() == {"Cat": "confirmed", "Dog": "rejected"}

    keys.press("t")
    keys.type("ca")
    expect(page.get_by_role("option", name="Cat")).to_be_visible()
    keys.press("Escape")
    field = page.get_by_label("Add a label or tag")
    field.fill("")
    keys.type("holiday\n")
    tags = page.locator("#tags")
    expect(tags.get_by_role("link", name="holiday")).to_be_visible()
    expect(field).to_have_value("")
    keys.type("a" * 20 + "\n")
    expect(tags.get_by_role("listitem")).to_have_count(2)
    keys.press("Escape")
    assert decisions() == {"Cat": "confirmed", "Dog": "rejected", "holiday": "added", "a" * 20: "added"}

    page.get_by_role("button", name="Remove tag holiday").press("Enter")
    expect(page.get_by_text("Removed tag “holiday”.")).to_be_visible()
    page.get_by_role("button", name="Undo", exact=True).press("Enter")
    expect(tags.get_by_role("link", name="holiday")).to_be_visible()
    page.get_by_role("button", name="Undo rejection of Dog").press("Enter")
    expect(page.locator(".box")).to_have_count(1)

    keys.press("f")
    expect(page.get_by_role("button", name="Favorite")).to_have_attribute("aria-pressed", "true")
    keys.press("4")
    expect(page.locator(".star.is-given")).to_have_count(4)
    keys.press("2")
    expect(page.locator(".star.is-given")).to_have_count(2)
    assert list(Rating.objects.values_list("is_favorite", "rating")) == [(True, 2)]
    keys.press("0")
    expect(page.locator(".star.is-given")).to_have_count(0)

    keys.press("Delete")
    expect(page.get_by_text("Moved to trash.")).to_be_visible()
    expect(page).to_have_url(f"{window.address}/")  # there is no other picture
    assert Image.objects.get().trashed_at is not None
    page.get_by_role("button", name="Undo", exact=True).press("Enter")
    expect(page.locator(".card")).to_have_count(1)
    assert Image.objects.get().trashed_at is None


def test_fast_keys_are_queued_and_double_click_counts_once(visit, image):
    window = visit()
    window.sign_in()
    page = window.page
    page.goto(image.get_absolute_url())
    for key in "jyjyjn3f":
        page.keyboard.press(key)
    expect(page.locator(".star.is-given")).to_have_count(3)
    expect(page.get_by_role("button", name="Favorite")).to_have_attribute("aria-pressed", "true")
    assert decisions() == {"Cat": "confirmed", "Dog": "confirmed", "Hat": "rejected"}
    assert list(Rating.objects.values_list("is_favorite", "rating")) == [(True, 3)]
    page.get_by_role("button", name="Confirm Dog").dblclick()
    page.get_by_role("button", name="Favorite").dblclick()
    expect(page.get_by_role("button", name="Favorite")).to_have_attribute("aria-pressed", "false")
    expect(page.get_by_role("button", name="Confirm Dog")).to_have_attribute("aria-pressed", "false")
    assert decisions() == {"Cat": "confirmed", "Hat": "rejected"}


def test_undo_waits_for_the_pending_response(visit, image):
    page = visit().sign_in()
    page.goto(image.get_absolute_url())
    page.keyboard.press("t")
    page.keyboard.type("holiday\n")
    page.get_by_role("button", name="Remove tag holiday").click()
    undo = page.locator(".toast").get_by_role("button", name="Undo")
    undo.hover()  # it stays while the pointer is on it
    with held(page, "**/rating/"):
        page.keyboard.press("f")
        undo.click()
    expect(page.locator("#tags").get_by_role("link", name="holiday")).to_be_visible()
    expect(page.get_by_role("button", name="Favorite")).to_have_attribute("aria-pressed", "true")


def test_signed_out_person_signs_in_and_returns_to_the_picture(visit, image):
    window = visit()
    window.sign_in()
    page = window.page
    page.goto(f"{image.get_absolute_url()}?q=cat")
    window.context.clear_cookies(name="sessionid")
    page.keyboard.press("f")
    page.get_by_label("Name").fill("owner")
    page.get_by_label("Password").fill("word")
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.wait_for_url(f"**{image.get_absolute_url()}?q=cat")
    assert Rating.objects.count() == 0


def test_shortcuts_are_listed_and_ignored_in_fields(visit, image):
    window = visit()
    window.sign_in()
    page, keys = window.page, window.page.keyboard
    page.goto(image.get_absolute_url())
    keys.press("t")
    keys.type("fy1?")
    expect(page.get_by_label("Add a label or tag")).to_have_value("fy1?")
    keys.press("Escape")
    keys.press("?")
    listed = page.get_by_role("dialog").locator("dl")
    for words in (
        "Toggle favorite",
        "Rate 1–5 stars",
        "Add a label or tag",
        "Reject the focused label",
        "Move to trash",
    ):
        expect(listed).to_contain_text(words)
    keys.press("y")
    assert (decisions(), Rating.objects.count()) == ({}, 0)


def test_visibility_changes_on_select_and_is_undone(visit, image):
    window = visit()
    window.sign_in()
    page = window.page
    page.goto(image.get_absolute_url())
    page.get_by_label("Visibility").select_option("Public")
    expect(page.get_by_text("Anyone with the link can see this picture now.")).to_be_visible()
    page.get_by_role("button", name="Undo", exact=True).click()
    expect(page.get_by_label("Visibility")).to_have_value("0")
    expect(page.get_by_text("Only you can see this picture now.")).to_be_visible()
    assert Image.objects.get().visibility == Image.Visibility.PRIVATE


def test_image_actions_work_without_javascript(visit, image):
    window = visit(java_script_enabled=False)
    window.sign_in()
    page = window.page
    page.goto(image.get_absolute_url())
    page.get_by_role("button", name="Confirm Cat").click()
    expect(page.get_by_text("Confirmed by you")).to_be_visible()
    page.get_by_role("button", name="Reject Dog").click()
    page.get_by_role("button", name="Undo rejection of Dog").click()
    page.get_by_label("Add a label or tag").fill("holiday")
    page.locator("#add-label").get_by_role("button", name="Add", exact=True).click()
    page.get_by_role("button", name="Favorite").click()
    page.get_by_role("button", name="3 stars").click()
    page.get_by_label("Visibility").select_option("Shared")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Everyone signed in can see this picture now.")).to_be_visible()
    page.get_by_role("button", name="Move to trash").click()
    expect(page).to_have_url(f"{window.address}/")
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_role("link", name="holiday")).to_be_visible()
    assert decisions() == {"Cat": "confirmed", "holiday": "added"}
    assert list(Rating.objects.values_list("is_favorite", "rating")) == [(True, 3)]
    assert list(Image.objects.values_list("visibility", "trashed_at")) == [(Image.Visibility.SHARED, None)]


def test_similar_pictures_load_by_themselves_and_lead_on(visit, image):
    window, others = visit(), []
    for color in ("red", "green", "blue"):
        file = io.BytesIO(pictures.encoded(pictures.Image.new("RGB", (300, 200), color), "jpeg"))
        stored = images.store_files(examine(file, name=f"{color}.jpg"), file, owner_id=image.owner_id)
        others.append(images.add(stored).image)
    for number, similar in enumerate([image, *others]):
        factories.create_embedding(similar, [1, number / 10])
    window.sign_in()
    page = window.page
    page.goto(image.get_absolute_url())
    thumbnails = page.locator(".similar-pictures img")
    expect(thumbnails).to_have_count(3)
    thumbnails.first.click()
    expect(page).to_have_url(f"{window.address}/images/{others[0].pk}/?q=similar%3A{image.pk}")
    expect(page.get_by_text("1 of 3")).to_be_visible()
    assert window.complaints == []
