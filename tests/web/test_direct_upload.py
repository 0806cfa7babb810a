"""Direct uploads: owner, lifetime, checks and results."""

from __future__ import annotations

import base64
import hashlib
import json
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from django.contrib.auth.models import Group
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db.models.functions import Now
from django.urls import reverse
from django.utils import timezone

from analysis import leases, tasks
from analysis.ingest import decoding_service
from analysis.library import uploads
from analysis.library_audit.audit import overdue_blobs
from analysis.models import Analysis, Image, PendingBlob, Upload
from analysis.storage import blobs
from tests import pictures
from tests.factories import create_image
from tests.process_helpers import one_more_file
from tests.web.pages import Page
from tests.web.test_upload import files_in, outcomes

pytestmark = pytest.mark.django_db
PICTURE = pictures.jpeg()


@pytest.fixture
def browser(owner, signed_in):
    return signed_in(owner)


def ask(browser, content: bytes = PICTURE, name="dog.jpg", **fields) -> dict:
    return browser.post(reverse("uploads"), {"name": name, "size": len(content), **fields}).json()


def send(browser, grant: dict, content: bytes = PICTURE):
    return browser.post(grant["url"], {**grant["fields"], "file": SimpleUploadedFile("x", content)})


def page_of(answer) -> Page:
    return Page(answer)


def test_upload_becomes_a_picture_and_leaves_nothing_behind(browser, owner, pictures_folder):
    grant = ask(browser, sha256=hashlib.sha256(PICTURE).hexdigest())
    assert send(browser, grant).status_code == 204
    page = page_of(browser.post(grant["complete"]))
    image = Image.objects.get()
    assert (outcomes(page), page.links["dog.jpg"]) == (["stored"], f"/images/{image.pk}/")
    assert (image.owner, image.sha256) == (owner, hashlib.sha256(PICTURE).hexdigest())
    assert Analysis.objects.filter(image=image, state="queued").exists()
    assert len(files_in(pictures_folder)) == 3
    assert Upload.objects.values_list("state", "image").get() == ("taken", image.pk)


def test_folder_of_an_upload_is_kept(browser, owner):
    grant = ask(browser, folder="Holidays/100%_📷/../x" + "y" * 2000)
    send(browser, grant)
    browser.post(grant["complete"])
    assert Image.objects.get().folder.path == "Holidays/100%_📷"
    assert Image.objects.get().folder.owner == owner


@pytest.mark.parametrize(
    ("modified", "taken", "source"),
    [
        ("2019-04-12T16:30:00+02:00", "2019-04-12 16:30", "file"),
        ("1980-01-01T00:00:00+00:00", None, ""),
        ("next Tuesday", None, ""),
        ("2019-04-12T16:30:00.000000000000000000+02:00", None, ""),
    ],
)
def test_date_of_the_file_is_the_date_taken_if_plausible(browser, modified, taken, source):
    grant = ask(browser, modified=modified)
    send(browser, grant)
    browser.post(grant["complete"])
    image = Image.objects.get()
    assert (image.taken_at and f"{image.taken_at:%Y-%m-%d %H:%M}", image.taken_source) == (taken, source)
    text = page_of(browser.get(reverse("image", args=[image.pk]))).text
    assert ("12 April 2019, 16:30 (date of the file)" in text) is (source == "file")


def test_folder_is_added_to_a_present_picture_without_one(browser, owner):
    image = create_image(owner, sha256=hashlib.sha256(PICTURE).hexdigest())
    blobs.put(image.key, PICTURE)
    for folder in ("first/folder", "second"):
        ask(browser, sha256=image.sha256, folder=folder)
    assert Image.objects.get().folder.path == "first/folder"


def test_completing_twice_changes_nothing(browser):
    grant = ask(browser)
    send(browser, grant)
    first, again = (outcomes(page_of(browser.post(grant["complete"]))) for _ in range(2))
    assert (first, again, Image.objects.count()) == (["stored"], ["stored"], 1)


def test_present_picture_is_not_sent_again(browser, owner):
    image = create_image(owner, sha256=hashlib.sha256(PICTURE).hexdigest())
    blobs.put(image.key, PICTURE)
    row = ask(browser, sha256=image.sha256)["row"]
    assert 'data-outcome="duplicate"' in row
    assert f"/images/{image.pk}/" in row
    grant = ask(browser)  # without saying what it is
    send(browser, grant)
    assert outcomes(page_of(browser.post(grant["complete"]))) == ["duplicate"]


