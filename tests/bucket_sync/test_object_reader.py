"""Import of bucket objects, and its failures."""

from __future__ import annotations

import gzip
import re
import resource
from datetime import timedelta

import pytest
from django.db import connection
from django.db.models.functions import Now
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from analysis import jobs, leases, pipeline, task_queue, tasks
from analysis.aws.s3_objects import ObjectInfo
from analysis.bucket_sync import object_import, object_queue, object_reader, sync
from analysis.bucket_sync.s3_events import parse_events
from analysis.curation import trash, verdicts
from analysis.library import removal
from analysis.models import Analysis, Bucket, BucketObject, Call, Folder, Image
from analysis.recognition import claims, ledger
from analysis.recognition.base import Response, UnreadableResponse
from analysis.recognition.save_results import AttemptResult
from analysis.recognition.save_results import save_results as record_ends
from analysis.storage import blobs, originals, renditions
from tests import pictures, raw_bytes
from tests.factories import create_bucket, create_label, label_rows, labels_answer
from tests.s3_event_messages import notice, record

pytestmark = pytest.mark.django_db
KEY = "holidays/ä b+c\n.jpg"
OWN_FAULT = (
    "s3:GetObject is not allowed for this object (AccessDenied). Check its ACL, or grant kms:Decrypt for its key."
)
LONGEST = "ä" * 510 + ".jpg"  # 1,024 bytes


@pytest.fixture
def bucket(owner, s3):
    return create_bucket(owner, visibility=1)


def hear(key: str, *, name="ObjectCreated:Put", **fields) -> set[int]:
    from urllib.parse import quote_plus

    return object_queue.record_events(parse_events(notice(record(quote_plus(key), name=name, **fields)))).buckets


def read(bucket: Bucket) -> None:
    """The workers read all that waits."""
    BucketObject.objects.update(next_attempt_at=Now() - timedelta(seconds=1))
    Bucket.objects.update(paused_until=None)
    tasks.import_bucket_objects(bucket_id=bucket.pk)


def object_state(key: str = KEY) -> tuple:
    return BucketObject.objects.values_list("state", "error_code", "reason").get(key=key)


@pytest.mark.parametrize("key", [KEY, LONGEST, "IMG_0001"])
def test_object_is_imported_and_stays_in_its_bucket(bucket, s3, rekognition, pictures_folder, key):
    s3.put(key, pictures.jpeg())
    assert hear(key, sequencer="A1") == {bucket.pk}
    read(bucket)
    image = Image.objects.get()
    assert (image.bucket, image.key, image.owner, image.visibility) == (bucket, key, bucket.owner, 1)
    assert (image.etag, image.sequencer, image.format) == (s3.etag(key), "A1".rjust(32, "0"), "jpeg")
    assert "\n" not in image.filename
    assert object_state(key) == ("present", "", "")
    paths = {str(path.relative_to(pictures_folder)) for path in pictures_folder.rglob("*") if path.is_file()}
    assert paths == {blobs.rendition_key(image.renditions_id, name) for name in blobs.RENDITIONS}
    with originals.get(image) as original:
        assert original.read() == pictures.jpeg()
    rekognition.answers = [labels_answer(Dog=98)]
    tasks.run_recognition(recognizer="rekognition", api="labels")
    assert label_rows(image) == {"Dog": 98}


@pytest.mark.parametrize("encoding", ["gzip", "aws-chunked,GZIP"])
def test_compressed_object_is_refused_with_the_reason(bucket, s3, encoding):
    s3.put(KEY, gzip.compress(pictures.jpeg()))
    s3.encodings[KEY] = encoding
    hear(KEY)
    read(bucket)
    sentence = "it is stored compressed (Content-Encoding: gzip); upload an uncompressed copy to the bucket"
    assert object_state() == ("refused", "compressed", sentence)


def test_image_with_wrong_content_encoding_is_imported(bucket, s3):
    s3.put(KEY, pictures.jpeg())
    s3.encodings[KEY] = "gzip"
    hear(KEY)
    read(bucket)
    assert object_state() == ("present", "", "")


@pytest.mark.parametrize("metadata", [{"mtime": "1555079400.25"}, {"file-mtime": "1555079400000000000ns"}])
def test_file_date_that_the_uploader_kept_is_the_date_taken(bucket, s3, metadata):
    s3.put(KEY, pictures.jpeg())
    s3.metadata[KEY] = metadata
    hear(KEY)
    read(bucket)
    image = Image.objects.get()
    assert (image.taken_at.isoformat(), image.taken_source) == ("2019-04-12T14:30:00+00:00", "file")


