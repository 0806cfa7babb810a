"""Queueing of events: repeated, late, in any order, of other buckets and objects."""

from __future__ import annotations

import itertools

import pytest

from analysis.bucket_sync import object_queue
from analysis.bucket_sync.s3_events import pad_sequencer, parse_events
from analysis.models import BucketObject
from tests.factories import create_bucket
from tests.s3_event_messages import notice, record

pytestmark = pytest.mark.django_db
CREATED, REMOVED = "ObjectCreated:Put", "ObjectRemoved:Delete"


def hear(*records) -> object_queue.RecordedEvents:
    return object_queue.record_events(parse_events(notice(*records)))


@pytest.fixture
def bucket(owner):
    return create_bucket(owner)


NEWS = [(CREATED, "1"), (REMOVED, "2"), (CREATED, "3")]


@pytest.mark.parametrize(
    "order", list(itertools.permutations(NEWS)), ids=lambda order: "".join(event[1] for event in order)
)
@pytest.mark.parametrize("is_together", [True, False])
def test_latest_event_wins_in_any_order(bucket, order, is_together):
    records = [record("a.jpg", name=name, sequencer=number) for name, number in order]
    for batch in [records] if is_together else [[one] for one in records]:
        hear(*batch)
    known = BucketObject.objects.get()
    assert (known.state, known.sequencer) == ("waiting", pad_sequencer("3"))


def test_repeated_event_changes_nothing(bucket):
    for _ in range(2):
        hear(record("a.jpg", sequencer="1"), record("a.jpg", sequencer="1"))
    assert BucketObject.objects.values_list("key", "revision").get() == ("a.jpg", 0)


def test_removal_that_arrives_before_its_creation_wins(bucket):
    assert hear(record("a.jpg", name=REMOVED, sequencer="2")).buckets == set()
    assert hear(record("a.jpg", sequencer="1")).buckets == set()
    assert BucketObject.objects.get().state == "gone"


def test_object_is_queued_for_all_matching_buckets(owner, bucket):
    part = create_bucket(owner, prefix="2024/", include=["*.jpg"])
    assert hear(record("2024/a.jpg")).buckets == {bucket.pk, part.pk}
    assert hear(record("2024/a.png")).buckets == {bucket.pk}
    assert hear(record("2024/"), record("notes.txt")).buckets == set()


def test_unknown_bucket_is_reported(bucket):
    noted = hear(record("a.jpg", bucket="strange"))
    assert (noted.unknown, noted.buckets, BucketObject.objects.count()) == ({"strange"}, set(), 0)


def test_keys_of_our_own_storage_are_not_imported(owner, settings):
    options = {"bucket_name": "photos", "region_name": "us-east-1", "location": "library"}
    settings.STORAGES = {
        **settings.STORAGES,
        "default": {"BACKEND": "analysis.storage.s3.SharedS3Storage", "OPTIONS": options},
    }
    own = [f"library/{name}/aa/a.jpg" for name in ("originals", "renditions", "uploads")]
    assert hear(*(record(key) for key in own)) == object_queue.RecordedEvents()  # known, though no row says so
    bucket = create_bucket(owner)
    assert hear(*(record(key) for key in own)).buckets == set()
    assert hear(record("originals/a.jpg")).buckets == {bucket.pk}  # next to the storage's folder


@pytest.mark.parametrize("number", [1, 3])
def test_number_of_queries_does_not_depend_on_events(bucket, number, django_assert_num_queries):
    with django_assert_num_queries(4):  # savepoint, buckets, upsert, release
        hear(*(record(f"{index}.jpg") for index in range(number)))
