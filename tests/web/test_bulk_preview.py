"""The number of pictures that an action would change; rating many."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Permission
from django.urls import reverse

from analysis.curation import bulk_preview
from analysis.models import BulkChange, Image, Rating
from tests.factories import create_image, create_labeled_image
from tests.web.pages import Page

pytestmark = pytest.mark.django_db
HTMX = {"HTTP_HX_REQUEST": "true"}
SHARED = Image.Visibility.SHARED


@pytest.fixture
def browser(owner, signed_in):
    return signed_in(owner)


@pytest.fixture
def images(owner, colleague):
    """Three shared pictures of the owner, two of a colleague."""
    return [
        create_labeled_image(person, {"Dog": 90}, visibility=SHARED)
        for person in (owner, owner, owner, colleague, colleague)
    ]


def ids(images) -> str:
    return ",".join(str(image.pk) for image in images)


def preview(browser, **fields) -> dict:
    return browser.post(reverse("bulk-preview"), fields, **HTMX).json()


def texts(previews: dict) -> list[str]:
    return [previews[right]["text"] for right in ("edit", "review")]


EDIT = "3 of 5 are yours: only these will change."


def test_preview_counts_own_pictures(images, browser):
    review = "You can review the labels of 3 of 5: only these will change."
    assert texts(preview(browser, ids=ids(images))) == [EDIT, review]
    assert preview(browser, ids=ids(images))["edit"]["short"] == "3 of 5 are yours"
    assert texts(preview(browser, all="1", q="dog")) == [EDIT, review]
    assert texts(preview(browser, ids=ids(images[:3]))) == ["", ""]
    none = ["None of these is yours: only owners can change this.", "You can't review the labels of any of these."]
    assert texts(preview(browser, ids=ids(images[3:]))) == none


def test_curators_review_what_they_see(images, owner, browser):
    owner.user_permissions.add(Permission.objects.get(codename="add_verdict"))
    assert texts(preview(browser, ids=ids(images))) == [EDIT, ""]


def test_invisible_and_missing_pictures_are_not_counted(images, colleague, browser):
    private = create_image(colleague)
    assert texts(preview(browser, ids=f"{ids(images[:3])},{private.pk},{10**9}")) == ["", ""]
    assert preview(browser) == {"message": "No pictures are selected."}


def test_large_results_are_not_counted_one_by_one(images, browser, monkeypatch):
    monkeypatch.setattr(bulk_preview, "MAX_IDS", 2)
    sentence = "Not all of these are yours: only yours will change."
    assert preview(browser, all="1", q="dog")["edit"]["text"] == sentence
    assert preview(browser, all="1", q="dog owner:me")["edit"]["text"] == ""


@pytest.mark.parametrize(
    ("action", "fields"),
    [
        ("add-tag", {"tag": "holiday"}),
        ("reject", {"name": "Dog"}),
        ("set-visibility", {"visibility": "0"}),
        ("edit-details", {"edit": "place", "place": "Crete"}),
        ("trash", {}),
    ],
)
@pytest.mark.parametrize("by_query", [False, True])
def test_page_asks_first_without_javascript(images, browser, action, fields, by_query):
    chosen = {"all": "1", "q": "dog"} if by_query else {"id": [image.pk for image in images]}
    page = Page(browser.post(reverse("bulk", args=[action]), {**chosen, **fields, "next": "/?q=dog"}))
    assert "3 of 5" in page.text
    assert page.links["Cancel"] == "/?q=dog"
    assert not BulkChange.objects.exists()
    repeated = {field["name"]: field["value"] for field in page.all("input") if field.get("type") == "hidden"}
    answer = browser.post(reverse("bulk", args=[action]), repeated)
    assert answer.url == "/?q=dog"
    change = BulkChange.objects.get()
    assert (change.number, change.refused) == (3, 2)


def test_page_does_not_ask_about_own_or_personal_changes(images, browser):
    posts = [("trash", images[:1], {}), ("favorite", images[1:], {}), ("rate", images[1:], {"stars": "3"})]
    posts += [("trash", images[3:], {})]  # none of them is own: the toast says why
    for action, chosen, fields in posts:
        assert browser.post(reverse("bulk", args=[action]), {"ids": ids(chosen), **fields}).status_code == 302


def test_pictures_are_rated_and_undone(images, owner, browser):
    Rating.objects.create(image=images[0], person=owner, is_favorite=True, rating=2)
    page = Page(browser.post(reverse("bulk", args=["rate"]), {"ids": ids(images), "stars": "4"}, **HTMX))
    assert "Rated 5 pictures: ★★★★" in page.text
    assert list(Rating.objects.values_list("person", "rating")) == [(owner.pk, 4)] * 5
    change = BulkChange.objects.get()
    Rating.objects.filter(image=images[1]).update(rating=5)
    browser.post(reverse("undo", args=[change.pk]), **HTMX)
    rows = Rating.objects.order_by("image").values_list("image", "is_favorite", "rating")
    assert list(rows) == [(images[0].pk, True, 2), (images[1].pk, False, 5)]
    page = Page(browser.post(reverse("bulk", args=["rate"]), {"ids": ids(images[:2]), "stars": "0"}, **HTMX))
    assert "Rated 2 pictures: no stars" in page.text
    assert list(Rating.objects.values_list("is_favorite", "rating")) == [(True, None)]


@pytest.mark.parametrize("stars", ["6", "-1", "", "four"])
def test_invalid_stars_are_refused(images, browser, stars):
    page = Page(browser.post(reverse("bulk", args=["rate"]), {"ids": ids(images), "stars": stars}, **HTMX))
    assert "Choose 1 to 5 stars, or none." in page.text
