"""The library in a browser: search, selection, bulk actions, Undo and scrolling."""

from __future__ import annotations

import re

from playwright.sync_api import expect

from analysis.library.folders import get_or_create_folder
from analysis.models import Image, Rating
from analysis.recognition.reindex_images import reindex
from analysis.web.bulk import views
from tests import factories
from tests.browser.throttled_server import held

BOUND = 130
TYPE_AND_PRESS_TAB = """field => {
    field.value += "g on grass";
    field.dispatchEvent(new InputEvent("input", { bubbles: true }));
    field.dispatchEvent(new KeyboardEvent("keydown", { key: "Tab", bubbles: true }));
}"""
"""Without waiting for suggestions."""
POSITION = "id => document.getElementById(id).getBoundingClientRect().top"


def cards(page):
    return page.locator(".card")


def test_filter_select_tag_and_undo(visit, owner, dogs):
    page = visit().sign_in()
    page.wait_for_load_state()
    page.keyboard.press("/")
    page.keyboard.type("do")
    expect(page.get_by_role("option", name=re.compile("^Dog"))).to_be_visible()
    page.get_by_role("combobox").evaluate(TYPE_AND_PRESS_TAB)
    expect(page.get_by_role("option", name=re.compile("^Grass"))).to_be_visible()
    expect(page.get_by_role("combobox")).to_have_value("dog on grass")
    page.get_by_role("combobox").fill("do")
    expect(page.get_by_role("option", name=re.compile("^Dog"))).to_be_visible()
    for key in ("Escape", "ArrowLeft", "ArrowDown"):
        page.keyboard.press(key)
    expect(page.get_by_role("option", name=re.compile("^Dog"))).to_be_visible()
    assert page.get_by_role("combobox").evaluate("field => field.selectionStart") == 1
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.get_by_role("combobox")).to_have_value("Dog ")
    page.keyboard.press("Enter")
    expect(page.get_by_role("status").first).to_have_text("4 pictures")
    expect(page.get_by_role("listbox")).to_be_hidden()

    page.locator("#facets").get_by_role("link", name="Grass 3").click()
    expect(cards(page)).to_have_count(3)
    expect(page).to_have_url("/?q=Dog+Grass")

    cards(page).first.get_by_role("link").click()
    page.wait_for_url("**/images/**")
    page.go_back()
    expect(cards(page)).to_have_count(3)

    page.wait_for_load_state()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("x")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("x")
    expect(page.locator(".bulk-bar")).to_contain_text("2 selected")
    page.get_by_text("Tags and labels").click()
    page.get_by_label("Tag", exact=True).fill("holiday")
    page.keyboard.press("Enter")
    toast = page.locator(".toast")
    expect(toast).to_contain_text("Added “holiday” to 2 pictures.")
    expect(page.locator("#facet-list").get_by_role("link", name="holiday 2")).to_be_visible()

    toast.get_by_role("button", name="Undo").click()
    expect(toast).to_contain_text("Undone for 2 pictures.")
    expect(page.locator("#facet-list").get_by_role("link", name="holiday 2")).to_have_count(0)
    expect(page.locator(".bulk-bar")).to_be_hidden()


def test_all_results_are_selected_and_trashed(visit, owner, dogs):
    page = visit().sign_in()
    page.wait_for_load_state()
    cards(page).nth(0).locator(".card-checkbox").check()
    cards(page).nth(2).locator(".card-checkbox").click(modifiers=["Shift"])
    expect(page.locator(".bulk-bar")).to_contain_text("3 selected")
    page.keyboard.press("Escape")
    expect(page.locator(".bulk-bar")).to_be_hidden()
    page.keyboard.press("Control+a")
    expect(page.locator(".bulk-bar")).to_contain_text("6 selected")
    page.keyboard.press("Delete")
    expect(page.locator(".toast")).to_contain_text("Moved 6 pictures to the trash.")
    expect(cards(page)).to_have_count(0)
    page.locator(".toast").get_by_role("button", name="Undo").click()
    expect(cards(page)).to_have_count(6)

    page.locator("#facets").get_by_role("link", name="Grass 3").click()
    expect(cards(page)).to_have_count(3)
    cards(page).first.locator(".card-checkbox").check()
    page.keyboard.press("Delete")
    expect(page.locator("#result-line")).to_have_text("2 pictures")
    cards(page).first.locator(".card-checkbox").check()
    page.get_by_role("button", name="Select all 2 pictures").click()
    expect(page.locator(".bulk-bar")).to_contain_text("All 2 selected")
    page.go_back()
    expect(page.locator("#result-line")).to_have_text("5 pictures")  # not a copy from before
    expect(cards(page)).to_have_count(5)


def test_undo_during_a_reload_is_shown_after_it(visit, owner, dogs):
    page = visit().sign_in()
    page.wait_for_load_state()
    with held(page, re.compile("//[^/]+/$")):
        page.keyboard.press("Control+a")
        page.keyboard.press("Delete")
        expect(cards(page)).to_have_count(0)
        page.locator(".toast").get_by_role("button", name="Undo").click()
        expect(page.locator(".toast")).to_contain_text("Undone for 6 pictures.")
    expect(cards(page)).to_have_count(6)


