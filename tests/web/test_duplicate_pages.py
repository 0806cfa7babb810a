"""Not duplicates, the comparison of two pictures, and the page of exact copies."""

from __future__ import annotations

import pytest
from django.urls import reverse

from analysis.curation import collections, exact_copies, ratings, verdicts
from analysis.curation.bulk import Selection
from analysis.library.duplicate_flags import mark_all_duplicates
from analysis.models import BulkChange, DistinctPair, Image
from tests.factories import create_bucket, create_image, create_labeled_image
from tests.web.pages import Page

pytestmark = pytest.mark.django_db
HASH = 0x0F0F_3333_5555_7171


@pytest.fixture
def browser(owner, signed_in):
    return signed_in(owner)


@pytest.fixture
def bucket(owner):
    return create_bucket(owner)


def post(browser, name: str, images, **fields) -> Page:
    ids = ",".join(str(image.pk) for image in images)
    return Page(browser.post(reverse(name), {"ids": ids, **fields}, follow=True))


def compare(browser, images, **parameters):
    ids = ",".join(str(image.pk) for image in images)
    return browser.get(reverse("duplicates-compare"), {"ids": ids, **parameters})


def copies(owner, bucket, name: str, number: int = 2) -> list[Image]:
    images = [create_image(owner, bucket=bucket, key=f"{name}/{i}.jpg", sha256=name * 64) for i in range(number)]
    mark_all_duplicates()
    return images


def test_not_duplicates_leave_the_page_and_come_back_by_undo(owner, browser):
    images = [create_image(owner, phash=HASH) for _ in range(3)]
    page = post(browser, "duplicates-different", images)
    assert "Marked 3 pictures as not duplicates." in page.text
    assert "No near-duplicates found." in page.text
    changes = Page(browser.get(reverse("bulk-changes")))
    assert "Marked 3 pictures as not duplicates." in changes.text
    Page(browser.post(reverse("undo", args=[BulkChange.objects.get().pk]), follow=True))
    assert "3 pictures" in Page(browser.get(reverse("duplicates"))).text


def test_group_that_is_back_says_why(owner, browser):
    images = [create_image(owner, phash=HASH) for _ in range(2)]
    post(browser, "duplicates-different", images)
    create_image(owner, phash=HASH)
    assert (
        "You marked 2 of these as not duplicates before, but another picture looks like them."
        in Page(browser.get(reverse("duplicates"))).text
    )


def test_pictures_of_others_are_not_marked_or_compared(owner, colleague, browser, signed_in):
    shared = {"phash": HASH, "visibility": Image.Visibility.PUBLIC}
    images = [create_image(owner, **shared) for _ in range(2)]
    theirs = signed_in(colleague)
    assert "One of these pictures is no longer available." in post(theirs, "duplicates-different", images).text
    assert not DistinctPair.objects.exists()
    trashed = create_image(owner, phash=HASH, trashed_at="2026-01-01T00:00:00Z")
    answers = [compare(theirs, images), compare(browser, [images[0], trashed]), compare(browser, images[:1])]
    assert [answer.status_code for answer in answers] == [404, 404, 404]
    assert compare(browser, images).status_code == 200


def test_table_names_what_differs(owner, browser):
    left = create_labeled_image(owner, {"Dog": 90, "Grass": 80}, phash=HASH, width=2400, height=1600, filename="a.jpg")
    right = create_labeled_image(owner, {"Dog": 90, "Cat": 80}, phash=HASH, camera_make="Canon", filename="b.jpg")
    ratings.rate(right.pk, person_id=owner.pk, stars=3)
    collections.add(collections.create(owner, name="Trips"), Selection(owner, ids=(right.pk,)))
    page = Page(compare(browser, [left, right]))
    for line in (
        "File name (different) a.jpg b.jpg",
        "Dimensions (different) 2,400 × 1,600",
        "Camera (different) – Canon",
        "Your rating (different) – ★★★",
        "Collections (different) – Trips",
        "Labels only here (different) Grass Cat",
        "Visibility Private Private",
    ):
        assert line in page.text
    assert "Title" not in page.text  # of neither
    assert page.inline() == []