def test_folder_of_the_key_is_kept(bucket, s3):
    for key in ("photos/2024/100%_été/a.jpg", "photos//2024/b.jpg", "c.jpg"):
        s3.put(key, pictures.jpeg(64 + len(key), 48))
        hear(key)
    read(bucket)
    folders = dict(Image.objects.values_list("filename", "folder__path"))
    assert folders == {"a.jpg": "photos/2024/100%_été", "b.jpg": "photos/2024", "c.jpg": None}
    assert set(Folder.objects.values_list("bucket", "owner")) == {(bucket.pk, None)}


def test_key_ending_in_a_space_is_imported_by_sync_and_event(bucket, s3):
    for key in ("a.jpg ", "b.JPG  "):
        s3.put(key, pictures.jpeg(seed=len(key)))
    assert hear("a.jpg ") == {bucket.pk}
    list(pipeline.sync_bucket(bucket, options=sync.SyncOptions()))
    read(bucket)
    assert dict(Image.objects.values_list("key", "filename")) == {"a.jpg ": "a.jpg", "b.JPG  ": "b.JPG"}


def test_original_can_be_downloaded_and_renditions_remade(owner, bucket, s3, signed_in, pictures_folder):
    s3.put(KEY, pictures.jpeg())
    hear(KEY)
    read(bucket)
    image = Image.objects.get()
    answer = signed_in(owner).get(reverse("original", args=[image.pk]))
    assert b"".join(answer.streaming_content) == pictures.jpeg()
    (pictures_folder / blobs.rendition_key(image.renditions_id, "thumb")).unlink()
    with renditions.read(image, "thumb") as thumb:
        assert thumb.read()[8:12] == b"WEBP"


def test_apis_of_the_bucket_are_used(bucket, s3):
    bucket.apis = ["text", "faces", "celebrities"]  # the local recognizer knows no celebrities
    bucket.save()
    s3.put(KEY, pictures.jpeg())
    hear(KEY)
    read(bucket)
    assert sorted(Analysis.objects.values_list("api", "is_bulk")) == [("faces", True), ("text", True)]


def test_changed_object_keeps_image_and_verdicts(owner, bucket, s3, rekognition):
    rekognition.answers = [labels_answer(Dog=98), labels_answer(Cat=97)]
    s3.put(KEY, pictures.jpeg())
    hear(KEY)
    read(bucket)
    image = Image.objects.get()
    tasks.run_recognition(recognizer="rekognition", api="labels")
    verdicts.decide(image.pk, label_id=create_label("Bench").pk, decision="added", by_id=owner.pk)
    s3.put(KEY, pictures.jpeg(300, 200))
    assert hear(KEY, etag=s3.etag(KEY)) == {bucket.pk}
    read(bucket)
    tasks.run_recognition(recognizer="rekognition", api="labels")
    renewed = Image.objects.get()
    assert renewed.analyses.latest("pk").requested_at > renewed.original_replaced_at > renewed.added_at
    assert (renewed.pk, renewed.width, renewed.etag) == (image.pk, 300, s3.etag(KEY))
    assert renewed.renditions_id != image.renditions_id
    assert label_rows(image) == {"Cat": 97, "Bench": 100}


@pytest.mark.parametrize("end", ["answer", "error"])
def test_result_about_a_replaced_original_is_only_paid(bucket, s3, rekognition, end):
    """The pending response or error is about the old original."""
    rekognition.answers = [labels_answer(Cat=97)]
    s3.put(KEY, pictures.jpeg())
    hear(KEY)
    read(bucket)
    (claimed,) = claims.claim("rekognition", "labels", maximum=1, region="eu-central-1")
    s3.put(KEY, pictures.jpeg(300, 200))
    hear(KEY)
    read(bucket)
    answer = Response("labels", "rekognition", "3.0", labels_answer(Dog=98), "request-1", 5)
    error = UnreadableResponse("It is no picture.", api="labels", code="InvalidImageFormatException", outcome="unknown")
    ended = {"response": answer} if end == "answer" else {"error": error}
    record_ends([AttemptResult(claimed, **ended, region="eu-central-1")])
    image = Image.objects.get()
    waits = Analysis.objects.get(api="labels")
    assert (waits.state, waits.error_code, waits.attempts) == ("queued", "original-replaced", 0)
    assert (label_rows(image), waits.price) == ({}, None)
    claims.apis_with_due_work()  # nothing is left of the claim, so nothing is written off
    tasks.run_recognition(recognizer="rekognition", api="labels")
    assert (label_rows(image), Analysis.objects.get(api="labels").state) == ({"Cat": 97}, "done")
    outcomes = Call.objects.order_by("pk").values_list("outcome", flat=True)
    assert list(outcomes) == ["answered" if end == "answer" else "unknown", "answered"]
    assert ledger.budget("rekognition").spent == 2 * claimed.price


