"""The trash page: restoring, deleting forever, progress and receipt."""

import csv
import io
from datetime import timedelta

import pytest
from django.utils import timezone

from analysis import pipeline
from analysis.curation import trash
from analysis.models import Bucket, Image, TrashDeletion
from tests.factories import create_bucket, create_bucket_image, create_image
from tests.web.pages import Page

pytestmark = pytest.mark.django_db


@pytest.fixture
def browser(owner, signed_in):
    return signed_in(owner)


def trashed(owner, number=1, **fields) -> list[Image]:
    images = [create_image(owner, **fields) for _ in range(number)]
    trash.trash([image.pk for image in images])
    return images


def form(page) -> dict[str, str]:
    """The hidden fields of the confirmation's form."""
    fields = {item["name"]: item.get("value", "") for item in Page(page).all("input") if item.get("type") == "hidden"}
    return {name: fields[name] for name in ("all", "ids", "until") if name in fields}


def test_page_shows_number_size_and_days_left(owner, browser, settings):
    settings.TRASH_DAYS = 30
    old, recent = trashed(owner, 2, size=1_500_000)
    Image.objects.filter(pk=old.pk).update(trashed_at=timezone.now() - timedelta(days=29, hours=1))
    text = Page(browser.get("/trash/")).text
    assert "2 pictures · 3 MB · Pictures are deleted forever after 30 days." in text
    assert text.index(recent.filename) < text.index(old.filename)
    assert ("30 days left" in text, "1 day left" in text) == (True, True)
    settings.TRASH_DAYS = 0
    text = Page(browser.get("/trash/")).text
    assert ("days left" in text, "Pictures stay until you delete them forever." in text) == (False, True)


def test_empty_trash(browser):
    page = Page(browser.get("/trash/"))
    assert "The trash is empty." in page.text
    assert "Empty trash…" not in page.text
    assert browser.post("/trash/delete/", {"all": "1"}).headers["Location"] == "/trash/"


@pytest.mark.parametrize("number", [1, 3])
def test_page_has_a_fixed_number_of_queries(number, owner, browser, django_assert_num_queries):
    trashed(owner, number)
    with django_assert_num_queries(8):
        page = browser.get("/trash/")
    assert len(Page(page).all("li", "trash-card")) == number


def test_next_page_begins_where_the_first_ends(owner, browser):
    images = trashed(owner, 121)  # all at the same time
    first = browser.get("/trash/")
    following = browser.get(first.context["more_url"])
    ids = [card.id for card in [*first.context["cards"], *following.context["cards"]]]
    assert ids == [str(image.pk) for image in reversed(images)]
    for cursor in ("nonsense", "2026-13-45_1", "9999-12-31T23:59:59+00:00_x", "_", "2026-01-01"):
        assert browser.get("/trash/", {"after": cursor}).status_code == 200


def test_others_pictures_are_neither_shown_nor_deleted(owner, colleague, browser):
    [image] = trashed(colleague, visibility=2)
    assert image.filename not in browser.get("/trash/").content.decode()
    for fields in ({"all": "1", "typed": "1"}, {"id": image.pk, "typed": "1"}):
        assert browser.post("/trash/delete/", fields).headers["Location"] == "/trash/"
    assert not TrashDeletion.objects.filter(owner_id=colleague.pk).exists()


def test_restore_selected_and_all(owner, browser):
    images = trashed(owner, 3)
    back = browser.post("/bulk/restore/", {"id": images[0].pk, "next": "/trash/"})
    assert back.headers["Location"] == "/trash/"
    assert Image.objects.filter(trashed_at=None).count() == 1
    browser.post("/bulk/restore/", {"all": "1", "q": "is:trashed", "next": "/trash/"})
    assert Image.objects.filter(trashed_at=None).count() == 3
    assert "Restored 2 pictures." in Page(browser.get("/trash/")).text