def test_picture_in_the_trash_is_not_sent_and_can_be_restored(browser, owner):
    image = create_image(owner, sha256=hashlib.sha256(PICTURE).hexdigest(), trashed_at=timezone.now())
    blobs.put(image.key, PICTURE)
    restore = f'<form method="post" action="{reverse("restore", args=[image.pk])}">'
    row = ask(browser, sha256=image.sha256)["row"]
    assert ('data-outcome="trashed"' in row, restore in row, "csrfmiddlewaretoken" in row) == (True, True, True)
    grant = ask(browser)  # without saying what it is
    send(browser, grant)
    assert outcomes(page_of(browser.post(grant["complete"]))) == ["trashed"]
    assert Image.objects.count() == 1


@pytest.mark.parametrize("is_named", [True, False], ids=["by its hash", "by its bytes"])
def test_original_that_the_storage_has_lost_is_stored_again(browser, owner, pictures_folder, is_named):
    send(browser, first := ask(browser))
    browser.post(first["complete"])
    image = Image.objects.get()
    blobs.remove(image.key)
    again = ask(browser, sha256=image.sha256) if is_named else ask(browser)
    send(browser, again)
    assert outcomes(page_of(browser.post(again["complete"]))) == ["duplicate"]
    with blobs.get(Image.objects.get().key) as original:
        assert original.read() == PICTURE
    assert not PendingBlob.objects.filter(key=Image.objects.get().key).exists()


def test_hash_of_anothers_picture_is_not_recognized(browser, colleague):
    create_image(colleague, sha256="a" * 64)
    assert "row" not in ask(browser, sha256="a" * 64)


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"size": 0}, "the file is empty"),
        ({"size": "many"}, "the file is empty"),
        ({"size": 101 * 1000**2}, "101 MB is over the limit of 100 MB"),
    ],
)
def test_invalid_file_gets_no_upload(browser, fields, sentence):
    assert sentence in ask(browser, **fields)["row"]
    assert not Upload.objects.exists()


@pytest.mark.parametrize(
    ("arrived", "fields", "sentence"),
    [
        (
            PICTURE + b"more",
            {},
            f"{len(PICTURE) + 4:,} bytes of {len(PICTURE):,} bytes arrived; please send it again",
        ),
        (PICTURE, {"sha256": "a" * 64}, "the file was corrupted in transit; please send it again"),
        (b"Dear diary, today", {"size": 17}, "this is text, not a picture"),
        (None, {}, "no bytes arrived; please send it again"),
    ],
)
def test_received_bytes_are_checked(browser, pictures_folder, arrived, fields, sentence):
    grant = ask(browser, **fields)
    if arrived is not None:
        send(browser, grant, arrived)
    page = page_of(browser.post(grant["complete"]))
    assert (outcomes(page), sentence in page.text) == (["refused"], True)
    assert (Image.objects.count(), files_in(pictures_folder)) == (0, [])


def test_format_is_read_from_the_content(browser):
    content = pictures.every_format()["png"]
    grant = ask(browser, content, name="photo.jpg")
    send(browser, grant, content)
    browser.post(grant["complete"])
    assert Image.objects.get().format == "png"


def test_upload_of_another_person_is_not_found(browser, colleague, signed_in):
    grant, other = ask(browser), signed_in(colleague)
    for answer in (send(other, grant), other.post(grant["complete"])):
        assert (answer.status_code, answer.content.decode()) == (404, "Unknown upload. Please send the file again.")
    send(browser, grant)
    assert other.get(reverse("upload-states"), {"id": str(Upload.objects.get().pk)}).content.strip() == b""
    assert browser.post(reverse("upload-complete", args=[uuid4()])).status_code == 404


@pytest.mark.parametrize("lost", ["group", "account"])
def test_right_lost_since_the_upload_was_permitted(browser, owner, pictures_folder, lost):
    early, late = ask(browser), ask(browser)
    assert send(browser, early).status_code == 204
    if lost == "group":
        owner.groups.add(Group.objects.get_or_create(name="viewer")[0])
        assert send(browser, late).status_code == 403
    else:
        owner.is_active = False
        owner.save()
    Upload.objects.filter(pk=UUID(early["complete"].split("/")[-3])).update(state="arrived")
    tasks.check_uploads()
    rejected = Upload.objects.exclude(state="issued").get()
    assert (rejected.state, rejected.reason) == ("refused", "this account can no longer upload")
    assert (Image.objects.count(), files_in(pictures_folder)) == (0, [])


