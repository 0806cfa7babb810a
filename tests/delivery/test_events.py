"""Changes of pictures become messages of sinks."""

from __future__ import annotations

import pytest

from analysis.curation import trash, verdicts
from analysis.delivery import events, outbox
from analysis.library import image_events
from analysis.library import images as library_images
from analysis.models import Delivery, Image, ImageEvent, Sink
from analysis.recognition.reindex_images import reindex
from tests.factories import create_image, create_labeled_image, create_user

pytestmark = pytest.mark.django_db


def create_sink(query: str = "", **values) -> Sink:
    return Sink.objects.create(**{"name": f"Sink {query}", "channel": "webhook", "query": query} | values)


def queued() -> list[tuple[str, int]]:
    return [(delivery.sink.query, delivery.image_id) for delivery in Delivery.objects.order_by("pk")]


def test_nothing_is_recorded_without_a_receiver(owner):
    create_sink(is_active=False)
    image_events.record_changed([create_image(owner).pk])
    assert not ImageEvent.objects.exists()


def test_each_sink_gets_the_pictures_of_its_search(owner):
    create_sink()
    create_sink("dog")
    create_sink("dog", name="Paused", is_active=False)
    dog = create_labeled_image(owner, {"Dog": 99.0}, filename="dog.jpg", visibility=Image.Visibility.PRIVATE)
    cat = create_labeled_image(owner, {"Cat": 99.0})
    image_events.record_changed([cat.pk, dog.pk])
    image_events.record_changed([dog.pk])
    assert events.is_due()
    assert (events.compare_due(), events.is_due()) == (False, False)
    assert queued() == [("", dog.pk), ("", cat.pk), ("dog", dog.pk)]
    image = Delivery.objects.filter(image_id=dog.pk).first().payload["image"]
    assert (image["file_name"], [label["name"] for label in image["labels"]]) == ("dog.jpg", ["Dog"])


def test_pictures_in_the_trash_and_deleted_ones_are_left_out(owner):
    create_sink()
    trashed = create_image(owner)
    trash.trash([trashed.pk])
    image_events.record_changed([trashed.pk, trashed.pk + 1000])
    events.compare_due()
    assert (queued(), ImageEvent.objects.count()) == ([], 0)
    trash.restore(trashed.pk, by_id=owner.pk)
    events.compare_due()
    assert queued() == [("", trashed.pk)]


def test_verdict_visibility_and_owner_are_changes(owner, colleague):
    create_sink()
    image = create_labeled_image(owner, {"Dog": 99.0})
    verdicts.add(image.pk, name="Cat", by_id=owner.pk)
    library_images.set_visibility([image.pk], Image.Visibility.PUBLIC)
    library_images.transfer([image.pk], owner_id=colleague.pk)
    assert list(ImageEvent.objects.values_list("image_id", flat=True)) == [image.pk] * 3


def test_rebuilding_the_index_is_no_change(owner):
    create_sink()
    image = create_labeled_image(owner, {"Dog": 99.0})
    ImageEvent.objects.all().delete()
    reindex([image.pk])
    assert not ImageEvent.objects.exists()


def test_search_that_is_no_longer_valid_is_named(owner):
    sink = create_sink("width:")
    image_events.record_changed([create_image(owner).pk])
    events.compare_due()
    sink.refresh_from_db()
    assert (sink.last_error != "", queued()) == (True, [])


@pytest.mark.django_db(transaction=True)
def test_one_process_compares_at_a_time():
    from django.db import connections

    owner = create_user()
    create_sink()
    image_events.record_changed([create_image(owner).pk])
    other = connections["default"].copy()
    try:
        with other.cursor() as cursor:
            cursor.execute("BEGIN")
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [events._LOCK])
            assert (events.compare_some(), queued()) == (False, [])
            cursor.execute("ROLLBACK")
    finally:
        other.close()
    assert events.compare_some()
    assert len(queued()) == 1
    assert outbox.is_due()
