"""Deleting originals and their versions in S3."""

import pytest

from analysis import pipeline
from analysis.aws import s3_objects
from analysis.health.storage import check_original_deletions
from analysis.models import AuditedImages, AuditEntry, Bucket, Image, OriginalDeletion, PendingBlob
from analysis.storage import blobs
from tests.factories import create_bucket, create_bucket_image
from tests.moto_server import moto_server

pytestmark = pytest.mark.django_db
KEY = "2024/dog.jpg"


@pytest.fixture(scope="module")
def s3_address():
    with moto_server() as address:
        yield address


@pytest.fixture
def client(s3_address, monkeypatch):
    import boto3

    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", s3_address)
    s3_objects.reset()
    client = boto3.session.Session().client("s3", region_name="us-east-1", endpoint_url=s3_address)
    yield client
    client.close()
    s3_objects.reset()


@pytest.fixture
def photos(client, owner, request):
    """A bucket with versions that may be changed; its name is the test's."""
    name = request.node.name.replace("_", "-").partition("[")[0][-60:].strip("-")
    client.create_bucket(Bucket=name)
    client.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    return create_bucket(owner, name=name, may_delete=True)


def put(client, bucket: Bucket, content: bytes, key: str = KEY) -> dict[str, str]:
    """The fields of a picture with this object."""
    response = client.put_object(Bucket=bucket.name, Key=key, Body=content)
    return {"etag": response["ETag"].strip('"'), "version_id": response.get("VersionId", "")}


def contents(client, bucket: Bucket) -> list[bytes]:
    """All versions that are left, the latest first; b"" for a marker of a deletion."""
    response = client.list_object_versions(Bucket=bucket.name)
    versions = [
        client.get_object(Bucket=bucket.name, Key=item["Key"], VersionId=item["VersionId"])["Body"].read()
        for item in response.get("Versions", [])
    ]
    return versions + [b""] * len(response.get("DeleteMarkers", []))


def delete(image: Image, owner) -> None:
    assert pipeline.delete_now(Image.objects.filter(pk=image.pk), by_id=owner.pk) == 1
    assert not pipeline.delete_originals()


def test_all_versions_of_the_picture_are_deleted(client, photos, owner):
    put(client, photos, b"earlier")
    image = create_bucket_image(photos, KEY, **put(client, photos, b"dog"))
    put(client, photos, b"neighbor", key=f"{KEY}.bak")
    delete(image, owner)
    assert contents(client, photos) == [b"neighbor"]
    assert not OriginalDeletion.objects.exists()
    entries = AuditEntry.objects.order_by("pk")
    assert [(entry.action, entry.object_id) for entry in entries] == [("delete", None), ("delete_original", image.pk)]
    assert entries[1].details == {"key": KEY, "versions": 2}


def test_newer_file_of_the_key_stays(client, photos, owner):
    image = create_bucket_image(photos, KEY, **put(client, photos, b"dog"))
    put(client, photos, b"not imported yet")
    delete(image, owner)
    assert contents(client, photos) == [b"not imported yet"]


def test_marker_of_an_earlier_deletion_goes_too(client, photos, owner):
    image = create_bucket_image(photos, KEY, **put(client, photos, b"dog"))
    client.delete_object(Bucket=photos.name, Key=KEY)
    delete(image, owner)
    assert contents(client, photos) == []


def test_version_of_another_picture_stays(client, photos, owner):
    first = put(client, photos, b"first")
    Image.objects.filter(pk=create_bucket_image(photos, KEY, **first).pk).update(title="other")
    second = create_bucket_image(photos, f"{KEY}.new", **put(client, photos, b"second"))
    Image.objects.filter(pk=second.pk).update(key=KEY)
    delete(second, owner)
    assert contents(client, photos) == [b"first"]


def test_without_versioning_only_the_examined_file_is_deleted(client, owner):
    client.create_bucket(Bucket="plain")
    plain = create_bucket(owner, name="plain", may_delete=True)
    image = create_bucket_image(plain, KEY, **put(client, plain, b"dog"))
    replaced = create_bucket_image(plain, "cat.jpg", **put(client, plain, b"cat", key="cat.jpg"))
    put(client, plain, b"another", key="cat.jpg")
    for row in (image, replaced):
        delete(row, owner)
    assert contents(client, plain) == [b"another"]


def test_bucket_that_does_not_allow_it_keeps_its_files(client, photos, owner):
    Bucket.objects.update(may_delete=False)
    image = create_bucket_image(photos, KEY, **put(client, photos, b"dog"))
    delete(image, owner)
    assert contents(client, photos) == [b"dog"]
    assert [receipt["original"] for receipt in AuditedImages.objects.get().receipts] == ["kept"]


def test_failure_is_tried_again_and_recorded_at_last(client, photos, owner):
    image = create_bucket_image(photos, KEY, **put(client, photos, b"dog"))
    Bucket.objects.filter(pk=photos.pk).update(name="not-there")
    delete(image, owner)
    row = OriginalDeletion.objects.get()
    assert (row.attempts, "NoSuchBucket" in row.error) == (1, True)
    OriginalDeletion.objects.update(attempts=4, next_attempt_at="2026-01-01T00:00Z")
    pipeline.delete_originals()
    failed = AuditEntry.objects.get(action="delete_original")
    assert "NoSuchBucket" in failed.details["error"]
    Bucket.objects.filter(pk=photos.pk).update(name=photos.name)
    OriginalDeletion.objects.update(next_attempt_at="2026-01-01T00:00Z")
    pipeline.delete_originals()
    assert contents(client, photos) == []


@pytest.fixture
def versioned_storage(client, s3_address, settings):
    client.create_bucket(Bucket="storage")
    client.put_bucket_versioning(Bucket="storage", VersioningConfiguration={"Status": "Enabled"})
    options = {"bucket_name": "storage", "region_name": "us-east-1", "endpoint_url": s3_address, "location": "below"}
    backend = {"BACKEND": "analysis.storage.s3.SharedS3Storage", "OPTIONS": options}
    settings.STORAGES = {**settings.STORAGES, "default": backend}


def test_files_in_our_storage_go_with_their_versions(client, versioned_storage):
    keys = [f"originals/aa/{number}.jpg" for number in range(3)]
    blobs.register_pending(keys)
    for key in keys:
        blobs.put(key, b"dog")
    blobs.remove(keys[0])  # a marker alone, as left by a deletion in S3's console
    blobs.put("originals/aa/1.jpg.other", b"cat")
    blobs.delete_pending(keys)
    response = client.list_object_versions(Bucket="storage")
    assert [item["Key"] for item in response.get("Versions", [])] == ["below/originals/aa/1.jpg.other"]
    assert response.get("DeleteMarkers", []) == []
    assert not PendingBlob.objects.exists()


def test_doctor_names_originals_that_stay(owner):
    assert list(check_original_deletions()) == []
    bucket = create_bucket(owner)
    fields = {"bucket": bucket, "key": KEY, "image_id": 1, "filename": "dog.jpg"}
    OriginalDeletion.objects.create(**fields, attempts=1, error="SlowDown")
    OriginalDeletion.objects.create(**fields, attempts=5, error="AccessDenied")
    [finding] = check_original_deletions()
    assert (finding.subject, finding.sentence) == (
        "original deletions",
        "1 original of a deleted picture could not be deleted from its bucket: photos: AccessDenied",
    )