def test_expired_upload_is_rejected_and_its_bytes_are_deleted(browser, pictures_folder):
    grant = ask(browser)
    send(browser, grant)
    Upload.objects.update(expires_at=Now() - timedelta(hours=1))
    for answer in (send(browser, grant), browser.post(grant["complete"])):
        assert answer.status_code == 410
        assert answer.content.decode() == "This upload expired. Please send the file again."
    tasks.delete_expired()
    assert len(files_in(pictures_folder)) == 1  # its time as a blob is not over yet
    PendingBlob.objects.update(since=Now() - timedelta(hours=2))
    Upload.objects.update(expires_at=Now() - timedelta(days=2))
    tasks.delete_expired()
    assert (files_in(pictures_folder), Upload.objects.count(), PendingBlob.objects.count()) == ([], 0, 0)


@pytest.mark.parametrize("state", ["issued", "arrived"])
def test_pending_upload_is_not_deleted(browser, state):
    """The person is slow, or the workers were away."""
    send(browser, ask(browser))
    PendingBlob.objects.update(since=Now() - timedelta(hours=3))
    Upload.objects.update(state=state)
    if state == "arrived":
        Upload.objects.update(expires_at=Now() - timedelta(hours=2))
    tasks.delete_expired()
    assert list(overdue_blobs()) == []  # nor does an audit miss its deletion
    browser.post(reverse("upload-complete", args=[Upload.objects.get().pk]))
    tasks.check_uploads()
    assert Upload.objects.values_list("state", "reason").get() == ("taken", "")


def test_upload_accepts_one_file(browser):
    grant = ask(browser)
    send(browser, grant)
    browser.post(grant["complete"])
    answer = send(browser, grant, pictures.jpeg(seed=2))
    assert (answer.status_code, answer.content.decode()) == (
        409,
        "This file was already uploaded. Start a new upload to send it again.",
    )
    assert outcomes(page_of(browser.post(grant["complete"]))) == ["stored"]
    assert Image.objects.get().sha256 == hashlib.sha256(PICTURE).hexdigest()


def test_request_without_a_file_is_rejected(browser):
    answer = browser.post(ask(browser)["url"])
    assert (answer.status_code, answer.content.decode()) == (400, "The file did not arrive. Upload it again.")


def test_storage_error_can_be_retried(browser, pictures_folder):
    pictures_folder.mkdir(exist_ok=True)
    (pictures_folder / "uploads").write_text("a file where the folder should be")
    answer = send(browser, ask(browser))
    assert answer.status_code == 507
    assert "The file could not be stored" in answer.content.decode()


@pytest.mark.parametrize("number", [1, 3])
def test_states_take_five_queries(browser, owner, number, django_assert_num_queries):
    ids = []
    for seed in range(number):
        content = pictures.jpeg(seed=seed)
        grant = ask(browser, content)
        send(browser, grant, content)
        browser.post(grant["complete"])
    ids = [str(pk) for pk in Upload.objects.values_list("pk", flat=True)]
    with django_assert_num_queries(5):  # session, person, uploads, labels, states
        page = page_of(browser.get(reverse("upload-states"), {"id": ids}))
    assert outcomes(page) == ["stored"] * number


# --- Past the web server ---


