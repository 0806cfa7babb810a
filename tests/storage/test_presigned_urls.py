"""Addresses of thumbs: AWS's own signature, and the same address for hours."""

from datetime import UTC, datetime
from urllib.parse import parse_qs, urlsplit

import boto3
import pytest
from botocore.config import Config
from botocore.credentials import ReadOnlyCredentials
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from django.urls import reverse

from analysis.aws import s3_objects
from analysis.aws.object_refs import S3Object
from analysis.storage import blobs
from analysis.storage.presigned_urls import Distribution, presign, signed_at
from analysis.storage.s3 import SharedS3Storage
from analysis.web import links
from tests.factories import create_labeled_image

HALF_A_DAY = 43_200
KEY = "renditions/aa/ä b+c-thumb.webp"


@pytest.fixture
def credentials(monkeypatch):
    parts = {"AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_SESSION_TOKEN": "token/+="}
    for name, value in parts.items():
        monkeypatch.setenv(name, value)
    return ReadOnlyCredentials(*parts.values())


def storage(**options):
    options = {"bucket_name": "pictures", "region_name": "eu-central-1", "url_seconds": HALF_A_DAY, **options}
    return SharedS3Storage(**options)


WISH = "attachment; filename*=utf-8''d%C3%B6g%20%22x%22.jpg"


