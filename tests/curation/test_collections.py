"""Collections: limits, order at once from two sides, and what deletion leaves."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from analysis.curation import collection_order, collections
from analysis.curation.bulk import Selection
from analysis.curation.collections import PlacedImage
from analysis.curation.errors import ActionRefused
from analysis.curation.positions import MAX_LENGTH
from analysis.library.removal import remove_image
from analysis.models import Collection, CollectionImage, ShareLink
from analysis.sharing import share_links
from tests.factories import create_image, create_user


def collection_of(owner, images) -> Collection:
    collection = collections.create(owner, name="All")
    collections.add(collection, Selection(owner, ids=tuple(image.pk for image in images)))
    return collection


def order(collection: Collection) -> list[int]:
    return list(collection.entries.order_by("position", "image_id").values_list("image_id", flat=True))


def in_thread(function):
    try:
        return function()
    finally:
        connection.close()


@pytest.mark.django_db(transaction=True)
def test_two_people_ordering_at_once_both_get_their_way():
    owner = create_user()
    images = [create_image(owner) for _ in range(6)]
    collection = collection_of(owner, images)
    ids = [image.pk for image in images]

    def moves(image_id: int, targets: list[int]) -> None:
        for target in targets:
            collection_order.move(collection, [image_id], before=target)

    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(in_thread, lambda: moves(ids[4], [ids[1], ids[2], ids[1]] * 5))
        second = pool.submit(in_thread, lambda: moves(ids[5], [ids[3], ids[0], ids[3]] * 5))
        first.result(timeout=30), second.result(timeout=30)
    assert order(collection) == [ids[0], ids[4], ids[1], ids[2], ids[5], ids[3]]
    positions = list(collection.entries.values_list("position", flat=True))
    assert len(set(positions)) == 6


@pytest.mark.django_db(transaction=True)
def test_two_people_adding_the_same_pictures_at_once_add_them_once():
    owner = create_user()
    images = [create_image(owner) for _ in range(20)]
    collection = collection_of(owner, [])
    selection = Selection(owner, ids=tuple(image.pk for image in images))
    with ThreadPoolExecutor(2) as pool:
        added = [pool.submit(in_thread, lambda: collections.add(collection, selection)) for _ in range(2)]
        numbers = sorted(len(future.result(timeout=30)) for future in added)
    assert (numbers, order(collection)) == ([0, 20], [image.pk for image in images])


@pytest.mark.django_db
def test_positions_that_grew_long_are_made_short_again(owner):
    images = [create_image(owner) for _ in range(3)]
    collection = collection_of(owner, images)
    first, second, third = (image.pk for image in images)
    CollectionImage.objects.filter(image=second).update(position="5000000000" + "0" * MAX_LENGTH + "1")
    collection_order.move(collection, [third], before=second)
    assert order(collection) == [first, third, second]
    assert max(len(position) for position in collection.entries.values_list("position", flat=True)) == 10


@pytest.mark.django_db
def test_collection_has_a_maximum(owner):
    images = [create_image(owner) for _ in range(3)]
    collection = collection_of(owner, images[:2])
    selection = Selection(owner, ids=tuple(image.pk for image in images))
    with pytest.raises(ActionRefused, match=r"at most 2 pictures\. Save the search instead\."):
        collections.add(collection, selection, maximum=2)
    assert order(collection) == [image.pk for image in images[:2]]
    assert collections.add(collection, selection, maximum=3) == [images[2].pk]


@pytest.mark.django_db
def test_nothing_dangles_when_pictures_are_deleted(owner):
    images = [create_image(owner) for _ in range(3)]
    collection = collection_of(owner, images)
    Collection.objects.update(cover=images[0])
    links = [ShareLink.objects.create(owner=owner, image=image) for image in images]
    whole = ShareLink.objects.create(owner=owner, collection=collection)
    remove_image(images[0])
    images[1].delete()  # by Django's cascade
    assert list(ShareLink.objects.order_by("pk")) == [links[2], whole]
    assert (order(collection), Collection.objects.get().cover) == ([images[2].pk], None)


@pytest.mark.django_db
def test_restore_positions_leaves_out_what_is_gone(owner):
    images = [create_image(owner) for _ in range(2)]
    collection = collection_of(owner, images)
    removed = collections.remove(collection, [image.pk for image in images])
    images[0].delete()
    assert (
        collections.restore_positions(collection, [*removed, PlacedImage(10**12, "1", 10**12)], were_removed=True) == 1
    )
    assert list(collection.entries.values_list("image_id", "added_by")) == [(images[1].pk, owner.pk)]


@pytest.mark.django_db
def test_deleted_collections_are_kept_for_a_day(owner):
    remaining, gone = (collections.create(owner, name=name) for name in ("Kept", "Gone"))
    collections.add(gone, Selection(owner, ids=(create_image(owner).pk,)))
    for collection in (remaining, gone):
        collections.delete(collection)
    Collection.objects.filter(pk=gone.pk).update(deleted_at=timezone.now() - timedelta(hours=25))
    collections.delete_expired()
    assert (Collection.objects.get(), CollectionImage.objects.count()) == (remaining, 0)
    with pytest.raises(ActionRefused, match=r"This collection was deleted\."):
        collections.add(remaining, Selection(owner, ids=(create_image(owner).pk,)))


@pytest.mark.django_db
def test_ended_links_are_kept_for_a_month(owner):
    image = create_image(owner)
    ended = timezone.now() - timedelta(days=29)
    for days in ({}, {"revoked_at": ended}, {"expires_at": ended}):
        ShareLink.objects.create(owner=owner, image=image, **days)
    long_ago = timezone.now() - timedelta(days=31)
    for days in ({"revoked_at": long_ago}, {"expires_at": long_ago}):
        ShareLink.objects.create(owner=owner, image=image, **days)
    share_links.delete_expired()
    assert ShareLink.objects.count() == 3