def test_alt_click_excludes_a_filter(visit, owner, dogs):
    page = visit().sign_in()
    page.wait_for_load_state()
    page.locator("#facets").get_by_role("link", name="Grass 3").click(modifiers=["Alt"])
    expect(cards(page)).to_have_count(3)
    expect(page).to_have_url("/?q=-Grass")
    expect(page.locator(".chip.is-excluded")).to_contain_text("Grass")


def test_filters_that_are_loaded_when_opened_narrow_the_search(visit, owner, dogs):
    folder_id = get_or_create_folder("archive", owner_id=owner.pk)
    Image.objects.filter(pk=dogs[0].pk).update(folder_id=folder_id)
    page = visit().sign_in()
    page.wait_for_load_state()
    page.locator("#facets summary", has_text="Folders").click()
    page.locator("#facets").get_by_role("link", name="archive 1").click()
    expect(page.locator("#result-line")).to_have_text("1 picture")
    page.locator("#facets summary", has_text="States").click()
    page.locator("#facets").get_by_role("link", name="Private 1").click()
    expect(page).to_have_url(re.compile("is%3Aprivate"))
    expect(page.get_by_role("combobox")).to_have_value("folder:archive/* is:private")
    expect(page.locator("#facets").get_by_role("link", name="Private 1")).to_be_focused()
    page.reload()
    expect(page.locator("#facets").get_by_role("link", name="Private 1")).to_be_visible()


def test_f_toggles_favorite_of_the_focused_card(visit, owner, dogs):
    page = visit().sign_in()
    page.wait_for_load_state()
    page.keyboard.press("f")  # on nothing
    page.keyboard.press("ArrowRight")
    page.keyboard.press("f")
    toast = page.locator(".toast")
    expect(toast).to_contain_text("Added 1 picture to your favorites.")
    expect(cards(page).first.locator(".card-badge.favorite")).to_have_count(1)
    assert list(Rating.objects.values_list("image", flat=True)) == [dogs[-1].pk]
    page.keyboard.press("f")
    expect(toast).to_contain_text("Removed 1 picture from your favorites.")
    expect(page.locator(".card-badge.favorite")).to_have_count(0)
    toast.get_by_role("button", name="Undo").click()
    expect(page.locator(".card-badge.favorite")).to_have_count(1)


def test_saved_search_restores_thumbnail_size(visit, owner, dogs):
    page = visit().sign_in()
    page.goto("/?q=dog")
    page.get_by_role("button", name="Large").click()
    page.get_by_text("Save search", exact=True).first.click()
    page.get_by_label("Search name").fill("Dogs")
    page.keyboard.press("Enter")
    page.wait_for_url("**saved=**")
    page.get_by_role("button", name="Small").click()
    expect(page.locator("html")).to_have_attribute("data-density", "small")
    page.goto("/")
    expect(page.locator("html")).to_have_attribute("data-density", "small")
    page.locator("#facets").get_by_role("link", name="Dogs", exact=True).click()
    expect(page.locator("html")).to_have_attribute("data-density", "large")
    expect(page.get_by_role("button", name="Large")).to_have_attribute("aria-pressed", "true")
    page.goto("/")
    expect(page.locator("html")).to_have_attribute("data-density", "small")  # one's own habit is another


def test_expanded_filters_stay_expanded_after_an_action(visit, owner, renditions):
    factories.create_labeled_image(owner, {f"Thing{number}": 90 for number in range(8)}, **renditions)
    page = visit().sign_in()
    page.locator(".facet-more > summary").click()
    cards(page).first.locator(".card-checkbox").check()
    with page.expect_response("**/cards/**"):
        page.keyboard.press("f")
    expect(page.locator(".toast")).to_contain_text("Added 1 picture to your favorites.")
    expect(page.locator("#facet-list").get_by_role("link", name="Thing7 1")).to_be_visible()


def test_bulk_menu_fits_on_a_phone(visit, owner, dogs):
    page = visit(viewport={"width": 390, "height": 844}).sign_in()
    page.wait_for_load_state()
    cards(page).first.locator(".card-checkbox").check()
    for menu in page.locator(".bulk-bar details").all():
        menu.locator("summary").click()
        box = menu.locator(":scope > .menu").bounding_box()
        assert (box["x"] >= 0, box["x"] + box["width"] <= 390) == (True, True)
    expect(page.get_by_role("button", name="Clear selection")).to_be_in_viewport(ratio=1)


