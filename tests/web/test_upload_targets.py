"""The choice before uploading: collection and visibility, with rights."""

from __future__ import annotations

import hashlib

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from analysis import tasks
from analysis.curation import collections
from analysis.models import Collection, CollectionMember, Image, Upload
from analysis.storage import blobs
from tests import pictures
from tests.factories import create_image
from tests.web.pages import Page
from tests.web.test_direct_upload import PICTURE, ask, send
from tests.web.test_upload import outcomes, rows

pytestmark = pytest.mark.django_db
LOST = "Not added to the collection: it was deleted, or you can no longer add to it."


@pytest.fixture
def browser(owner, signed_in):
    return signed_in(owner)


@pytest.fixture
def trip(owner) -> Collection:
    return collections.create(owner, name="Trip")


def upload(browser, **target) -> Page:
    ticket = ask(browser, **target)
    send(browser, ticket)
    return Page(browser.post(ticket["complete"]))


def members_of(collection: Collection) -> list[int]:
    return list(collection.entries.values_list("image_id", flat=True))


@pytest.mark.parametrize(("sent", "stored"), [("", 0), ("0", 0), ("1", 1), ("2", 2), ("7", 2), ("-1", 0), ("x", 0)])
def test_picture_gets_the_chosen_visibility(browser, sent, stored):
    upload(browser, visibility=sent)
    assert Image.objects.get().visibility == stored


def test_picture_is_added_to_the_chosen_collection(browser, trip):
    ticket = ask(browser, collection=trip.pk)
    assert ticket["shown_at"] == trip.get_absolute_url()
    send(browser, ticket)
    browser.post(ticket["complete"])
    browser.post(ticket["complete"])
    assert members_of(trip) == [Image.objects.get().pk]


def test_new_collection_is_created_once(browser, owner):
    for seed in range(2):
        content = pictures.jpeg(seed=seed)
        ticket = ask(browser, content, collection_name=" Summer  2026 ")
        send(browser, ticket, content)
        browser.post(ticket["complete"])
    (created,) = Collection.objects.all()
    assert (created.name, created.owner, len(members_of(created))) == ("Summer 2026", owner, 2)


def test_present_picture_is_added_and_keeps_its_visibility(browser, owner, trip):
    image = create_image(owner, sha256=hashlib.sha256(PICTURE).hexdigest())
    blobs.put(image.key, PICTURE)
    row = ask(browser, sha256=image.sha256, collection=trip.pk, visibility=2)["row"]
    assert 'data-outcome="duplicate"' in row
    image.refresh_from_db()
    assert (members_of(trip), image.visibility) == ([image.pk], Image.Visibility.PRIVATE)


@pytest.mark.parametrize("can_edit", [False, True])
def test_shared_collection_takes_pictures_of_those_who_can_edit_it(browser, owner, colleague, can_edit):
    shared = collections.create(colleague, name="Ours")
    CollectionMember.objects.create(collection=shared, user=owner, can_edit=can_edit)
    if can_edit:
        upload(browser, collection=shared.pk)
        assert members_of(shared) == [Image.objects.get().pk]
    else:
        row = ask(browser, collection=shared.pk)["row"]
        assert "You can no longer add to this collection. Choose another one." in row
        assert not Upload.objects.exists()


@pytest.mark.parametrize("name", ["/", "a" * 201])
def test_impossible_name_of_a_collection_is_told(browser, name):
    assert 'data-outcome="refused"' in ask(browser, collection_name=name)["row"]
    assert not Collection.objects.exists()


def test_collection_lost_during_the_upload_is_told_and_the_picture_stored(browser, colleague, owner):
    shared = collections.create(colleague, name="Ours")
    member = CollectionMember.objects.create(collection=shared, user=owner, can_edit=True)
    ticket = ask(browser, collection=shared.pk)
    send(browser, ticket)
    member.delete()
    page = Page(browser.post(ticket["complete"]))
    assert (outcomes(page), LOST in page.text, members_of(shared)) == (["stored"], True, [])


def test_full_collection_is_told_and_the_picture_stored(browser, trip, owner):
    image = create_image(owner)
    collections.add_image(trip, image.pk, by_id=owner.pk)
    with pytest.raises(collections.ActionRefused, match="at most 1 pictures"):
        collections.add_image(trip, create_image(owner).pk, by_id=owner.pk, maximum=1)
    collections.add_image(trip, image.pk, by_id=owner.pk, maximum=1)  # it is there
    assert members_of(trip) == [image.pk]


def test_resumed_upload_has_its_rights_checked_again(browser, owner, colleague):
    sha256 = hashlib.sha256(PICTURE).hexdigest()
    shared = collections.create(colleague, name="Ours")
    member = CollectionMember.objects.create(collection=shared, user=owner, can_edit=True)
    ticket = ask(browser, sha256=sha256, collection=shared.pk)
    member.delete()
    assert "row" in ask(browser, sha256=sha256, collection=shared.pk, upload=ticket["upload"])
    again = ask(browser, sha256=sha256, visibility=1, upload=ticket["upload"])
    send(browser, again)
    browser.post(again["complete"])
    assert Upload.objects.values_list("collection", "visibility").get() == (None, 1)
    assert (Image.objects.get().visibility, members_of(shared)) == (1, [])


def test_arrived_bytes_are_not_sent_again_after_a_reload(browser):
    sha256 = hashlib.sha256(PICTURE).hexdigest()
    ticket = ask(browser, sha256=sha256)
    assert "url" in ask(browser, sha256=sha256, upload=ticket["upload"])
    send(browser, ticket)
    again = ask(browser, sha256=sha256, upload=ticket["upload"])
    assert (again["upload"], "url" in again) == (ticket["upload"], False)
    browser.post(again["complete"])
    tasks.check_uploads()
    assert Image.objects.count() == 1


def test_form_without_javascript_has_the_choice(browser, trip, owner):
    page = Page(browser.get(reverse("upload")))
    assert [option["value"] for option in page.all("option")] == ["", str(trip.pk), "0", "1", "2"]
    files = [SimpleUploadedFile("dog.jpg", PICTURE)]
    page = rows(browser.post(reverse("upload"), {"files": files, "collection": trip.pk, "visibility": "1"}))
    image = Image.objects.get()
    assert (outcomes(page), image.visibility, members_of(trip)) == (["stored"], 1, [image.pk])


def test_form_without_javascript_refuses_a_collection_of_others(browser, colleague):
    theirs = collections.create(colleague, name="Theirs")
    files = [SimpleUploadedFile("dog.jpg", PICTURE)]
    answer = browser.post(reverse("upload"), {"files": files, "collection": theirs.pk})
    assert answer.status_code == 422
    assert "You can no longer add to this collection. Choose another one." in Page(answer).text
    assert not Image.objects.exists()