def test_unchanged_object_is_not_imported_again(bucket, s3):
    s3.put(KEY, pictures.jpeg())
    hear(KEY)
    read(bucket)
    before = len(s3.requests)
    assert hear(KEY, etag=s3.etag(KEY)) == set()
    assert hear(KEY) == {bucket.pk}  # without an etag, only a request can detect it
    read(bucket)
    assert (len(s3.requests), Analysis.objects.filter(api="labels").count()) == (before + 1, 1)


def test_removed_object_trashes_its_image_and_restores_it_on_return(bucket, s3):
    s3.put(KEY, pictures.jpeg())
    hear(KEY, sequencer="1")
    read(bucket)
    s3.delete(KEY)
    hear(KEY, name="ObjectRemoved:DeleteMarkerCreated", sequencer="2")
    read(bucket)
    assert object_state() == ("gone", "gone", "It is no longer in the bucket.")
    assert Image.objects.get().trashed_at
    s3.put(KEY, pictures.jpeg())
    hear(KEY, sequencer="3")
    read(bucket)
    assert (object_state(), Image.objects.get().trashed_at) == (("present", "", ""), None)


def test_image_trashed_by_a_person_stays_trashed(bucket, s3):
    s3.put(KEY, pictures.jpeg())
    hear(KEY)
    read(bucket)
    month_ago = timezone.now() - timedelta(days=29)
    trash.trash([Image.objects.get().pk], at=month_ago)
    s3.put(KEY, pictures.jpeg(seed=2))
    hear(KEY)
    read(bucket)
    # Nobody has seen the new picture yet, so it is not deleted with the one that was in the trash for a month.
    assert Image.objects.get().trashed_at > month_ago + timedelta(days=28)


def trashed_by_somebody() -> Image:
    image = Image.objects.get()
    trash.trash([image.pk])
    return image


def test_throttling_restores_nothing_from_the_trash(bucket, s3):
    s3.put(KEY, pictures.jpeg())
    hear(KEY)
    read(bucket)
    image = trashed_by_somebody()
    s3.put(KEY, pictures.jpeg(300, 200))
    hear(KEY)
    s3.faults = {"get": ["InvalidAccessKeyId"]}
    read(bucket)
    assert object_state()[:2] == ("waiting", "InvalidAccessKeyId")
    read(bucket)
    image.refresh_from_db()
    assert (object_state()[0], image.width, image.trashed_at is None) == ("present", 300, False)


def test_returning_object_does_not_restore_an_image_trashed_before(bucket, s3):
    s3.put(KEY, pictures.jpeg())
    hear(KEY, sequencer="1")
    read(bucket)
    trashed_by_somebody()
    gone_and_back(bucket, s3)
    assert (object_state(), Image.objects.get().trashed_at is None) == (("present", "", ""), False)


def test_returning_object_does_not_restore_an_image_trashed_since(bucket, s3):
    s3.put(KEY, pictures.jpeg())
    hear(KEY, sequencer="1")
    read(bucket)

    def somebody_changes_their_mind() -> None:
        trash.restore(Image.objects.get().pk, by_id=Image.objects.get().owner_id)
        trashed_by_somebody()

    gone_and_back(bucket, s3, meanwhile=somebody_changes_their_mind)
    assert Image.objects.get().trashed_at


def test_image_is_restored_after_throttling_ends(bucket, s3):
    s3.put(KEY, pictures.jpeg())
    hear(KEY, sequencer="1")
    read(bucket)

    def busy() -> None:
        s3.faults = {"get": ["InvalidAccessKeyId"]}

    gone_and_back(bucket, s3, meanwhile=busy)
    read(bucket)
    assert (object_state(), Image.objects.get().trashed_at) == (("present", "", ""), None)


