"""One module locates originals, without moving them."""

import resource
from urllib.parse import parse_qs, unquote, urlsplit

import pytest

from analysis.aws.object_refs import S3Object
from analysis.curation import trash
from analysis.library import removal
from analysis.models import BucketObject, Image
from analysis.storage import blobs, originals
from tests.factories import create_bucket, create_bucket_image, create_image

pytestmark = pytest.mark.django_db
KEY = "one.jpg"


def test_rekognition_may_fetch_what_lies_in_its_region(owner, monkeypatch):
    image = create_bucket_image(create_bucket(owner, region="eu-central-1"), "a b/ü.jpg", version_id="v1")
    assert originals.reference(image, region="eu-central-1") == S3Object("photos", "a b/ü.jpg", "v1")
    assert originals.reference(image, region="us-east-1") is None
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:9")
    assert originals.reference(image, region="eu-central-1") is None


def test_original_in_a_bucket_is_downloaded_from_there(owner, s3, settings):
    s3.put("a b/ü.jpg", b"x")
    bucket = create_bucket(owner)
    image = create_bucket_image(bucket, "a b/ü.jpg", etag=s3.etag("a b/ü.jpg"), version_id="v7")
    assert originals.download_url(image) is None  # where our own storage is a folder, everything goes through us
    options = {"bucket_name": "pictures", "region_name": "us-east-1", "url_seconds": 3_600}
    settings.STORAGES = {"default": {"BACKEND": "analysis.storage.s3.SharedS3Storage", "OPTIONS": options}}
    parts = urlsplit(originals.download_url(image))
    parameters = parse_qs(parts.query)
    assert (unquote(parts.path), parameters["versionId"], parameters["X-Amz-Expires"]) == (
        "/photos/a b/ü.jpg",
        ["v7"],
        ["900"],
    )
    assert parameters["response-content-disposition"] == ["attachment; filename*=utf-8''%C3%BC.jpg"]
    up = create_bucket_image(bucket, "a/../b.jpg")  # browsers would take that for b.jpg
    assert originals.download_url(up) is None


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda s3: s3.put(KEY, b"y"), "one.jpg in the bucket photos has changed and will be imported again soon."),
        (lambda s3: s3.delete(KEY), "The bucket photos no longer has one.jpg."),
        (
            lambda s3: s3.denied.add(KEY),
            "s3:GetObject is not allowed for one.jpg in the bucket photos (AccessDenied). “Check connection” on the "
            "bucket's page shows the policy to grant.",
        ),
    ],
    ids=["changed", "gone", "denied"],
)
def test_denied_original_is_not_redirected_to(owner, s3, settings, change, sentence):
    s3.put(KEY, b"x")
    image = create_bucket_image(create_bucket(owner), KEY, etag=s3.etag(KEY))
    options = {"bucket_name": "pictures", "region_name": "us-east-1", "url_seconds": 3_600}
    settings.STORAGES = {"default": {"BACKEND": "analysis.storage.s3.SharedS3Storage", "OPTIONS": options}}
    change(s3)
    with pytest.raises(blobs.StorageError) as raised:
        originals.download_url(image)
    assert str(raised.value) == sentence


@pytest.fixture
def versioned(owner, s3):
    """The examined version expired after the same bytes were stored again."""
    s3.put(KEY, b"x")
    s3.versions[KEY] = "v2"
    return create_bucket_image(create_bucket(owner), KEY, etag=s3.etag(KEY), version_id="v1")


def test_expired_version_is_replaced_by_the_present_one_with_the_same_etag(versioned):
    with originals.get(versioned) as original:
        assert original.read() == b"x"
    assert Image.objects.get().version_id == versioned.version_id == "v2"
    assert BucketObject.objects.get().version_id == "v2"


def test_expired_version_is_renewed_before_a_browser_is_sent_there(versioned, settings):
    options = {"bucket_name": "pictures", "region_name": "us-east-1", "url_seconds": 3_600}
    settings.STORAGES = {"default": {"BACKEND": "analysis.storage.s3.SharedS3Storage", "OPTIONS": options}}
    assert parse_qs(urlsplit(originals.download_url(versioned)).query)["versionId"] == ["v2"]
    assert Image.objects.get().version_id == "v2"


def test_expired_version_with_other_bytes_in_its_place_is_not_given(versioned, s3):
    s3.put(KEY, b"y")
    with pytest.raises(blobs.StorageError, match=r"has changed and will be imported again soon"):
        originals.get(versioned)
    assert Image.objects.get().version_id == "v1"


def test_expired_version_of_a_deleted_object_is_missing(versioned, s3):
    s3.delete(KEY)
    with pytest.raises(blobs.BlobMissing):
        originals.get(versioned)


def test_distribution_is_not_bypassed(owner, settings):
    settings.AWS_CLOUDFRONT_DOMAIN = "pictures.example.org"
    options = {"bucket_name": "pictures", "region_name": "us-east-1", "url_seconds": 3_600}
    settings.STORAGES = {"default": {"BACKEND": "analysis.storage.s3.SharedS3Storage", "OPTIONS": options}}
    assert originals.download_url(create_image(owner)) is None


def test_deleted_image_is_not_synced_again(owner):
    image = create_bucket_image(create_bucket(owner), "one.jpg")
    removal.remove_image(image)
    assert not Image.objects.exists()
    assert BucketObject.objects.values_list("key", "state", "image").get() == ("one.jpg", "dropped", None)


def test_duplicates_in_a_bucket_are_restored_from_the_trash(owner):
    bucket, same = create_bucket(owner), {"sha256": "a" * 64}
    ids = [create_image(owner, **same).pk, *(create_bucket_image(bucket, f"{n}.jpg", **same).pk for n in range(2))]
    trash.trash(ids)
    again = create_image(owner, **same)
    assert trash.restore_all(ids) == ids[1:]
    trash.trash([again.pk])
    assert trash.restore_all(ids) == ids[:1]


def test_full_disk_of_temporary_files_is_an_error_of_storage(owner, s3):
    """It lasts for a while, so the analysis is tried again instead of failing."""
    s3.put(KEY, b"x" * (originals.IN_MEMORY + 1))
    image = create_bucket_image(create_bucket(owner), KEY, etag=s3.etag(KEY))
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000, before[1]))  # the kernel refuses every byte beyond
    try:
        with pytest.raises(blobs.StorageError, match=r"^one.jpg could not be read: File too large.$"):
            originals.get(image)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
