"""One picture put right by keyboard alone, with a script; and without one, by its buttons."""

from __future__ import annotations

import io

import pytest
from playwright.sync_api import expect

from analysis.ingest.examine import examine
from analysis.library import images
from analysis.models import Image, Rating, Verdict
from analysis.recognition.search_index import reindex
from tests import factories, pictures, rekognition_responses
from tests.browser.throttled_server import held


@pytest.fixture
def image(transactional_db, pictures_folder):
    """A picture of the owner with three labels, the surest first: Cat, Dog, Hat."""
    owner, file = factories.create_user("owner"), io.BytesIO(pictures.jpeg())
    image = images.add(examine(file, name="pets.jpg"), file, owner_id=owner.pk, then=lambda image: None).image
    labels = [
        rekognition_responses.label("Cat", 96),
        rekognition_responses.label("Dog", 82, instances=(rekognition_responses.instance(),)),
        rekognition_responses.label("Hat", 55),
    ]
    factories.create_analysis(image, state="done", answer={"Labels": labels})
    reindex([image.pk])
    return image


def said() -> dict[str, str]:
    return dict(Verdict.objects.values_list("label__name", "decision"))


def test_a_picture_is_put_right_by_keyboard_alone(visit, image):
    window = visit()
    window.sign_in()
    page, keys = window.page, window.page.keyboard
    page.goto(image.get_absolute_url())

    keys.press("j")
    expect(page.get_by_role("link", name="Cat", exact=True)).to_be_focused()
    keys.press("y")
    expect(page.get_by_text("Confirmed by you just now; found at 96")).to_be_visible()
    expect(page.get_by_role("link", name="Cat", exact=True)).to_be_focused()

    keys.press("j")
    expect(page.locator(".box")).to_have_count(1)
    keys.press("n")
    expect(page.get_by_text("Rejected by you just now; found at 82")).to_be_visible()
    expect(page.locator(".box")).to_have_count(0)
    expect(page.get_by_role("link", name="Hat", exact=True)).to_be_focused()
    assert said() == {"Cat": "confirmed", "Dog": "rejected"}

    keys.press("t")
    keys.type("ca")
    expect(page.get_by_role("option", name="Cat")).to_be_visible()
    keys.press("Escape")
    field = page.get_by_label("Add a label or a tag")
    field.fill("")
    keys.type("holiday\n")
    tags = page.locator("#tags")
    expect(tags.get_by_role("link", name="holiday")).to_be_visible()
    expect(field).to_have_value("")
    keys.type("a" * 20 + "\n")
    expect(tags.get_by_role("listitem")).to_have_count(2)
    keys.press("Escape")
    assert said() == {"Cat": "confirmed", "Dog": "rejected", "holiday": "added", "a" * 20: "added"}

    page.get_by_role("button", name="Take holiday off").press("Enter")
    expect(page.get_by_text("Took “holiday” off.")).to_be_visible()
    page.get_by_role("button", name="Undo", exact=True).press("Enter")
    expect(tags.get_by_role("link", name="holiday")).to_be_visible()
    page.get_by_role("button", name="Undo: Dog").press("Enter")
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
    expect(page.get_by_text("Only you can open it.")).to_be_visible()
    assert Image.objects.get().trashed_at is not None
    page.get_by_role("button", name="Undo", exact=True).press("Enter")
    expect(page.get_by_text("Confirmed by you")).to_be_visible()
    assert Image.objects.get().trashed_at is None


def test_keys_faster_than_answers_are_all_heard_and_a_double_click_is_one(visit, image):
    window = visit()
    window.sign_in()
    page = window.page
    page.goto(image.get_absolute_url())
    for key in "jyjyjn3f":
        page.keyboard.press(key)
    expect(page.locator(".star.is-given")).to_have_count(3)
    expect(page.get_by_role("button", name="Favorite")).to_have_attribute("aria-pressed", "true")
    assert said() == {"Cat": "confirmed", "Dog": "confirmed", "Hat": "rejected"}
    assert list(Rating.objects.values_list("is_favorite", "rating")) == [(True, 3)]
    page.get_by_role("button", name="Confirm Dog").dblclick()
    page.get_by_role("button", name="Favorite").dblclick()
    expect(page.get_by_role("button", name="Favorite")).to_have_attribute("aria-pressed", "false")
    expect(page.get_by_role("button", name="Confirm Dog")).to_have_attribute("aria-pressed", "false")
    assert said() == {"Cat": "confirmed", "Hat": "rejected"}


