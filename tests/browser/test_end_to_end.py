"""From signing in to finding a picture again, as people do it."""

from __future__ import annotations

import io
import re
from pathlib import Path

import pytest
from playwright.sync_api import expect
from skimage.data import data_dir

from analysis.ingest.examine import examine
from analysis.library import images
from analysis.models import Analysis
from tests import factories, pictures

PHONE = {"viewport": {"width": 390, "height": 844}}


@pytest.fixture
def owner(transactional_db):
    return factories.create_user("owner")


@pytest.fixture
def a_wall(owner, pictures_folder):
    """Makes many pictures that look alike, since one set of blobs is theirs together."""

    def build(number: int) -> None:
        file = io.BytesIO(pictures.jpeg())
        first = images.add(images.store_files(examine(file, name="wall.jpg"), file, owner_id=owner.pk)).image
        for _ in range(number - 1):
            factories.create_image(owner, renditions_id=first.renditions_id, placeholder=first.placeholder)

    return build


def photographs() -> list[str]:
    return [str(Path(data_dir) / name) for name in ("astronaut.png", "page.png")]


def test_sign_in_upload_search_and_view(visit, owner, celery_worker_thread, tmp_path):
    bad = tmp_path / "notes.jpg"
    bad.write_text("Dear diary")
    page = visit().sign_in()
    expect(page.get_by_role("heading", name="Add your first pictures")).to_be_visible()

    page.get_by_role("link", name="Upload").click()
    page.get_by_label("Pictures", exact=True).set_input_files([*photographs(), str(bad)])
    expect(page.locator("[data-section=refused]")).to_contain_text("notes.jpg")
    expect(page.locator("[data-section=refused]")).to_contain_text("this is text, not a picture")
    expect(page.locator("[data-upload-summary]")).to_have_text("2 added, 1 rejected")
    added = page.locator("[data-section=added]")
    expect(added.locator("li", has_text="astronaut.png")).to_contain_text("Face", timeout=60_000)
    expect(added.locator("li", has_text="page.png")).to_contain_text("Text", timeout=60_000)
    expect(added.locator("[data-pending]")).to_have_count(0, timeout=60_000)

    page.get_by_role("link", name="Show the 2 pictures").click()
    expect(page.get_by_role("status")).to_contain_text("2 pictures")
    page.wait_for_load_state()  # keys work from then on
    page.keyboard.press("/")
    page.keyboard.type("face>=70")
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_contain_text("1 picture")
    expect(page).to_have_url("/?q=face%3E%3D70")

    page.get_by_role("link", name=re.compile("Face")).locator("visible=true").last.click()
    expect(page.get_by_role("heading", name="astronaut.png")).to_be_visible()
    expect(page.locator("confidence-slider")).to_contain_text("All results shown")
    boxes = page.locator(".box")
    expect(boxes.first).to_be_hidden()
    page.wait_for_load_state()
    page.keyboard.press("b")
    expect(boxes.first).to_be_visible()
    page.locator(".detection-name", has_text="Face 1").hover()
    expect(page.locator(".box.is-highlighted")).not_to_have_count(0)

    page.keyboard.press("Escape")
    expect(page.get_by_role("status")).to_contain_text("1 picture")
    expect(page.locator(".card:target")).to_have_count(1)


def test_upload_search_and_view_without_javascript(visit, owner, celery_worker_thread, tmp_path):
    bad = tmp_path / "notes.jpg"
    bad.write_text("Dear diary")
    page = visit(java_script_enabled=False).sign_in()
    page.get_by_label("Pictures", exact=True).set_input_files([photographs()[0], str(bad)])
    page.get_by_role("button", name="Upload").click()
    expect(page.get_by_role("status")).to_have_text(re.compile("1 picture added, 1 rejected."))
    page.get_by_role("link", name="astronaut.png").click()
    for _ in range(500):
        if not page.get_by_role("link", name="Reload").count():
            break
        page.reload()  # the worker is on it
    expect(page.locator(".box").first).to_be_visible()
    expect(page.locator(".confidence-filter")).to_be_hidden()

    page.locator(".labels").get_by_role("link", name="Face").click()
    expect(page).to_have_url("/?q=Face")
    expect(page.get_by_role("status")).to_contain_text("1 picture")
    page.get_by_role("link", name="Exclude Grey").click()
    expect(page).to_have_url("/?q=Face+-color%3AGrey")
    page.get_by_role("link", name="Remove Face").click()
    expect(page).to_have_url("/?q=-color%3AGrey")


