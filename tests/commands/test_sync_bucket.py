"""sync_bucket: counts, repairs, stop and resume, error messages."""

from __future__ import annotations

import json
from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db.models.functions import Now

from analysis import pipeline, tasks
from analysis.bucket_sync import object_queue
from analysis.bucket_sync import sync as bucket_sync_sync
from analysis.bucket_sync.s3_events import parse_events
from analysis.models import Analysis, Bucket, BucketObject, Image
from tests import pictures
from tests.factories import create_analysis, create_bucket, create_bucket_image
from tests.s3_event_messages import notice, record

pytestmark = pytest.mark.django_db
DENIED = (
    "photos cannot be listed: s3:ListBucket is not allowed (AccessDenied). “Check connection” on its page shows the "
    "policy to grant."
)


@pytest.fixture
def bucket(owner, s3):
    return create_bucket(owner)


def sync(*options: str) -> dict:
    out = StringIO()
    call_command("sync_bucket", "photos", "--json", *options, stdout=out)
    return {name: number for name, number in json.loads(out.getvalue()).items() if number}


def read(bucket) -> None:
    BucketObject.objects.update(next_attempt_at=Now() - timedelta(seconds=1))
    tasks.import_bucket_objects(bucket_id=bucket.pk)


def states() -> dict[str, str]:
    return dict(BucketObject.objects.values_list("key", "state"))


def test_counts_and_repairs(bucket, s3, capsys):
    for number in range(3):
        s3.put(f"{number}.jpg", pictures.jpeg(seed=number))
    s3.put("diary.jpg", b"Dear diary, today")
    s3.put("notes.txt", b"x")
    s3.put("photos/", b"")
    assert sync("--dry-run") == {"listed": 6, "new": 4, "skipped": 2, "is_complete": True}
    assert states() == {}
    assert sync() == {"listed": 6, "new": 4, "skipped": 2, "is_complete": True}
    read(bucket)
    assert (Image.objects.count(), states()["diary.jpg"]) == (3, "refused")

    s3.put("0.jpg", pictures.jpeg(seed=9))
    s3.delete("1.jpg")
    s3.delete("diary.jpg")
    s3.put("new.jpg", pictures.jpeg(seed=4))
    Analysis.objects.filter(image__key="2.jpg", api="labels").delete()
    create_analysis(Image.objects.get(key="2.jpg"), state="failed")
    counts = {"listed": 5, "new": 1, "changed": 1, "unchanged": 1, "missing": 1, "skipped": 2, "failed_analyses": 1}
    assert sync("--dry-run") == {**counts, "is_complete": True}
    assert states()["diary.jpg"] == "refused"
    assert sync() == {**counts, "is_complete": True}
    assert states() == {"0.jpg": "waiting", "1.jpg": "present", "2.jpg": "present", "new.jpg": "waiting"} | {
        "diary.jpg": "gone"
    }
    read(bucket)
    call_command("sync_bucket", "photos")
    output = capsys.readouterr().out
    assert "missing: 1 no longer in the bucket; --trash-missing moves them to the trash" in output
    assert "failed analyses: 1; --retry-failed retries them" in output

    sync("--trash-missing", "--retry-failed")
    read(bucket)
    assert (states()["1.jpg"], Image.objects.get(key="1.jpg").trashed_at is None) == ("gone", False)
    assert Analysis.objects.filter(image__key="2.jpg", api="labels", state="queued").count() == 1
    assert sync() == {"listed": 5, "unchanged": 3, "skipped": 2, "is_complete": True}


def test_skipped_objects_are_read_again_on_request(bucket, s3, settings):
    s3.put("a.jpg", pictures.jpeg())
    settings.MAX_UPLOAD_BYTES = 100
    sync()
    read(bucket)
    settings.MAX_UPLOAD_BYTES = 1_000_000
    assert (sync()["refused"], states()) == (1, {"a.jpg": "refused"})
    sync("--retry-skipped")
    read(bucket)
    assert states() == {"a.jpg": "present"}


def test_existing_object_missing_from_list_is_not_trashed(bucket, s3):
    s3.put("a.jpg", pictures.jpeg())
    sync()
    read(bucket)
    listed, s3._keys = s3._keys, []
    assert sync("--trash-missing") == {"missing": 1, "is_complete": True}
    s3._keys = listed
    read(bucket)
    assert (states(), Image.objects.get().trashed_at) == ({"a.jpg": "present"}, None)


def test_event_during_sync_is_kept(bucket, s3):
    # The event arrives after its page was listed and before that page is compared.
    for key in ("a.jpg", "c.jpg"):
        s3.put(key, pictures.jpeg())
    pages = pipeline.sync_bucket(bucket, options=bucket_sync_sync.SyncOptions(page_size=1))
    next(pages)
    s3.put("b.jpg", pictures.jpeg(seed=2))
    object_queue.record_events(parse_events(notice(record("b.jpg"))))
    for _ in pages:
        pass
    assert states() == {"a.jpg": "waiting", "b.jpg": "waiting", "c.jpg": "waiting"}


def test_empty_page_does_not_end_sync(bucket, s3):
    s3.set_keys(["a.jpg", "b.jpg"])
    s3.empty = 2
    assert sync() == {"listed": 2, "new": 2, "is_complete": True}