@pytest.fixture
def in_s3(settings, monkeypatch):
    """Leave is given for S3; nothing is sent there."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    encryption = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": "alias/pictures"}
    options = {"bucket_name": "pictures", "region_name": "eu-central-1", "location": "library"}
    settings.STORAGES = {
        **settings.STORAGES,
        "default": {
            "BACKEND": "analysis.storage.s3.SharedS3Storage",
            "OPTIONS": {**options, "encryption": encryption},
        },
    }


def test_presigned_form_restricts_key_size_type_and_time(browser, in_s3, settings):
    grant = ask(browser)
    ticket = Upload.objects.get()
    assert grant["url"] == "https://pictures.s3.eu-central-1.amazonaws.com/"
    policy = json.loads(base64.b64decode(grant["fields"]["policy"]))
    conditions = [
        condition
        for condition in policy["conditions"]
        if "x-amz-credential" not in condition and "x-amz-date" not in condition
    ]
    assert conditions == [
        {"Content-Type": "application/octet-stream"},
        {"x-amz-server-side-encryption": "aws:kms"},
        {"x-amz-server-side-encryption-aws-kms-key-id": "alias/pictures"},
        ["content-length-range", len(PICTURE), len(PICTURE)],
        {"bucket": "pictures"},
        {"key": f"library/uploads/{ticket.key.removeprefix('uploads/')}"},
        {"x-amz-algorithm": "AWS4-HMAC-SHA256"},
    ]
    named = {name for condition in policy["conditions"] if isinstance(condition, dict) for name in condition}
    assert set(grant["fields"]) - {"policy", "x-amz-signature"} == named - {"bucket"}
    assert ticket.expires_at - ticket.issued_at == timedelta(seconds=settings.UPLOAD_TICKET_SECONDS)
    assert "dog" not in grant["fields"]["key"]


def test_upload_to_s3_is_checked_by_a_worker(browser, in_s3):
    grant = ask(browser)
    page = page_of(browser.post(grant["complete"]))
    row = page.all("li", "upload-row")[0]
    ticket = Upload.objects.get()
    assert (row["data-outcome"], row["data-ticket"], ticket.state) == ("checking", str(ticket.pk), "arrived")
    assert browser.get(reverse("upload-states"), {"id": str(ticket.pk)}).content.strip() == b""
    assert uploads.is_due()


def test_upload_that_crashes_workers_is_rejected(browser, pictures_folder):
    send(browser, ask(browser))
    Upload.objects.update(state="arrived")
    for _ in range(leases.MAX_ATTEMPTS):
        assert uploads.claim()  # and then the claiming worker is gone
        Upload.objects.update(next_attempt_at=Now() - timedelta(seconds=1))
    tasks.check_uploads()
    reason = "every worker that tried to check it stopped unexpectedly"
    assert Upload.objects.values_list("state", "reason", "may_retry").get() == ("refused", reason, False)
    assert (Image.objects.count(), files_in(pictures_folder)) == (0, [])


@pytest.mark.parametrize("strange", ["0" * 36, "-" * 36, "x", ""])
def test_invalid_id_has_no_state(browser, strange):
    answer = browser.get(reverse("upload-states"), {"id": strange})
    assert (answer.status_code, answer.content.strip()) == (200, b"")


def test_storage_event_completes_an_upload(browser, in_s3):
    ask(browser)
    key = Upload.objects.get().key
    assert uploads.mark_uploaded_by_key([key, blobs.original_key(".jpg")]) == 1
    assert uploads.mark_uploaded_by_key([key]) == 0
    assert Upload.objects.get().state == "arrived"


def test_sidecar_sent_with_the_ticket_is_read(browser):
    grant = ask(browser, sidecar=SimpleUploadedFile("dog.xmp", pictures.dated_xmp()))
    send(browser, grant)
    assert outcomes(page_of(browser.post(grant["complete"]))) == ["stored"]
    image = Image.objects.get()
    assert (f"{image.taken_at:%Y-%m-%d %H:%M}", image.taken_offset) == ("2021-06-05 23:30", 120)
    assert (image.latitude, image.longitude) == (47.5583333, -13.6416667)


@pytest.mark.parametrize("packet", [pictures.full_xmp() + b" " * 2**20, b"<a", b"<!DOCTYPE x>"])
def test_sidecar_that_is_too_large_or_no_xmp_costs_only_itself(browser, packet):
    grant = ask(browser, sidecar=SimpleUploadedFile("dog.xmp", packet))
    send(browser, grant)
    assert outcomes(page_of(browser.post(grant["complete"]))) == ["stored"]
    assert Image.objects.get().title == ""


def test_slow_worker_does_not_reject_an_upload_that_another_one_added(browser, owner, pictures_folder):
    """Its lease had expired, and the other worker deleted the bytes."""
    grant = ask(browser)
    send(browser, grant)
    Upload.objects.update(state="arrived")
    slow = uploads.claim()
    Upload.objects.update(next_attempt_at=Now() - timedelta(seconds=1))
    tasks.check_uploads()
    with uploads.failures_recorded(slow), uploads.open_examined(slow):
        pass
    assert Upload.objects.values_list("state", "image__filename").get() == ("taken", "dog.jpg")


def test_upload_is_checked_again_if_no_decoder_could_be_started(browser, owner, pictures_folder):
    send(browser, ask(browser))
    Upload.objects.update(state="arrived")
    decoding_service.close()
    with one_more_file():
        tasks.check_uploads()
    assert Upload.objects.values_list("state", "attempts").get() == ("arrived", 1)
    Upload.objects.update(next_attempt_at=Now() - timedelta(seconds=1))
    tasks.check_uploads()
    assert Upload.objects.values_list("state", flat=True).get() == "taken"