def test_distant_rows_are_removed_without_moving_others(visit, owner, renditions):
    Image.objects.bulk_create(rows(owner, renditions, number=420))
    page = visit().sign_in()
    page.evaluate("bound => { document.querySelector('virtual-grid').dataset.maxCards = bound }", str(BOUND))
    page.evaluate("""() => {
        window.moved = 0;
        new PerformanceObserver((list) => list.getEntries().forEach((entry) => { moved += entry.value }))
            .observe({ type: "layout-shift", buffered: true });
    }""")
    page.mouse.move(700, 500)
    maximum = 0
    while page.locator("#load-more").count():
        page.mouse.wheel(0, 1_500)
        page.wait_for_function("() => new Promise((resolve) => requestAnimationFrame(() => resolve(true)))")
        maximum = max(maximum, cards(page).count())
    assert page.evaluate("document.querySelector('virtual-grid').imageIds().length") == 421
    page.wait_for_function("bound => document.querySelectorAll('.card').length <= bound", arg=BOUND)
    assert maximum <= BOUND + 120  # a page that has come, and one that is on its way

    height = page.evaluate("document.documentElement.scrollHeight")
    page.evaluate("scrollTo(0, 3000)")
    page.wait_for_function("() => document.elementFromPoint(700, 400)?.closest('.card')")
    card = page.evaluate("document.elementFromPoint(700, 400).closest('.card').id")
    position = page.evaluate(POSITION, card)
    for target in (12_000, 3_000):
        page.evaluate("y => scrollTo(0, y)", target)
        page.wait_for_function("() => document.elementFromPoint(700, 400)?.closest('.card')")
    assert abs(page.evaluate(POSITION, card) - position) < 1
    assert abs(page.evaluate("document.documentElement.scrollHeight") - height) < 1
    assert page.evaluate("moved") < 0.02

    page.get_by_role("button", name="Small").dispatch_event("click")  # rows that are gone are laid out again as well
    page.wait_for_function("height => document.documentElement.scrollHeight < height * 0.6", arg=height)
    assert page.evaluate("document.querySelector('virtual-grid').imageIds().length") == 421

    page.evaluate("scrollTo(0, 0)")
    first = page.locator(f"#{page.locator('.card').first.get_attribute('id')}")
    first.locator(".card-checkbox").check()
    page.evaluate("document.activeElement.blur()")
    page.evaluate("scrollTo(0, document.documentElement.scrollHeight)")
    expect(first).to_have_count(0)
    page.keyboard.press("Delete")  # also of cards that are out of the document
    expect(page.locator(".bulk-bar")).to_be_hidden()
    assert page.evaluate("document.querySelector('virtual-grid').imageIds().length") == 420


def rows(owner, renditions, *, number):
    """Rows of several shapes, not saved yet."""
    shapes = ((1200, 800), (800, 1200), (1000, 1000), (1600, 900))
    for index in range(number):
        width, height = shapes[index * 7 % 4]
        yield Image(
            owner=owner,
            filename=f"{index}.jpg",
            key=f"wall/{index}.jpg",
            sha256=f"{index:064x}",
            size=1000,
            width=width,
            height=height,
            format="jpeg",
            added_at=factories.START,
            **renditions,
        )


def test_first_click_reveals_a_sensitive_card_and_second_opens_it(visit, owner, dogs):
    violence = [{"Name": "Violence", "ParentName": "", "Confidence": 90}]
    factories.create_analysis(dogs[-1], "moderation", "done", answer={"ModerationLabels": violence})
    reindex([dogs[-1].pk])
    page = visit().sign_in()
    page.wait_for_load_state()
    card = page.locator(f"#card-{dogs[-1].pk}")
    expect(card).to_contain_text("Sensitive")
    expect(card.locator(".thumb")).to_have_css("filter", "blur(24px)")
    card.get_by_role("link").click()
    expect(card.locator(".thumb")).to_have_css("filter", "none")
    card.get_by_role("link").click()
    page.wait_for_url("**/images/**")
    expect(page.locator(".preview")).to_have_css("filter", "none")


def test_sensitive_picture_is_revealed_on_its_page_without_javascript(visit, owner, dogs):
    violence = [{"Name": "Violence", "ParentName": "", "Confidence": 90}]
    factories.create_analysis(dogs[-1], "moderation", "done", answer={"ModerationLabels": violence})
    reindex([dogs[-1].pk])
    page = visit(java_script_enabled=False).sign_in()
    page.locator(f"#card-{dogs[-1].pk}").get_by_role("link").click()
    page.wait_for_url("**/images/**")
    preview = page.locator(".preview")
    expect(preview).to_have_css("filter", "blur(48px)")
    page.locator(".sensitive-cover summary").press("Enter")
    expect(preview).to_have_css("filter", "none")
    page.get_by_text("Hide").click()
    expect(preview).to_have_css("filter", "blur(48px)")


def test_background_action_shows_progress_and_refreshes_cards(visit, owner, dogs, monkeypatch, celery_worker_thread):
    monkeypatch.setattr(views, "MAX_IMMEDIATE", 3)
    page = visit().sign_in()
    page.wait_for_load_state()
    cards(page).first.locator(".card-checkbox").check()
    page.get_by_role("button", name="Select all 6 pictures").click()
    page.locator(".bulk-bar").get_by_role("button", name="Trash").click()
    toast = page.locator(".toast")
    expect(toast).to_contain_text("Moved 6 pictures to the trash.")
    expect(cards(page)).to_have_count(0)
    toast.get_by_role("button", name="Undo").click()
    expect(toast).to_contain_text("Undone for 6 pictures.")
    expect(cards(page)).to_have_count(6)