def test_stopped_sync_continues_at_cursor(bucket, s3):
    keys = sorted([f"ä/{number:03}.jpg" for number in range(25)], key=str.encode)
    s3.set_keys(keys)
    options = bucket_sync_sync.SyncOptions(page_size=10)
    pages = pipeline.sync_bucket(bucket, options=options)
    assert next(pages).listed == 10
    pages.close()
    bucket.refresh_from_db()
    assert (bucket.cursor, bucket.report["new"], bucket.sync_ended_at) == (keys[9], 10, None)
    s3.requests.clear()
    *_, counts = pipeline.sync_bucket(bucket, options=options)
    bucket.refresh_from_db()
    assert (counts.listed, counts.new, bucket.cursor, bucket.sync_ended_at is None) == (25, 25, "", False)
    assert len(s3.requests) == 2
    assert sorted(states(), key=str.encode) == keys


def test_failing_page_keeps_cursor(bucket, s3):
    s3.set_keys([f"{number:03}.jpg" for number in range(25)])
    pages = pipeline.sync_bucket(bucket, options=bucket_sync_sync.SyncOptions(page_size=10))
    next(pages)
    pages.close()
    s3.faults = {"list": ["AccessDenied!"]}
    with pytest.raises(CommandError):
        call_command("sync_bucket", "photos")
    bucket.refresh_from_db()
    assert bucket.cursor == "009.jpg"


@pytest.mark.parametrize(
    ("code", "sentence"),
    [
        ("AccessDenied", DENIED),
        (
            "ExpiredToken",
            "photos cannot be listed: AWS rejects the credentials (ExpiredToken). Renew them, and check the clock.",
        ),
        ("NoSuchBucket", "There is no bucket photos. Correct the name, or create it."),
        ("SlowDown", "photos cannot be listed: AWS is throttling requests (SlowDown). Try again in a moment."),
        (
            "IllegalLocationConstraintException",
            "photos cannot be listed: The bucket is in another region (IllegalLocationConstraintException)."
            " Set its region.",
        ),
    ],
)
def test_list_error_is_explained(bucket, s3, code, sentence):
    s3.faults = {"list": [f"{code}!"]}
    with pytest.raises(CommandError) as error:
        call_command("sync_bucket", "photos")
    assert str(error.value) == f"{sentence} Then run the command again; it continues where it stopped."
    assert error.value.returncode == 3
    bucket.refresh_from_db()
    assert bucket.sync_claimed_until is None


def test_throttled_list_is_retried(bucket, s3):
    s3.set_keys(["a.jpg"])
    s3.faults = {"list": ["SlowDown"]}
    assert sync()["new"] == 1


def test_second_sync_of_bucket_is_refused(bucket, s3):
    s3.set_keys(["a.jpg"])
    Bucket.objects.update(sync_claimed_until=Now() + timedelta(minutes=1))
    with pytest.raises(CommandError, match=r"A sync of photos is already running. Wait until it has finished."):
        call_command("sync_bucket", "photos")
    assert sync("--dry-run")["new"] == 1
    Bucket.objects.update(sync_claimed_until=Now() - timedelta(minutes=1))  # the process that held the lease died
    assert sync()["new"] == 1


def test_bucket_is_chosen_by_name_and_prefix(owner, bucket, s3):
    s3.set_keys(["a.jpg", "2024/b.jpg"])
    create_bucket(owner, prefix="2024/")
    with pytest.raises(
        CommandError, match=r"There is no bucket other in this library. Choose one of: photos, photos/2024/."
    ):
        call_command("sync_bucket", "other")
    out = StringIO()
    call_command("sync_bucket", "photos/2024/", "--json", stdout=out)
    assert (json.loads(out.getvalue())["listed"], sync()["listed"]) == (1, 2)


def test_own_renditions_are_skipped(bucket, s3, settings):
    options = {"bucket_name": "photos", "region_name": "us-east-1"}
    settings.STORAGES = {
        **settings.STORAGES,
        "default": {"BACKEND": "analysis.storage.s3.SharedS3Storage", "OPTIONS": options},
    }
    s3.set_keys(["a.jpg", "originals/aa/a.jpg", "renditions/aa/a-thumb.webp", "uploads/1"])
    assert sync() == {"listed": 4, "new": 1, "skipped": 3, "is_complete": True}


def test_task_syncs_bucket_and_saves_error(bucket, s3):
    s3.set_keys(["a.jpg"])
    tasks.sync_bucket(bucket_id=bucket.pk)
    assert states() == {"a.jpg": "waiting"}
    s3.faults = {"list": ["AccessDenied!"]}
    tasks.sync_bucket(bucket_id=bucket.pk)
    bucket.refresh_from_db()
    assert bucket.last_error == DENIED


def test_sync_requested_during_another_one_is_not_forgotten(bucket, s3):
    Bucket.objects.update(sync_claimed_until=Now() + timedelta(minutes=1))
    pipeline.start_sync(bucket.pk, trash_missing=True)
    tasks.sync_bucket(bucket_id=bucket.pk, trash_missing=True)
    Bucket.objects.update(sync_claimed_until=None)
    tasks.sync_bucket(bucket_id=bucket.pk)  # the other one ends
    assert pipeline.requested_syncs() == [(bucket.pk, True)]
    tasks.sync_bucket(bucket_id=bucket.pk, trash_missing=True)
    assert pipeline.requested_syncs() == []


@pytest.mark.parametrize("number", [1, 3])
def test_page_needs_same_queries_for_one_and_three_objects(bucket, s3, number, django_assert_num_queries):
    s3.set_keys([f"{index}.jpg" for index in range(number)])
    create_bucket_image(bucket, "zzz.jpg")
    with django_assert_num_queries(15):
        sync()