def gone_and_back(bucket, s3, *, meanwhile=lambda: None) -> None:
    """The object is deleted and put there again, and each is looked at."""
    s3.delete(KEY)
    hear(KEY, name="ObjectRemoved:Delete", sequencer="2")
    read(bucket)
    meanwhile()
    s3.put(KEY, pictures.jpeg())
    hear(KEY, sequencer="3")
    read(bucket)


def test_changes_by_people_during_an_import_are_kept(bucket, s3):
    s3.put(KEY, pictures.jpeg())
    hear(KEY)
    read(bucket)
    s3.put(KEY, pictures.jpeg(300, 200))
    hear(KEY)
    taken = object_reader.claim(bucket.pk)
    Image.objects.update(visibility=0, title="Mine")
    with CaptureQueriesContext(connection) as queries:
        object_import.save(taken, object_reader.read(taken))
    image = Image.objects.get()
    assert (image.width, image.visibility, image.title) == (300, 0, "Mine")
    locks = re.findall(r'FROM "(\w+)" [^;]* FOR UPDATE', "; ".join(query["sql"] for query in queries))
    assert locks == ["analysis_image", "analysis_bucketobject"]  # in the same order as a removal: no deadlock


def test_deleted_image_is_not_imported_again(bucket, s3, django_capture_on_commit_callbacks):
    s3.put(KEY, pictures.jpeg())
    hear(KEY)
    read(bucket)
    with django_capture_on_commit_callbacks(execute=True):
        removal.remove_image(Image.objects.get())
    assert (KEY in s3.objects, object_state()[0]) == (True, "dropped")
    assert hear(KEY, etag=s3.etag(KEY)) == set()
    s3.put(KEY, pictures.jpeg(seed=2))
    assert hear(KEY, etag=s3.etag(KEY)) == {bucket.pk}  # someone put another one there


def test_original_is_deleted_only_if_the_bucket_allows_it(bucket, s3, django_capture_on_commit_callbacks):
    s3.put(KEY, pictures.jpeg())
    hear(KEY)
    read(bucket)
    Bucket.objects.update(may_delete=True)
    with django_capture_on_commit_callbacks(execute=True):
        removal.remove_image(Image.objects.get())
    assert s3.objects != {}  # only once the rows are committed
    pipeline.delete_originals()
    assert s3.objects == {}


@pytest.mark.parametrize("is_heard", [True, False], ids=["by event", "by sync"])
def test_file_uploaded_again_after_its_original_was_deleted_is_imported(
    bucket, s3, is_heard, django_capture_on_commit_callbacks
):
    """For example by a person who regrets the deletion.

    The object has the same key and ETag as before.
    """
    s3.put(KEY, pictures.jpeg())
    hear(KEY, sequencer="1", etag=s3.etag(KEY))
    read(bucket)
    Bucket.objects.update(may_delete=True)
    with django_capture_on_commit_callbacks(execute=True):
        removal.remove_image(Image.objects.get())
    pipeline.delete_originals()
    hear(KEY, name="ObjectRemoved:Delete", sequencer="2")
    s3.put(KEY, pictures.jpeg())
    if is_heard:
        hear(KEY, sequencer="3", etag=s3.etag(KEY))
    else:
        tasks.sync_bucket(bucket_id=bucket.pk)
    read(bucket)
    assert (object_state()[0], Image.objects.count()) == ("present", 1)


@pytest.mark.parametrize("content", [b"Dear diary, today", b"", pictures.svg()], ids=["text", "empty", "svg"])
def test_object_that_is_no_image_is_refused_with_the_reason(bucket, s3, content):
    s3.put(KEY, content)
    hear(KEY)
    read(bucket)
    state, _, reason = object_state()
    assert (state, bool(reason), Image.objects.count()) == ("refused", True, 0)
    assert hear(KEY, etag=s3.etag(KEY)) == set()  # it is not read again


def test_large_object_is_refused_without_download(bucket, s3, settings):
    settings.MAX_UPLOAD_BYTES = 100
    s3.put(KEY, pictures.jpeg())
    hear(KEY)
    read(bucket)
    assert object_state()[:2] == ("refused", "too-large")


def test_image_overwritten_by_another_file_type_is_trashed(bucket, s3):
    s3.put(KEY, pictures.jpeg())
    hear(KEY)
    read(bucket)
    s3.put(KEY, b"Dear diary")
    hear(KEY)
    read(bucket)
    assert object_state()[0] == "refused"
    assert Image.objects.get().trashed_at


