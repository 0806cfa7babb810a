"""The same code with pictures in S3, over HTTP."""

import hashlib
import io
import urllib.request
from datetime import timedelta

import pytest
from botocore.stub import Stubber
from django.db.models.functions import Now
from django.urls import reverse

from analysis import pipeline, tasks
from analysis.library import removal
from analysis.models import Image, PendingBlob, Upload
from analysis.storage import blobs, renditions
from tests import pictures
from tests.factories import label_rows, labels_answer

pytestmark = pytest.mark.django_db
GONE = "S3 PutObject in the bucket elsewhere: NoSuchBucket; correct AWS_STORAGE_BUCKET_NAME, or create the bucket."


def keys(bucket) -> set[str]:
    return {item["Key"] for item in bucket.list_objects_v2(Bucket="pictures").get("Contents", [])}


def receive(owner) -> Image:
    return pipeline.ingest_file(io.BytesIO(pictures.jpeg()), name="dog.jpg", owner_id=owner.pk).image


def test_image_is_added_analyzed_and_found_in_s3(owner, rekognition, bucket):
    rekognition.answers = [labels_answer(Dog=98)]
    image = receive(owner)
    assert keys(bucket) == {image.key, *(blobs.rendition_key(image.renditions_id, name) for name in blobs.RENDITIONS)}
    tasks.run_recognition(recognizer="rekognition", api="labels")
    assert label_rows(image) == {"Dog": 98}
    with renditions.read(image, "thumb") as thumb:
        assert thumb.read()[8:12] == b"WEBP"


def test_part_of_an_object_is_read_without_the_rest(bucket):
    blobs.put("renditions/aa/part.bin", b"0123456789")
    assert blobs.read_range("renditions/aa/part.bin", start=3, length=4) == b"3456"
    assert blobs.read_range("renditions/aa/part.bin", start=8, length=64) == b"89"
    with pytest.raises(blobs.BlobMissing):
        blobs.read_range("renditions/aa/none.bin", start=0, length=1)


def test_deleted_image_deletes_its_objects(owner, rekognition, bucket, django_capture_on_commit_callbacks):
    image = receive(owner)
    with django_capture_on_commit_callbacks(execute=True):
        removal.remove_image(image)
    assert keys(bucket) == set()


def test_missing_original_differs_from_a_denied_one(owner, rekognition, bucket):
    image = receive(owner)
    bucket.delete_object(Bucket="pictures", Key=image.key)
    with pytest.raises(blobs.BlobMissing, match=image.key):
        blobs.get(image.key)


def by_themselves(settings) -> None:
    """Browsers fetch what they show and save from the storage."""
    options = {**settings.STORAGES["default"]["OPTIONS"], "url_seconds": 3_600}
    settings.STORAGES = {**settings.STORAGES, "default": {**settings.STORAGES["default"], "OPTIONS": options}}


def test_original_is_downloaded_from_its_bucket(owner, colleague, rekognition, bucket, signed_in, settings):  # noqa: PLR0917
    by_themselves(settings)
    image = receive(owner)
    Image.objects.update(filename='d\u00f6g "x".jpg')
    path = reverse("original", args=[image.pk])
    redirect = signed_in(owner).get(path)
    assert (redirect.status_code, redirect.url.partition("?")[0].endswith(f"/pictures/{image.key}")) == (302, True)
    with urllib.request.urlopen(redirect.url) as answer:
        assert answer.read() == pictures.jpeg()
        assert answer.headers["Content-Disposition"] == "attachment; filename*=utf-8''d%C3%B6g%20%22x%22.jpg"
        assert answer.headers["Content-Type"] == "application/octet-stream"
    assert signed_in(colleague).get(path).status_code == 404


def test_missing_original_is_not_redirected_to(owner, rekognition, bucket, signed_in, settings):
    by_themselves(settings)
    image = receive(owner)
    bucket.delete_object(Bucket="pictures", Key=image.key)
    answer = signed_in(owner).get(reverse("original", args=[image.pk]))
    assert (answer.status_code, f"The storage has no file {image.key}." in answer.content.decode()) == (404, True)


def test_missing_bucket_refuses_the_image_and_leaves_nothing(owner, rekognition, bucket, settings):
    options = {**settings.STORAGES["default"]["OPTIONS"], "bucket_name": "elsewhere"}
    settings.STORAGES = {**settings.STORAGES, "default": {**settings.STORAGES["default"], "OPTIONS": options}}
    with pytest.raises(blobs.StorageError, match=GONE):
        receive(owner)
    assert not Image.objects.exists()
    assert not PendingBlob.objects.exists()


def test_unreachable_endpoint_is_reported(owner, rekognition, bucket, settings):
    options = {**settings.STORAGES["default"]["OPTIONS"], "endpoint_url": "http://127.0.0.1:9"}
    settings.STORAGES = {**settings.STORAGES, "default": {**settings.STORAGES["default"], "OPTIONS": options}}
    with pytest.raises(blobs.StorageError, match="Could not connect to the endpoint URL"):
        receive(owner)
    assert not Image.objects.exists()
    assert PendingBlob.objects.count() == 3  # the sweeper looks again when the endpoint is back