def test_undo_waits_for_the_answer_that_is_in_progress(visit, image):
    page = visit().sign_in()
    page.goto(image.get_absolute_url())
    page.keyboard.press("t")
    page.keyboard.type("holiday\n")
    page.get_by_role("button", name="Take holiday off").click()
    undo = page.locator(".toast").get_by_role("button", name="Undo")
    undo.hover()  # it stays as long as somebody is at it
    with held(page, "**/rating/"):
        page.keyboard.press("f")
        undo.click()
    expect(page.locator("#tags").get_by_role("link", name="holiday")).to_be_visible()
    expect(page.get_by_role("button", name="Favorite")).to_have_attribute("aria-pressed", "true")


def test_who_was_signed_out_meanwhile_is_led_to_sign_in_and_back(visit, image):
    window = visit()
    window.sign_in()
    page = window.page
    page.goto(f"{image.get_absolute_url()}?q=cat")
    window.context.clear_cookies(name="sessionid")
    page.keyboard.press("f")
    page.get_by_label("Name").fill("owner")
    page.get_by_label("Password").fill("word")
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(f"**{image.get_absolute_url()}?q=cat")
    assert Rating.objects.count() == 0


def test_the_keys_that_work_here_are_listed_and_none_works_in_the_field(visit, image):
    window = visit()
    window.sign_in()
    page, keys = window.page, window.page.keyboard
    page.goto(image.get_absolute_url())
    keys.press("t")
    keys.type("fy1?")
    expect(page.get_by_label("Add a label or a tag")).to_have_value("fy1?")
    keys.press("Escape")
    keys.press("?")
    listed = page.get_by_role("dialog").locator("dl")
    for words in ("Favorite, or no longer", "So many stars", "Add a label or a tag", "Reject it", "Move to the trash"):
        expect(listed).to_contain_text(words)
    keys.press("y")
    assert (said(), Rating.objects.count()) == ({}, 0)


def test_the_visibility_is_changed_by_choosing_and_undone(visit, image):
    window = visit()
    window.sign_in()
    page = window.page
    page.goto(image.get_absolute_url())
    page.get_by_label("Who may see it").select_option("Public")
    expect(page.get_by_text("Everyone with its address can see it now.")).to_be_visible()
    page.get_by_role("button", name="Undo", exact=True).click()
    expect(page.get_by_label("Who may see it")).to_have_value("0")
    expect(page.get_by_text("Only you can see it now.")).to_be_visible()
    assert Image.objects.get().visibility == Image.Visibility.PRIVATE


def test_without_a_script_the_same_is_said_by_buttons(visit, image):
    window = visit(java_script_enabled=False)
    window.sign_in()
    page = window.page
    page.goto(image.get_absolute_url())
    page.get_by_role("button", name="Confirm Cat").click()
    expect(page.get_by_text("Confirmed by you")).to_be_visible()
    page.get_by_role("button", name="Reject Dog").click()
    page.get_by_role("button", name="Undo: Dog").click()
    page.get_by_label("Add a label or a tag").fill("holiday")
    page.get_by_role("button", name="Add", exact=True).click()
    page.get_by_role("button", name="Favorite").click()
    page.get_by_role("button", name="3 stars").click()
    page.get_by_label("Who may see it").select_option("Shared")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Everyone signed in can see it now.")).to_be_visible()
    page.get_by_role("button", name="Trash").click()
    page.get_by_role("button", name="Restore").click()
    expect(page.get_by_role("link", name="holiday")).to_be_visible()
    assert said() == {"Cat": "confirmed", "holiday": "added"}
    assert list(Rating.objects.values_list("is_favorite", "rating")) == [(True, 3)]
    assert list(Image.objects.values_list("visibility", "trashed_at")) == [(Image.Visibility.SHARED, None)]