def test_object_deleted_before_its_import_is_gone(bucket, s3):
    hear(KEY)
    read(bucket)
    assert (object_state()[0], Image.objects.count()) == ("gone", 0)


@pytest.mark.parametrize(
    ("code", "sentence", "tried"),
    [
        (
            "AccessDenied",
            "No object in photos can be read. s3:GetObject is not allowed (AccessDenied). Grant it, or kms:Decrypt for "
            "the key of its objects.",
            3,  # one or two denied objects may be exceptions
        ),
        ("ExpiredToken", "AWS rejects the credentials (ExpiredToken). Renew them, and check the clock.", 1),
        ("NoSuchBucket", "There is no bucket photos. Correct the name, or create it.", 1),
    ],
)
def test_bucket_that_denies_everything_is_paused_with_the_reason(bucket, s3, code, sentence, tried):
    s3.faults = {"get": [f"{code}!"]}
    keys = (KEY, "other.jpg", "third.jpg", "fourth.jpg")
    for seed, key in enumerate(keys):
        s3.put(key, pictures.jpeg(seed=seed))
        hear(key)
    tasks.import_bucket_objects(bucket_id=bucket.pk)
    assert len([key for method, key in s3.requests if method == "GET"]) == tried  # the others are not tried now
    bucket.refresh_from_db()
    assert (bucket.last_error, bucket.paused_until is None) == (sentence, False)
    assert object_reader.due_buckets() == []
    counted = BucketObject.objects.values_list("attempts", flat=True)
    assert sorted(counted) == [0, 0, *([0, 0] if tried == 1 else [1, 1])]  # what the bucket does costs no object
    s3.faults = {}
    read(bucket)
    read(bucket)
    bucket.refresh_from_db()
    assert (bucket.last_error, Image.objects.count()) == ("", len(keys))


def test_bucket_that_starts_to_deny_is_paused_at_once(bucket, s3):
    """An object that was read before is denied too."""
    for key in (KEY, "other.jpg"):
        s3.put(key, pictures.jpeg(seed=len(key)))
        hear(key)
        read(bucket)
        s3.faults = {"get": ["AccessDenied!"]}
    bucket.refresh_from_db()
    assert bucket.last_error.startswith("No object in photos can be read. s3:GetObject is not allowed (AccessDenied)")
    assert BucketObject.objects.values_list("attempts", flat=True).get(key="other.jpg") == 0


def test_deleted_object_does_not_prove_a_denied_bucket(bucket, s3):
    for key in (KEY, "other.jpg"):
        s3.put(key, pictures.jpeg(seed=len(key)))
        hear(key)
        read(bucket)
        s3.denied = {"other.jpg"}
        s3.delete(KEY)
    bucket.refresh_from_db()
    assert (bucket.last_error, object_state("other.jpg")[:2]) == ("", ("waiting", "AccessDenied"))


def test_one_readable_object_outweighs_denied_ones(bucket, s3):
    for key in (KEY, "second.jpg", "third.jpg", "other.jpg"):
        s3.put(key, pictures.jpeg(seed=len(key) + ord(key[0])))
        hear(key)
        s3.denied = {"second.jpg", "third.jpg", "other.jpg"} if key == "other.jpg" else set()
        read(bucket)
    bucket.refresh_from_db()
    assert (bucket.last_error, object_state("other.jpg")[:2]) == ("", ("waiting", "AccessDenied"))


def test_many_denied_objects_do_not_pause_the_bucket(bucket, s3):
    """By their ACL or a KMS key. Once one was given, the bucket is known to give."""
    denied = [f"denied-{number}.jpg" for number in range(5)]
    s3.denied = set(denied)
    for seed, key in enumerate(["first.jpg", *denied, "last.jpg"]):
        s3.put(key, pictures.jpeg(seed=seed))
        hear(key)
        BucketObject.objects.filter(key=key).update(next_attempt_at=Now() - timedelta(seconds=60 - seed))
    tasks.import_bucket_objects(bucket_id=bucket.pk)
    bucket.refresh_from_db()
    assert (bucket.last_error, bucket.paused_until) == ("", None)
    assert sorted(Image.objects.values_list("key", flat=True)) == ["first.jpg", "last.jpg"]
    for _ in range(leases.MAX_ATTEMPTS - 1):
        read(bucket)
    assert {object_state(key) for key in denied} == {("failed", "AccessDenied", OWN_FAULT)}