@pytest.mark.parametrize(
    ("code", "sentence"),
    [
        ("AccessDenied", "run manage.py check_aws to find the missing permission"),
        ("ExpiredToken", "renew the credentials, and check the clock"),
        ("PermanentRedirect", "set AWS_REGION to the bucket's region"),
        ("SlowDown", "S3 is throttling requests, try again in a moment"),
    ],
)
def test_bucket_error_names_the_cause(owner, rekognition, bucket, code, sentence):
    with Stubber(blobs.storage().connection.meta.client) as s3:
        s3.add_client_error("put_object", code, http_status_code=403)
        with pytest.raises(blobs.StorageError) as raised:
            blobs.put("originals/aa/a.jpg", b"x")
    expected = f"The file could not be stored: S3 PutObject in the bucket pictures: {code}; {sentence}."
    assert str(raised.value) == expected


@pytest.fixture
def aws_bucket(bucket, s3_address, settings, monkeypatch):
    """As at AWS: no endpoint in the settings, in Rekognition's region."""
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", s3_address)
    options = {"bucket_name": "pictures", "region_name": "eu-central-1", "location": "library"}
    settings.STORAGES = {**settings.STORAGES, "default": {**settings.STORAGES["default"], "OPTIONS": options}}
    return bucket


def test_rekognition_reads_an_upright_original_from_s3(owner, rekognition, aws_bucket, settings):
    settings.REKOGNITION_READS_BUCKET = True
    rekognition.answers = [labels_answer(Dog=98)]
    image = receive(owner)
    tasks.run_recognition(recognizer="rekognition", api="labels")
    assert [request["Image"] for request in rekognition.requests] == [
        {"S3Object": {"Bucket": "pictures", "Name": f"library/{image.key}"}}
    ]
    assert f"library/{image.key}" in keys(aws_bucket)
    assert label_rows(image) == {"Dog": 98}


def post(grant: dict, content: bytes) -> int:
    """As a browser does it, from the fields of the leave; the file is the last one."""
    parts = [
        f'--cut\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in grant["fields"].items()
    ]
    head = "".join(parts) + '--cut\r\nContent-Disposition: form-data; name="file"; filename="x"\r\n\r\n'
    body = head.encode() + content + b"\r\n--cut--\r\n"
    params = urllib.request.Request(grant["url"], body, {"Content-Type": "multipart/form-data; boundary=cut"})
    with urllib.request.urlopen(params) as answer:
        return answer.status


def grant_for(browser, content: bytes) -> dict:
    return browser.post(reverse("uploads"), {"name": "dog.jpg", "size": len(content)}).json()


def test_direct_upload_is_validated_by_a_worker(owner, rekognition, bucket, signed_in):
    browser, content = signed_in(owner), pictures.jpeg()
    grant = grant_for(browser, content)
    assert post(grant, content) == 204
    assert b'data-outcome="checking"' in browser.post(grant["complete"]).content
    tasks.check_uploads()
    image = Image.objects.get()
    assert keys(bucket) == {image.key, *(blobs.rendition_key(image.renditions_id, name) for name in blobs.RENDITIONS)}
    stored = bucket.get_object(Bucket="pictures", Key=image.key)
    assert (stored["Body"].read(), stored["ContentType"]) == (content, "application/octet-stream")
    assert stored["CacheControl"] == "private, max-age=31536000, immutable"
    ticket = Upload.objects.get()
    row = browser.get(reverse("upload-states"), {"id": str(ticket.pk)}).content.decode()
    assert (ticket.state, f'data-ticket="{ticket.pk}"' in row, 'data-outcome="stored"' in row) == ("taken", True, True)


def test_upload_larger_than_declared_is_refused(owner, rekognition, bucket, signed_in):
    browser, content = signed_in(owner), pictures.jpeg()
    grant = grant_for(browser, content)
    post(grant, content + b"more")  # moto does not look at the policy
    browser.post(grant["complete"])
    tasks.check_uploads()
    ticket = Upload.objects.get()
    assert (ticket.state, ticket.may_retry) == ("refused", True)
    assert ticket.reason == f"{len(content) + 4:,} bytes of {len(content):,} bytes arrived; please send it again"
    assert keys(bucket) == set()


def test_upload_replaced_during_validation_is_not_copied(owner, rekognition, bucket, signed_in):
    """The copy request names the ETag of the bytes that were read."""
    content = pictures.jpeg()
    grant = grant_for(signed_in(owner), content)
    post(grant, content)
    key = grant["fields"]["key"]
    with blobs.get(key) as read, Stubber(blobs.storage().connection.meta.client) as s3:
        params = {
            "Bucket": "pictures",
            "Key": "originals/aa/a.jpg",
            "CopySource": {"Bucket": "pictures", "Key": key},
            "CopySourceIfMatch": f'"{hashlib.md5(content).hexdigest()}"',
            "MetadataDirective": "REPLACE",
            "ContentType": "application/octet-stream",
            "CacheControl": "private, max-age=31536000, immutable",
        }
        s3.add_client_error("copy_object", "PreconditionFailed", http_status_code=412, expected_params=params)
        with pytest.raises(blobs.StorageError, match="PreconditionFailed"):
            blobs.copy_upload("originals/aa/a.jpg", read, uploaded_key=key)


def test_uncompleted_upload_is_swept(owner, rekognition, bucket, signed_in):
    browser, content = signed_in(owner), pictures.jpeg()
    post(grant_for(browser, content), content)
    PendingBlob.objects.update(since=Now() - timedelta(hours=2))
    tasks.delete_expired()
    assert len(keys(bucket)) == 1  # its ticket still holds
    Upload.objects.update(expires_at=Now() - timedelta(hours=2))
    tasks.delete_expired()
    assert keys(bucket) == set()