def test_trash_is_emptied_after_the_number_was_typed(owner, browser):
    images = trashed(owner, 3)
    remaining = create_image(owner)
    page = browser.post("/trash/delete/", {"all": "1"})
    assert "Type 3 to confirm" in Page(page).text
    late = trashed(owner)  # while the form is open
    refused = browser.post("/trash/delete/", {**form(page), "typed": "4"})
    assert (refused.status_code, "Incorrect number. Type 3 to confirm." in Page(refused).text) == (422, True)
    assert browser.post("/trash/delete/", {**form(page), "typed": "3"}).headers["Location"] == "/trash/"
    deletion = TrashDeletion.objects.get(total=3)
    assert "0 of 3 pictures deleted" in Page(browser.get("/trash/")).text
    pipeline.continue_deletion(deletion.pk)
    assert set(Image.objects.all()) == {remaining, *late}
    text = Page(browser.get("/trash/")).text
    assert "3 of 3 pictures deleted" in text
    receipt = b"".join(browser.get(f"/trash/deletions/{deletion.pk}/receipt.csv").streaming_content)
    rows = list(csv.DictReader(io.StringIO(receipt.decode("utf-8-sig"))))
    assert [(row["image_id"], row["sha256"]) for row in rows] == [(str(image.pk), image.sha256) for image in images]


TYPED = {"1,204": 1204, "1204": 1204, "1\u202f204": 1204, "": -1, "-1": -1, "twelve": -1, "1" * 20: -1, "²": -1}


@pytest.mark.parametrize(("text", "number"), TYPED.items(), ids=[ascii(text) for text in TYPED])
def test_typed_number(text, number):
    from analysis.web.trash import _number

    assert _number(text) == number


def test_selection_is_deleted_and_nothing_else(owner, browser):
    first, second = trashed(owner, 2)
    active = create_image(owner)
    page = browser.post("/trash/delete/", {"id": [first.pk, active.pk]})
    assert "Delete 1 picture forever?" in Page(page).text
    browser.post("/trash/delete/", {**form(page), "typed": "1"})
    pipeline.continue_deletion(TrashDeletion.objects.get(total=1).pk)
    assert set(Image.objects.all()) == {second, active}


def test_later_time_of_a_form_does_not_widen_it(owner, browser):
    trashed(owner)
    browser.post("/trash/delete/", {"all": "1", "typed": "1", "until": "9999-01-01T00:00:00+00:00"})
    deletion = TrashDeletion.objects.get(total=1)
    assert deletion.trashed_until == Image.objects.get().trashed_at


def test_confirmation_says_what_becomes_of_files_in_buckets(owner, browser):
    protected = create_bucket(owner, name="kept")
    allowed = create_bucket(owner, name="allowed", may_delete=True)
    for bucket in (protected, allowed):
        trash.trash([create_bucket_image(bucket, "one.jpg").pk])
    assert Bucket.objects.filter(may_delete=True).count() == 1
    text = Page(browser.post("/trash/delete/", {"all": "1"})).text
    assert "the files of 1 picture in their S3 buckets, with earlier versions" in text
    assert "The files of 1 picture stay in their S3 buckets" in text


def test_deletion_is_canceled(owner, browser, stranger, signed_in):
    trashed(owner)
    deletion = TrashDeletion.objects.create(person=owner, owner_id=owner.pk, trashed_until=timezone.now(), total=1)
    address = f"/trash/deletions/{deletion.pk}/cancel/"
    assert signed_in(stranger).post(address).status_code == 404
    browser.post(address)
    assert "still in the trash" in Page(browser.get("/trash/")).text
    browser.post(address)
    assert "It has already finished." in Page(browser.get("/trash/")).text
    assert Image.objects.exists()


def test_progress_is_polled_until_the_end(owner, browser):
    trashed(owner)
    deletion = TrashDeletion.objects.create(person=owner, owner_id=owner.pk, trashed_until=timezone.now(), total=1)
    fragment = browser.get("/trash/", headers={"HX-Request": "true"})
    assert ("<html" in fragment.content.decode(), "HX-Refresh" in fragment.headers) == (False, False)
    pipeline.continue_deletion(deletion.pk)
    assert browser.get("/trash/", headers={"HX-Request": "true"}).headers["HX-Refresh"] == "true"