@pytest.mark.parametrize(
    ("code", "end"),
    [
        ("AccessDenied", ("waiting", "AccessDenied", OWN_FAULT)),
        (
            "InvalidObjectState",  # in Glacier
            ("failed", "InvalidObjectState", "It is archived. Restore it in S3, then retry."),
        ),
    ],
)
def test_one_denied_object_does_not_pause_the_bucket(bucket, s3, code, end):
    s3.faults = {"get": [code]}
    for seed, key in enumerate((KEY, "other.jpg")):
        s3.put(key, pictures.jpeg(seed=seed))
        hear(key)
    tasks.import_bucket_objects(bucket_id=bucket.pk)
    bucket.refresh_from_db()
    assert (bucket.last_error, bucket.paused_until, object_state()) == ("", None, end)
    assert Image.objects.get().key == "other.jpg"


def test_object_that_kills_workers_fails(bucket, s3):
    s3.put(KEY, pictures.jpeg())
    hear(KEY)
    for _ in range(leases.MAX_ATTEMPTS):
        assert object_reader.claim(bucket.pk)  # and then the claiming worker is gone
        BucketObject.objects.update(next_attempt_at=Now() - timedelta(seconds=1))
    read(bucket)
    assert object_state() == ("failed", "worker-lost", "Every worker that tried to read it stopped unexpectedly.")
    assert s3.requests == []


def test_denied_object_fails_after_five_attempts(bucket, s3):
    s3.faults = {"get": ["AccessDenied!"]}
    s3.put(KEY, pictures.jpeg())
    hear(KEY)
    for _ in range(leases.MAX_ATTEMPTS):
        read(bucket)
    assert object_state() == ("failed", "AccessDenied", OWN_FAULT)


def test_throttling_pauses_the_bucket_without_counting_attempts(bucket, s3):
    s3.faults = {"get": ["SlowDown"] * 4}  # as often as botocore tries on its own
    s3.put(KEY, pictures.jpeg())
    hear(KEY)
    tasks.import_bucket_objects(bucket_id=bucket.pk)
    bucket.refresh_from_db()
    assert (bucket.last_error, bucket.paused_until is None, BucketObject.objects.get().attempts) == ("", False, 0)
    read(bucket)
    assert Image.objects.count() == 1


def test_unreachable_endpoint_pauses_the_bucket(bucket, s3, monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:9")
    hear(KEY)
    tasks.import_bucket_objects(bucket_id=bucket.pk)
    bucket.refresh_from_db()
    assert bucket.last_error.startswith("The service cannot be reached: ")
    assert BucketObject.objects.get().attempts == 0


def test_import_is_retried_after_a_storage_error(bucket, s3, pictures_folder):
    pictures_folder.mkdir()
    (pictures_folder / "renditions").write_text("in the way")
    s3.put(KEY, pictures.jpeg())
    hear(KEY)
    read(bucket)
    assert (object_state()[:2], Image.objects.count()) == (("waiting", "storage"), 0)
    (pictures_folder / "renditions").unlink()
    read(bucket)
    assert Image.objects.count() == 1


def test_import_is_retried_after_the_disk_of_temporary_files_was_full(bucket, s3):
    s3.put(KEY, pictures.jpeg() + bytes(originals.IN_MEMORY))
    hear(KEY)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000, before[1]))  # the kernel refuses every byte beyond
    try:
        read(bucket)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert object_state() == ("waiting", "storage", "File too large")
    read(bucket)
    assert object_state()[0] == "present"


def test_large_bucket_does_not_keep_others_from_being_imported(owner, bucket, s3):
    other, paused = create_bucket(owner, prefix="2024/"), create_bucket(owner, prefix="2025/")
    for row, number in ((bucket, 1_100), (other, 1), (paused, 1)):
        object_queue.queue_objects(row.pk, [ObjectInfo(f"2024/{key}.jpg", "e", 1) for key in range(number)])
    Bucket.objects.filter(pk=paused.pk).update(paused_until=Now() + timedelta(minutes=1))
    assert object_reader.due_buckets() == [bucket.pk, other.pk]
    BucketObject.objects.update(next_attempt_at=Now() + timedelta(minutes=1))
    assert object_reader.due_buckets() == []