def test_keeping_one_of_two_leads_to_the_rest_of_the_group(owner, browser):
    best = create_image(owner, phash=HASH, width=2400, height=1600)
    others = [create_image(owner, phash=HASH) for _ in range(2)]
    page = Page(compare(browser, [best, *others], right=others[1].pk))
    forms = [field["value"] for field in page.all("input") if field.get("name") == "back"]
    back = next(url for url in forms if str(others[1].pk) not in url)
    answer = post(browser, "duplicates-keep", [best, others[1]], keep=best.pk, back=back)
    assert "Kept 1, moved 1 picture to the trash." in answer.text
    assert "Compare duplicates" in answer.text
    assert list(Image.objects.exclude(trashed_at=None)) == [others[1]]


@pytest.mark.parametrize("back", ["https://evil.example/duplicates/", "//evil.example", "/", "/duplicates/../admin/"])
def test_form_leads_back_to_these_pages_only(owner, browser, back):
    ids = ",".join(str(create_image(owner, phash=HASH).pk) for _ in range(2))
    answer = browser.post(reverse("duplicates-different"), {"ids": ids, "back": back})
    assert answer.url == reverse("duplicates")


def test_exact_copies_are_shown_with_reasons_and_resolved(owner, bucket, browser):
    copies(owner, bucket, "a")
    edited = copies(owner, bucket, "b", 9)[1]
    verdicts.add(edited.pk, name="holiday", by_id=owner.pk)
    create_image(owner, phash=HASH)
    assert "Resolve all exact copies (2)" in Page(browser.get(reverse("duplicates"))).text
    page = Page(browser.get(reverse("duplicates-exact")))
    for text in (
        "2 files with copies: 9 pictures will move to the trash",
        "Has the most edits: 1",
        "Added first:",
        "and 3 more",
        "a/1.jpg",
    ):
        assert text in page.text
    assert page.inline() == []
    done = Page(browser.post(reverse("duplicates-resolve-exact"), follow=True))
    assert "Kept one of each, moved 9 copies to the trash." in done.text
    assert "No exact copies found." in done.text
    again = Page(browser.post(reverse("duplicates-resolve-exact"), follow=True))
    assert "There are no exact copies to resolve." in again.text


def test_progress_of_copies_is_shown_and_ends(owner, bucket, browser):
    copies(owner, bucket, "a")
    change = exact_copies.start(owner)
    assert "0 pictures done so far." in Page(browser.get(reverse("duplicates-exact"))).text
    htmx = {"HTTP_HX_REQUEST": "true"}
    assert "0 pictures done so far." in Page(browser.get(reverse("duplicates-exact"), **htmx)).text
    BulkChange.objects.filter(pk=change.pk).update(is_open=False)
    assert browser.get(reverse("duplicates-exact"), **htmx)["HX-Refresh"] == "true"


def test_exact_copies_come_page_by_page(owner, bucket, browser, monkeypatch):
    monkeypatch.setattr("analysis.web.duplicates.exact.PAGE_SIZE", 1)
    for name in "ab":
        copies(owner, bucket, name)
    page = Page(browser.get(reverse("duplicates-exact")))
    assert ("a/1.jpg" in page.text, "b/1.jpg" in page.text) == (True, False)
    second = Page(browser.get(page.links["Show more copies"]))
    assert ("b/1.jpg" in second.text, "Show more copies" in second.links) == (True, False)


@pytest.mark.parametrize("number", [1, 3])
def test_exact_copies_take_twelve_queries(owner, bucket, browser, number, django_assert_num_queries):
    for name in "abc"[:number]:
        copies(owner, bucket, name)
    with django_assert_num_queries(12):
        browser.get(reverse("duplicates-exact"))
