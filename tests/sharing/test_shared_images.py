"""The pictures of a link: private and sensitive ones only if it says so."""

from __future__ import annotations

import pytest
from django.utils import timezone

from analysis.curation import collections
from analysis.curation.bulk import Selection
from analysis.models import Collection, CollectionImage, Image, ImageLabel, SavedSearch, ShareLink
from analysis.sharing.shared_images import find_shared_image, shared_ids, shared_images, shared_steps
from tests.factories import create_image, create_label, create_labeled_image

pytestmark = pytest.mark.django_db

PRIVATE, SHARED, PUBLIC = Image.Visibility.values


def sensitive(image: Image) -> Image:
    label = create_label("Explicit", kind="moderation")
    ImageLabel.objects.create(
        image=image,
        label=label,
        confidence=9_000,
        owner=image.owner,
        visibility=image.visibility,
        sort_time=image.added_at,
    )
    return image


@pytest.fixture
def pictures(owner, colleague) -> dict[str, Image]:
    return {
        "own private": create_image(owner, visibility=PRIVATE),
        "own shared": create_image(owner, visibility=SHARED),
        "own public": create_image(owner, visibility=PUBLIC),
        "own sensitive": sensitive(create_image(owner, visibility=PUBLIC)),
        "own trashed": create_image(owner, visibility=PUBLIC, trashed_at=timezone.now()),
        "other private": create_image(colleague, visibility=PRIVATE),
        "other shared": create_image(colleague, visibility=SHARED),
        "other public": create_image(colleague, visibility=PUBLIC),
    }


CASES = {
    "as it is": ({}, ["own shared", "own public", "other public"]),
    "private": ({"includes_private": True}, ["own private", "own shared", "own public", "other public"]),
    "sensitive": ({"includes_sensitive": True}, ["own shared", "own public", "own sensitive", "other public"]),
}


@pytest.fixture(params=CASES)
def case(request):
    return CASES[request.param]


def listed_names(link: ShareLink, pictures: dict[str, Image]) -> list[str]:
    """Names of the pictures in its list, which are those that it opens one by one."""
    names = {image.pk: name for name, image in pictures.items()}
    one_by_one = {name for name, image in pictures.items() if find_shared_image(link, image.public_id)}
    pictures_of_list = [names[image_id] for image_id in shared_ids(link)]
    assert set(pictures_of_list) == one_by_one
    assert [names[image.pk] for images in shared_steps(link) for image in images] == pictures_of_list
    return pictures_of_list


def test_collection_shows_what_its_maker_may_share(case, pictures, owner):
    options, expected = case
    collection = Collection.objects.create(owner=owner, name="All")
    for number, image in enumerate(pictures.values()):
        CollectionImage.objects.create(collection=collection, image=image, position=str(number), added_by=image.owner)
    assert listed_names(ShareLink.objects.create(owner=owner, collection=collection, **options), pictures) == expected


def test_search_shows_what_its_maker_may_share(case, pictures, owner):
    options, expected = case
    saved = SavedSearch.objects.create(owner=owner, name="All", query="sort:oldest")
    assert listed_names(ShareLink.objects.create(owner=owner, search=saved, **options), pictures) == expected


def test_search_shows_only_what_it_finds(owner):
    dog, cat = (create_labeled_image(owner, {name: 98}, visibility=PUBLIC) for name in ("Dog", "Cat"))
    saved = SavedSearch.objects.create(owner=owner, name="Dogs", query="dog")
    link = ShareLink.objects.create(owner=owner, search=saved)
    assert listed_names(link, {"dog": dog, "cat": cat}) == ["dog"]
    SavedSearch.objects.update(query="cat")
    link.refresh_from_db()
    assert listed_names(link, {"dog": dog, "cat": cat}) == ["cat"]


@pytest.mark.parametrize("query", ["is:trashed", "is:trashed OR is:public", '"unclosed', "owner:colleague is:private"])
def test_searches_reach_nothing_more(query, pictures, owner):
    saved = SavedSearch.objects.create(owner=owner, name="Trash", query=f"{query} sort:oldest")
    expected = ["own public", "other public"] if "public" in query else []
    link = ShareLink.objects.create(owner=owner, search=saved)
    assert [name for name, image in pictures.items() if image.pk in shared_ids(link)] == expected


@pytest.mark.parametrize(
    ("name", "options", "is_shown"),
    [
        ("own public", {}, True),
        ("own shared", {}, True),
        ("own private", {}, False),
        ("own private", {"includes_private": True}, True),
        ("own sensitive", {}, False),
        ("own sensitive", {"includes_sensitive": True}, True),
        ("own trashed", {"includes_private": True}, False),
        ("other public", {}, True),
        ("other shared", {"includes_private": True}, False),
        ("other private", {"includes_private": True}, False),
    ],
)
def test_one_picture_is_shown_only_as_it_may_be(name, options, is_shown, pictures, owner):
    link = ShareLink.objects.create(owner=owner, image=pictures[name], **options)
    assert listed_names(link, pictures) == ([name] if is_shown else [])


def test_picture_given_to_another_person_is_no_longer_shown(owner, colleague):
    image = create_image(owner)
    link = ShareLink.objects.create(owner=owner, image=image, includes_private=True)
    assert shared_ids(link) == [image.pk]
    Image.objects.update(owner=colleague)
    assert shared_ids(link) == []


def test_download_ends_once_the_link_is_revoked(owner):
    images = [create_image(owner, visibility=PUBLIC) for _ in range(3)]
    collection = Collection.objects.create(owner=owner, name="All")
    collections.add(collection, Selection(owner, ids=tuple(image.pk for image in images)))
    link = ShareLink.objects.create(owner=owner, collection=collection)
    steps = shared_steps(link, step=1)
    assert next(steps) == [images[0]]
    Image.objects.filter(pk=images[1].pk).update(visibility=PRIVATE)
    assert next(steps) == []
    ShareLink.objects.update(revoked_at=timezone.now())
    assert list(steps) == []


def test_images_keep_the_order_asked_for(owner):
    images = [create_image(owner, visibility=PUBLIC) for _ in range(3)]
    link = ShareLink.objects.create(owner=owner, image=images[0])
    ids = [image.pk for image in images]
    assert [image.pk for image in shared_images(link, [ids[2], ids[0], 10**12])] == [ids[2], ids[0]]