def test_buckets_are_imported_in_turns(owner, bucket, s3):
    second, third = create_bucket(owner, prefix="2024/"), create_bucket(owner, prefix="2025/")
    for row in (bucket, second, third):
        object_queue.queue_objects(row.pk, [ObjectInfo("2024/1.jpg", "e", 1)])
    jobs.shut_down()  # the time of the run is over
    try:
        with task_queue.opened() as queue:
            tasks.import_bucket_objects(bucket_id=second.pk)
            sent = [message.arguments for message in iter(queue.take, None)]
    finally:
        jobs.resume()
    assert sent == [(("bucket_id", row.pk),) for row in (third, bucket, second)]


def test_event_during_an_import_is_not_lost(bucket, s3):
    s3.put(KEY, pictures.jpeg())
    hear(KEY, sequencer="1")
    taken = BucketObject.objects.select_related("bucket__owner", "image").get()
    hear(KEY, sequencer="2")
    pipeline.import_object(taken)
    assert (object_state()[0], Image.objects.count()) == ("waiting", 0)
    read(bucket)
    assert Image.objects.count() == 1


def test_object_claimed_by_a_dead_worker_is_claimed_again(bucket, s3):
    s3.put(KEY, pictures.jpeg())
    hear(KEY)
    assert object_reader.claim(bucket.pk) is not None
    assert (object_reader.claim(bucket.pk), object_reader.due_buckets()) == (None, [])
    read(bucket)
    assert Image.objects.count() == 1


def test_clock_set_back_by_two_hours_stops_no_import(bucket, s3):
    s3.put(KEY, pictures.jpeg())
    hear(KEY)
    ahead = Now() + timedelta(hours=2)
    BucketObject.objects.update(next_attempt_at=ahead)
    Bucket.objects.update(paused_until=ahead, sync_claimed_until=ahead)
    assert object_reader.due_buckets() == [bucket.pk]
    tasks.import_bucket_objects(bucket_id=bucket.pk)
    assert object_state()[0] == "present"
    assert [page.counts.unchanged for page in sync.sync(bucket, options=sync.SyncOptions())][-1] == 1


def test_lease_delay_and_pause_still_hold(bucket, s3):
    s3.put(KEY, pictures.jpeg())
    hear(KEY)
    for values in ({"paused_until": Now() + object_reader.PAUSE}, {"paused_until": None}):
        BucketObject.objects.update(next_attempt_at=Now() if values["paused_until"] else Now() + leases.MAX_DELAY)
        Bucket.objects.update(**values)
        assert object_reader.due_buckets() == []
    Bucket.objects.update(sync_claimed_until=Now() + sync.LEASE)
    with pytest.raises(sync.SyncRunning):
        list(sync.sync(bucket, options=sync.SyncOptions()))


def test_version_is_saved_and_compared(bucket, s3):
    s3.put(KEY, pictures.jpeg())
    s3.versions[KEY] = "v7"
    hear(KEY)
    read(bucket)
    image = Image.objects.get()
    assert image.version_id == "v7"
    assert hear(KEY, etag=s3.etag(KEY), version="v7") == set()
    assert hear(KEY, etag=s3.etag(KEY), version="v8") == {bucket.pk}


def test_replaced_original_is_not_read_as_the_examined_one(bucket, s3):
    s3.put(KEY, pictures.jpeg())
    hear(KEY)
    read(bucket)
    image = Image.objects.get()
    s3.put(KEY, pictures.jpeg(seed=2))
    with pytest.raises(blobs.StorageError, match=r"has changed and will be imported again soon"):
        originals.get(image)
    s3.delete(KEY)
    with pytest.raises(blobs.BlobMissing, match="no longer has"):
        originals.get(image)


def test_offset_beyond_the_file_is_refused_and_the_import_continues(bucket, s3, pictures_folder):
    """Large files go to disk, where the offset of a damaged BigTIFF is refused."""
    s3.put("far.tif", raw_bytes.big_tiff(1, at=2**63 - 1) + bytes(originals.IN_MEMORY))
    s3.put("good.jpg", pictures.jpeg())
    hear("far.tif")
    hear("good.jpg")
    read(bucket)
    assert object_state("far.tif") == (
        "refused",
        "broken",
        "this TIFF is damaged and cannot be read; copy or send it again",
    )
    assert object_state("good.jpg") == ("present", "", "")