def test_back_restores_the_scroll_position(visit, a_wall):
    a_wall(150)
    page = visit().sign_in()
    expect(page.locator(".card")).to_have_count(60)
    for number in (120, 150):
        page.locator("#load-more").scroll_into_view_if_needed()
        page.mouse.wheel(0, 4_000)
        expect(page.locator(".card")).to_have_count(number)
    expect(page).to_have_url("/?pages=3")
    card = page.locator(".card").nth(130)
    card.scroll_into_view_if_needed()
    position = page.evaluate("scrollY")
    card.click()
    page.wait_for_url("**/images/**")
    page.go_back()
    expect(page.locator(".card")).to_have_count(150)
    page.wait_for_function("position => Math.abs(scrollY - position) < 2", arg=position)
    assert position > 1_000


def test_load_more_works_without_javascript(visit, a_wall):
    a_wall(62)
    page = visit(java_script_enabled=False).sign_in()
    page.get_by_role("link", name="Load more").click()
    expect(page.locator(".card")).to_have_count(2)
    page.get_by_role("link", name="Back to newest pictures").click()
    expect(page.locator(".card")).to_have_count(60)


def test_invalid_search_keeps_results_and_url(visit, a_wall, owner):
    a_wall(3)
    page = visit().sign_in()
    search = page.get_by_role("combobox")
    search.fill('dog "cat')
    search.press("Enter")
    expect(page.locator("#search-error")).to_contain_text("Unclosed quotation mark.")
    expect(page.locator(".card")).to_have_count(3)
    expect(page).to_have_url("/")
    search.fill("dgo")
    search.press("Enter")
    expect(page.locator("#search-error")).to_be_hidden()
    expect(page.locator(".empty-state")).to_contain_text("No pictures match “dgo”.")
    page.go_back()
    expect(page.locator(".card")).to_have_count(3)
    expect(page.locator("#search-error")).to_be_hidden()


def test_pending_card_updates_when_done(visit, a_wall, owner):
    a_wall(2)
    factories.create_analysis(owner.images.first())  # no worker is notified
    page = visit().sign_in()
    expect(page.locator(".card-badge.queued")).to_have_count(1)
    card = page.locator(".card.queued")
    checkbox, link = card.locator(".card-checkbox").element_handle(), page.locator(f"#{card.get_attribute('id')} > a")
    checkbox.check()
    link.focus()
    Analysis.objects.update(state="failed", error_code="x", finished_at="2026-01-01T00:00Z")
    expect(page.locator(".card-badge.failed")).to_have_count(1)
    expect(page.locator(".card-badge.queued")).to_have_count(0)
    expect(page.locator(".card.failed .card-checkbox")).to_be_checked()  # the selection stays visible
    expect(link).to_be_focused()


def test_shortcut_list_matches_the_page(visit, a_wall):
    a_wall(1)
    page = visit().sign_in()
    page.keyboard.press("?")
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("Keyboard shortcuts")
    of_cards = ["←", "→", "↑", "↓", "Enter", "x", "Ctrl", "A", "f", "Del", "Esc"]
    assert dialog.locator("kbd").all_inner_texts() == ["/", "m", "?", "g", *of_cards, "Ctrl", "Z"]
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    page.locator(".card a").focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**/images/**")
    page.keyboard.press("?")
    keys = dialog.locator("kbd").all_inner_texts()
    assert (keys[:5], "b" in keys, "Ctrl" in keys) == (["g", "/", "m", "?", "Esc"], True, False)


def test_phone_shows_filters_as_sheet_without_sideways_scroll(visit, a_wall, owner):
    a_wall(3)
    factories.create_labeled_image(owner, {"Dog": 98}, renditions_id=owner.images.first().renditions_id)
    page = visit(**PHONE).sign_in()
    expect(page.locator("#facets")).to_be_hidden()
    page.get_by_role("button", name="Filters").click()
    page.locator("#facets").get_by_role("link", name="Dog").first.click()
    expect(page.get_by_role("status")).to_contain_text("1 picture")
    expect(page.locator("#facets")).to_be_hidden()
    for address in ("/", "/?q=%22", "/upload/", f"/images/{owner.images.first().pk}/"):
        page.goto(address)
        assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, address
