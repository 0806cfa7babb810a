"""Bulk actions, their toasts and Undo."""

from __future__ import annotations

import pytest
from django.urls import reverse

from analysis.curation import bulk_steps
from analysis.models import BulkChange, Image, Rating, Verdict
from analysis.search.pagination import PAGE_SIZE
from analysis.web.bulk import views as web_bulk
from analysis.web.library.page_links import MAX_PAGES
from tests.factories import create_image, create_labeled_image, label_rows
from tests.web.pages import Page

pytestmark = pytest.mark.django_db
HTMX = {"HTTP_HX_REQUEST": "true"}


@pytest.fixture
def browser(owner, signed_in):
    return signed_in(owner)


@pytest.fixture
def images(owner):
    return [create_labeled_image(owner, {"Dog": 70, "Grass": 80}) for _ in range(3)]


def act(browser, action: str, **fields) -> Page:
    return Page(browser.post(reverse("bulk", args=[action]), fields, **HTMX))


def undo(browser, page: Page) -> Page:
    [form] = page.all("form")
    fields = {element["name"]: element["value"] for element in page.all("input") if element.get("type") == "hidden"}
    return Page(browser.post(form["action"], fields, **HTMX))


def ids(images) -> str:
    return ",".join(str(image.pk) for image in images)


def test_tag_is_added_to_selection_and_undone(images, browser):
    page = act(browser, "add-tag", ids=ids(images[:2]), tag="holiday")
    assert "Added “holiday” to 2 pictures." in page.text
    assert "data-refused" not in page.all("div", "toast")[0]
    assert ["holiday" in label_rows(image) for image in images] == [True, True, False]
    assert "Undone for 2 pictures." in undo(browser, page).text
    assert ["holiday" in label_rows(image) for image in images] == [False] * 3


def test_checkboxes_work_without_javascript(images, browser):
    fields = {"id": [image.pk for image in images], "tag": "holiday", "next": "/?q=dog"}
    answer = browser.post(reverse("bulk", args=["add-tag"]), fields)
    assert answer.url == "/?q=dog"
    page = Page(browser.get(answer.url))
    assert "Added “holiday” to 3 pictures." in page.text
    assert any(element.get("action", "").startswith("/undo/") for element in page.all("form"))
    assert "Added “holiday”" not in Page(browser.get(answer.url)).text  # shown once


def test_all_checkboxes_of_a_full_page_are_read(images, browser):
    chosen = [image.pk for image in images]
    fields = {"id": [*chosen, *range(10**9, 10**9 + MAX_PAGES * PAGE_SIZE - 3)], "tag": "holiday", "next": "/"}
    assert browser.post(reverse("bulk", args=["add-tag"]), fields).status_code == 302
    assert ["holiday" in label_rows(image) for image in images] == [True] * 3


@pytest.mark.parametrize("elsewhere", ["https://evil.example/", "//evil.example/", "javascript:alert(1)", ""])
def test_redirect_stays_on_this_site(images, browser, elsewhere):
    fields = {"ids": ids(images), "tag": "holiday", "next": elsewhere}
    assert browser.post(reverse("bulk", args=["add-tag"]), fields).url == reverse("library")


def test_all_results_are_selected_by_query(images, owner, browser):
    other = create_labeled_image(owner, {"Cat": 90})
    page = act(browser, "add-tag", all="1", q="dog", ids=str(other.pk), tag="holiday")
    assert "Added “holiday” to 3 pictures." in page.text
    assert "holiday" not in label_rows(other)


def test_labels_are_confirmed_and_rejected_by_name_or_id(images, browser):
    assert "Confirmed “Dog” on 3 pictures." in act(browser, "confirm", ids=ids(images), name="dog").text
    assert label_rows(images[0])["Dog"] == 100
    page = act(browser, "reject", ids=ids(images), name="Grass")
    assert "Rejected “Grass” on 3 pictures." in page.text
    assert "Grass" not in label_rows(images[0])
    undo(browser, page)
    assert "Grass" in label_rows(images[0])