@pytest.mark.parametrize(
    ("parameters", "wishes"),
    [({}, {}), ({"ResponseContentDisposition": WISH}, {"response-content-disposition": WISH})],
    ids=["to show", "to save"],
)
@pytest.mark.parametrize("endpoint", [None, "http://127.0.0.1:9000"])
def test_signature_equals_that_of_boto3(credentials, endpoint, parameters, wishes):
    style = "path" if endpoint else "virtual"
    config = Config(signature_version="s3v4", s3={"addressing_style": style})
    client = boto3.session.Session().client("s3", region_name="eu-central-1", endpoint_url=endpoint, config=config)
    params = {"Bucket": "pictures", "Key": KEY, **parameters}
    theirs = client.generate_presigned_url("get_object", Params=params, ExpiresIn=900)
    address, _, query = theirs.partition("?")
    signed = datetime.strptime(parse_qs(query)["X-Amz-Date"][0], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    when = int(signed.timestamp())
    ours = presign(address, credentials=credentials, region="eu-central-1", seconds=900, when=when, overrides=wishes)
    assert parse_qs(urlsplit(ours).query) == parse_qs(query)
    assert storage(endpoint_url=endpoint).signed_url(KEY).partition("?")[0] == address


@pytest.mark.parametrize(("seconds", "lasts"), [(0, None), (60, "60"), (HALF_A_DAY, "900")])
def test_download_url_is_short_lived_and_bypasses_cloudfront(credentials, seconds, lasts):
    backend = storage(url_seconds=seconds, distribution={"domain": "d1.cloudfront.net"})
    address = backend.attachment_url("originals/aa/a.jpg", disposition=WISH)
    parts = urlsplit(address or "")
    assert (parts.netloc, parse_qs(parts.query).get("X-Amz-Expires")) == (
        ("pictures.s3.eu-central-1.amazonaws.com", [lasts]) if lasts else ("", None)
    )


def test_no_address_for_browsers_holds_the_endpoints_credentials(credentials, monkeypatch):
    endpoint = "https://me:hidden@storage.example:9000"
    backend = storage(endpoint_url=endpoint)
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", endpoint)
    s3_objects.reset()
    target = S3Object("photos", "a b.jpg", "v1")
    urls = [
        backend.signed_url("a.jpg"),
        backend.attachment_url("a.jpg", disposition=WISH),
        backend.presigned_form("a.jpg", size=3, seconds=60).url,
        s3_objects.download_url(s3_objects.client(region="us-east-1"), target, seconds=60, disposition=WISH),
    ]
    s3_objects.reset()
    assert {urlsplit(url).netloc for url in urls} == {"storage.example:9000"}


def test_url_is_constant_for_half_of_its_lifetime():
    now, times = 1_800_000_000, set[int]()
    for second in range(0, HALF_A_DAY * 4, 600):
        at = signed_at("key", seconds=HALF_A_DAY, now=now + second)
        times.add(at)
        assert HALF_A_DAY / 2 <= at + HALF_A_DAY - (now + second) <= HALF_A_DAY  # never about to expire
    assert len(times) == 9
    assert signed_at("other", seconds=HALF_A_DAY, now=now) != signed_at("key", seconds=HALF_A_DAY, now=now)


def test_configured_distribution_is_used(tmp_path, credentials):
    assert storage(distribution={"domain": "d1.cloudfront.net"}).signed_url(KEY) == (
        "https://d1.cloudfront.net/renditions/aa/%C3%A4%20b%2Bc-thumb.webp"
    )
    key, file = rsa.generate_private_key(65537, 2048), tmp_path / "key.pem"
    form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    file.write_bytes(key.private_bytes(*form))
    by_file, by_text = Distribution("d", "K1", str(file)), Distribution("d", "K1", key=file.read_text())
    signed = by_file.url_of("a.jpg", seconds=HALF_A_DAY)
    assert sorted(parse_qs(urlsplit(signed).query)) == ["Expires", "Key-Pair-Id", "Signature"]
    assert (by_text.url_of("a.jpg", seconds=HALF_A_DAY), "PRIVATE" in repr(by_text)) == (signed, False)


def test_objects_are_encrypted_and_originals_have_a_storage_class():
    backend = storage(
        encryption={"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": ""}, storage_class="INTELLIGENT_TIERING"
    )
    always = {"CacheControl": "private, max-age=31536000, immutable", "ServerSideEncryption": "aws:kms"}
    assert backend.get_object_parameters("renditions/a") == always
    assert backend.get_object_parameters("originals/a") == {**always, "StorageClass": "INTELLIGENT_TIERING"}


@pytest.mark.django_db
def test_page_allows_the_bucket_and_signs_displayed_images_only(owner, signed_in, settings, credentials):
    images = [create_labeled_image(owner, {"Dog": 90}) for _ in range(3)]
    options = {"bucket_name": "pictures", "region_name": "eu-central-1", "url_seconds": HALF_A_DAY}
    settings.STORAGES = {
        **settings.STORAGES,
        "default": {"BACKEND": "analysis.storage.s3.SharedS3Storage", "OPTIONS": options},
    }
    pages = [signed_in(owner).get(reverse("library")).content.decode() for _ in range(2)]
    for image in images:
        address = links.rendition_url(image, "thumb")
        direct, _, ours = address.partition("#")
        assert direct == blobs.public_url(blobs.rendition_key(image.renditions_id, "thumb"))
        assert ours == f"/images/{image.pk}/renditions/thumb?v={image.renditions_id.hex[:12]}"
        assert address.startswith("https://pictures.s3.eu-central-1.amazonaws.com/renditions/")
        assert all(address.replace("&", "&amp;") in page for page in pages)


@pytest.mark.django_db
def test_without_credentials_images_are_served_by_us(owner, settings, monkeypatch):
    monkeypatch.setenv("AWS_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
    image = create_labeled_image(owner, {"Dog": 90})
    options = {"bucket_name": "pictures", "region_name": "eu-central-1", "url_seconds": HALF_A_DAY}
    settings.STORAGES = {
        **settings.STORAGES,
        "default": {"BACKEND": "analysis.storage.s3.SharedS3Storage", "OPTIONS": options},
    }
    with pytest.raises(blobs.StorageError, match="The URL could not be signed: S3: no AWS credentials were found"):
        blobs.public_url("key")
    assert links.rendition_url(image, "thumb").startswith(f"/images/{image.pk}/renditions/thumb?v=")
