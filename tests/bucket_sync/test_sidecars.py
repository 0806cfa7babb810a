"""XMP sidecars of pictures in buckets."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import quote_plus

import pytest
from django.db.models.functions import Now

from analysis import pipeline, tasks
from analysis.bucket_sync import object_queue, sync
from analysis.bucket_sync.key_filter import KeyFilter
from analysis.bucket_sync.s3_events import parse_events
from analysis.ingest import xmp
from analysis.models import Analysis, Bucket, BucketObject, Image
from tests import pictures
from tests.factories import create_bucket, label_rows
from tests.s3_event_messages import notice, record

pytestmark = pytest.mark.django_db
TAGS = {"Grandma": 100.0, "Trip 2026": 100.0, "été": 100.0}


@pytest.fixture
def bucket(owner, s3):
    return create_bucket(owner)


def synced(bucket: Bucket, *, page_size: int = 1_000) -> dict[str, int]:
    """Sync, import what is queued, and return the counts of the sync."""
    options = sync.SyncOptions(page_size=page_size)
    bucket.refresh_from_db()
    *_, counts = pipeline.sync_bucket(bucket, options=options)
    read(bucket)
    return {name: getattr(counts, name) for name in ("new", "unchanged", "changed") if getattr(counts, name)}


def read(bucket: Bucket) -> None:
    BucketObject.objects.update(next_attempt_at=Now() - timedelta(seconds=1))
    tasks.import_bucket_objects(bucket_id=bucket.pk)


def put_event(key: str, s3) -> None:
    object_queue.record_events(parse_events(notice(record(quote_plus(key), etag=s3.etag(key)))))


def titles() -> dict[str, str]:
    return dict(Image.objects.values_list("key", "title"))


@pytest.mark.parametrize("name", ["a/photo.jpg.xmp", "a/photo.xmp", "a/photo.XMP"])
@pytest.mark.parametrize("page_size", [1, 1_000])
def test_sync_reads_sidecars(bucket, s3, name, page_size):
    s3.put("a/photo.jpg", pictures.jpeg())
    s3.put("a/photo-2.jpg", pictures.jpeg(seed=2))
    s3.put(name, pictures.full_xmp())
    synced(bucket, page_size=page_size)
    assert titles() == {"a/photo.jpg": "At the lake", "a/photo-2.jpg": ""}
    assert label_rows(Image.objects.get(key="a/photo.jpg")) == TAGS
    assert synced(bucket) == {"unchanged": 2}


def test_time_and_location_come_from_the_sidecar(bucket, s3):
    s3.put("photo.jpg", pictures.with_exif())
    s3.put("photo.xmp", pictures.dated_xmp())
    synced(bucket)
    image = Image.objects.get()
    assert (f"{image.taken_at:%Y-%m-%d %H:%M}", image.taken_offset) == ("2021-06-05 23:30", 120)
    assert (image.latitude, image.longitude) == (47.5583333, -13.6416667)


def test_new_and_changed_sidecars_are_read_without_a_new_analysis(bucket, s3):
    s3.put("photo.jpg", pictures.jpeg())
    synced(bucket)
    analyses = Analysis.objects.count()
    s3.put("photo.xmp", pictures.full_xmp())
    assert synced(bucket) == {"unchanged": 1, "changed": 1}
    s3.put("photo.xmp", pictures.xmp_of("<dc:subject><rdf:Bag><rdf:li>Boat</rdf:li></rdf:Bag></dc:subject>"))
    assert synced(bucket) == {"unchanged": 1, "changed": 1}
    assert label_rows(Image.objects.get()) == {"Boat": 100.0}
    assert Analysis.objects.count() == analyses


def test_sidecar_with_the_extension_of_the_picture_counts_more(bucket, s3):
    s3.put("photo.jpg", pictures.jpeg())
    s3.put("photo.png", pictures.encoded(pictures.quadrants(), "png"))
    s3.put("photo.jpg.xmp", pictures.full_xmp())
    s3.put("photo.xmp", pictures.xmp_of("<photoshop:City>Vienna</photoshop:City>"))
    synced(bucket)
    places = dict(Image.objects.values_list("key", "place"))
    assert places == {"photo.jpg": "Old pier, Hallstatt, Austria", "photo.png": "Vienna"}
    assert synced(bucket) == {"unchanged": 2}


@pytest.mark.parametrize("keys", [("photo.jpg", "photo.xmp"), ("photo.xmp", "photo.jpg")])
def test_events_bring_sidecars_in_either_order(bucket, s3, keys):
    for key in keys:
        s3.put(key, pictures.jpeg() if key == "photo.jpg" else pictures.full_xmp())
        put_event(key, s3)
        read(bucket)
    assert titles() == {"photo.jpg": "At the lake"}


def test_sidecar_that_is_too_large_or_no_xmp_costs_only_itself(bucket, s3):
    s3.put("large.jpg", pictures.jpeg(seed=1))
    s3.put("large.xmp", pictures.full_xmp() + b" " * xmp.MAX_BYTES)
    s3.put("broken.jpg", pictures.jpeg(seed=2))
    s3.put("broken.xmp", b"<!DOCTYPE x>")
    synced(bucket)
    assert titles() == {"large.jpg": "", "broken.jpg": ""}
    assert synced(bucket) == {"unchanged": 2}


def test_excluded_sidecars_are_left_alone(bucket, s3):
    key_filter = KeyFilter("a/", ["*.jpg"], ["*/private/*"])
    keys = ("a/x.xmp", "a/private/x.xmp", "b/x.xmp", "a/@eaDir/x.xmp", "a/x.txt")
    assert [key_filter.accepts_sidecar(key) for key in keys] == [True, False, False, False, False]
    assert not key_filter.accepts("a/x.xmp")


def test_buckets_without_sidecars_cost_no_request_more(bucket, s3):
    s3.put("photo.jpg", pictures.jpeg())
    synced(bucket)
    assert not Bucket.objects.get().has_sidecars
    assert [key for _, key in s3.requests if key] == ["photo.jpg"]