def test_visibility_trash_and_restore(images, browser):
    page = act(browser, "set-visibility", ids=ids(images), visibility="2")
    assert "3 pictures are now public." in page.text
    undo(browser, page)
    assert set(Image.objects.values_list("visibility", flat=True)) == {0}
    assert "Moved 1 picture to the trash." in act(browser, "trash", ids=ids(images[:1])).text
    assert Image.objects.exclude(trashed_at=None).get() == images[0]
    assert Page(browser.get(reverse("library"), {"q": "is:trashed"})).cards() == [images[0].pk]
    assert "Restored 1 picture." in act(browser, "restore", all="1", q="is:trashed").text
    assert not Image.objects.exclude(trashed_at=None).exists()


def test_trash_offers_only_restore(images, browser):
    act(browser, "trash", ids=ids(images))
    page = Page(browser.get(reverse("library"), {"q": "is:trashed"}))
    actions = [element["formaction"] for element in page.all("button") if "formaction" in element]
    assert actions == [reverse("bulk", args=["restore"])]


def test_favorites_are_personal_and_for_any_visible_picture(images, owner, colleague, signed_in):
    Image.objects.filter(pk=images[0].pk).update(visibility=1)
    other = signed_in(colleague)
    page = act(other, "favorite", ids=ids(images))
    assert "Added 1 picture to your favorites." in page.text
    assert list(Rating.objects.values_list("person", "image", "is_favorite")) == [(colleague.pk, images[0].pk, True)]
    assert [element["title"] for element in Page(other.get("/")).all("span", "favorite")] == ["Favorite"]
    undo(other, page)
    assert not Rating.objects.exists()


@pytest.mark.parametrize(
    ("action", "fields"),
    [
        ("add-tag", {"tag": "mine"}),
        ("confirm", {"name": "Dog"}),
        ("reject", {"name": "Dog"}),
        ("set-visibility", {"visibility": "0"}),
        ("trash", {}),
    ],
)
def test_pictures_of_others_are_not_changed(images, colleague, signed_in, action, fields):
    Image.objects.update(visibility=1)
    before = label_rows(images[0])
    page = act(signed_in(colleague), action, ids=ids(images), **fields)
    assert "Nothing was changed. You can't edit 3 of these." in page.text
    assert page.all("form") == []
    assert label_rows(images[0]) == before
    assert set(Image.objects.values_list("visibility", "trashed_at")) == {(1, None)}


def test_only_own_changes_can_be_undone(images, browser, colleague, signed_in):
    page = act(browser, "trash", ids=ids(images))
    assert "Undone" not in undo(signed_in(colleague), page).text
    assert Image.objects.exclude(trashed_at=None).count() == 3


def test_menu_shows_tags_on_all_and_on_some(images, browser):
    act(browser, "add-tag", ids=ids(images), tag="holiday")
    act(browser, "add-tag", ids=ids(images[:1]), tag="best")
    menu = Page(browser.post(reverse("bulk-menu"), {"ids": ids(images)}, **HTMX))
    assert menu.text.startswith("Tags best : on some, add to all Remove holiday : on all, remove Labels")
    labels = [element["aria-label"] for element in menu.all("button", "bulk-label-action")]
    assert labels == ["Remove best from all", "Confirm Dog", "Reject Dog", "Confirm Grass", "Reject Grass"]


def test_menu_hides_labels_of_invisible_pictures(images, stranger, signed_in):
    menu = Page(signed_in(stranger).post(reverse("bulk-menu"), {"ids": ids(images)}, **HTMX))
    assert menu.text == ""


@pytest.mark.parametrize(
    ("action", "fields", "sentence"),
    [
        ("trash", {}, "No pictures are selected."),
        ("trash", {"ids": "x,-1,," + "9" * 30}, "No pictures are selected."),
        ("trash", {"all": "1", "q": '"'}, "This search is not valid"),
        ("set-visibility", {"ids": "1", "visibility": "9"}, "Choose a visibility"),
        ("confirm", {"ids": "1"}, "Choose a label."),
        ("confirm", {"ids": "1", "name": "nothing\x00"}, "Nothing was changed."),
        ("confirm", {"ids": "1", "label": "999999999"}, "Nothing was changed."),
        ("add-tag", {"ids": "1", "tag": " \x00"}, "Tag can't be empty."),
        ("add-tag", {"ids": "1", "tag": "x" * 300}, "A tag can have at most 200 characters"),
    ],
)
def test_refused_bulk_action_shows_its_reason(owner, browser, action, fields, sentence):
    image = create_image(owner)
    page = act(browser, action, **{**fields, **({"ids": str(image.pk)} if fields.get("ids") == "1" else {})})
    assert sentence in page.text
    assert page.all("form") == []
    assert "data-refused" in page.all("div", "toast")[0]  # so that what was typed stays


def test_unknown_bulk_action_is_not_found(browser):
    assert browser.post(reverse("bulk", args=["explode"]), {"ids": "1"}).status_code == 404


def test_large_bulk_action_continues_in_the_background(images, browser, signed_in, colleague, monkeypatch):
    monkeypatch.setattr(web_bulk, "MAX_IMMEDIATE", 2)
    page = act(browser, "add-tag", all="1", q="dog", tag="holiday")
    change = BulkChange.objects.get()
    assert "0 pictures done so far. The rest continues in the background." in page.text
    [toast] = page.all("div", "toast")
    assert toast["hx-get"] == reverse("bulk-change", args=[change.pk])
    assert Verdict.objects.count() == 0
    bulk_steps.continue_change(change.pk)
    [toast] = (page := Page(browser.get(toast["hx-get"], **HTMX))).all("div", "toast")
    assert ("hx-get" in toast, "data-finished" in toast) == (False, True)
    assert "Added “holiday” to 3 pictures." in page.text
    assert signed_in(colleague).get(reverse("bulk-change", args=[change.pk])).status_code == 404
    page = undo(browser, page)
    assert "Undone for 0 pictures so far. The rest continues in the background." in page.text
    [toast] = page.all("div", "toast")
    assert toast["hx-get"] == reverse("bulk-change", args=[change.pk])
    assert ["holiday" in label_rows(image) for image in images] == [True] * 3
    assert [element for element in page.all("form") if "/undo/" in element["action"]] == []
    bulk_steps.continue_change(change.pk)
    [toast] = (page := Page(browser.get(toast["hx-get"], **HTMX))).all("div", "toast")
    assert ("hx-get" in toast, "data-finished" in toast) == (False, True)
    assert "Undone for 3 pictures." in page.text
    assert ["holiday" in label_rows(image) for image in images] == [False] * 3


def test_background_action_can_be_undone_before_it_ends(images, owner, browser, monkeypatch):
    monkeypatch.setattr(web_bulk, "MAX_IMMEDIATE", 2)
    page = act(browser, "trash", all="1", q="dog")
    assert "Undone for 0 pictures so far. The rest continues in the background." in undo(browser, page).text
    bulk_steps.continue_change(BulkChange.objects.get().pk)
    assert bulk_steps.pending_ids() == []
    assert not Image.objects.exclude(trashed_at=None).exists()


def test_actions_on_duplicates_run_immediately(owner, browser, monkeypatch):
    monkeypatch.setattr(web_bulk, "MAX_IMMEDIATE", 1)
    for _ in range(3):
        create_image(owner, phash=0x0F0F_3333_5555_7171, has_duplicate=True)
    assert "Moved 3 pictures to the trash." in act(browser, "trash", all="1", q="is:duplicate").text


def test_progress_link_works_without_javascript(images, browser, monkeypatch):
    monkeypatch.setattr(web_bulk, "MAX_IMMEDIATE", 2)
    browser.post(reverse("bulk", args=["favorite"]), {"all": "1", "q": "dog"})
    page = Page(browser.get("/"))
    bulk_steps.continue_change(BulkChange.objects.get().pk)
    assert browser.get(page.links["Check progress"]).url == "/"
    assert "Added 3 pictures to your favorites." in Page(browser.get("/")).text
