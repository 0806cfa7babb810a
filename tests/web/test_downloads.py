"""Downloads of renditions and originals: caching, content types, lost files."""

from __future__ import annotations

import io

import pytest
from django.urls import reverse
from PIL import Image as Pillow

from analysis import pipeline
from analysis.ingest.validation import clean_name
from analysis.models import Image
from analysis.storage import blobs
from tests import pictures
from tests.factories import create_bucket, create_bucket_image

pytestmark = pytest.mark.django_db


@pytest.fixture
def image(owner, pictures_folder):
    return pipeline.ingest_file(io.BytesIO(pictures.jpeg(1000, 500)), name="dog.jpg", owner_id=owner.pk).image


@pytest.fixture
def browser(owner, signed_in):
    return signed_in(owner)


def rendition(image, name="thumb") -> str:
    return reverse("rendition", args=[image.pk, name])


def body(response) -> bytes:
    return b"".join(response.streaming_content) if response.streaming else response.content


@pytest.mark.parametrize(
    ("name", "expected"),
    [("thumb", ((400, 200), "WEBP", "image/webp")), ("preview", ((1000, 500), "JPEG", "image/jpeg"))],
)
def test_rendition_has_its_content_type(image, browser, name, expected):
    response = browser.get(rendition(image, name), headers={"Accept-Encoding": "gzip"})
    with Pillow.open(io.BytesIO(body(response))) as picture:
        assert (picture.size, picture.format, response["Content-Type"]) == expected
    assert response["X-Content-Type-Options"] == "nosniff"
    assert int(response["Content-Length"]) > 0
    assert "Content-Encoding" not in response


def test_rendition_is_cached_privately_forever(image, browser):
    response = browser.get(rendition(image))
    body(response)
    assert response["Cache-Control"] == "private, max-age=31536000, immutable"
    again = browser.get(rendition(image), headers={"If-None-Match": response["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    other = browser.get(rendition(image), headers={"If-None-Match": '"another"'})
    assert (other.status_code, len(body(other)) > 0) == (200, True)


def test_etag_of_an_invisible_picture_is_not_confirmed(image, browser, colleague, signed_in):
    response = browser.get(rendition(image))
    body(response)
    answer = signed_in(colleague).get(rendition(image), headers={"If-None-Match": response["ETag"]})
    assert answer.status_code == 404


@pytest.mark.parametrize("name", ["original", "huge", "panel", "thumb2"])
def test_unknown_rendition_is_not_found(image, browser, name):
    assert browser.get(rendition(image, name)).status_code == 404


def test_lost_rendition_is_rendered_again(image, browser, pictures_folder):
    (pictures_folder / blobs.rendition_key(image.renditions_id, "thumb")).unlink()
    with Pillow.open(io.BytesIO(body(browser.get(rendition(image))))) as picture:
        assert picture.size == (400, 200)


def test_lost_picture_gets_a_placeholder(image, browser, pictures_folder):
    for path in list(pictures_folder.rglob("*")):
        if path.is_file():
            path.unlink()
    response = browser.get(rendition(image))
    assert (response.status_code, response["Content-Type"], response["Cache-Control"]) == (
        404,
        "image/svg+xml",
        "no-store",
    )
    assert response.content.startswith(b"<svg")
    assert browser.get(reverse("library")).status_code == 200
    assert browser.get(reverse("image", args=[image.pk])).status_code == 200
    lost = browser.get(reverse("original", args=[image.pk]))
    assert lost.status_code == 404
    assert "The storage has no file" in lost.content.decode()


def test_key_of_a_lost_original_is_named_to_its_owner_only(image, browser, colleague, signed_in, pictures_folder):
    Image.objects.update(visibility=Image.Visibility.SHARED)
    (pictures_folder / image.key).unlink()
    for reader, is_named in ((browser, True), (signed_in(colleague), False)):
        lost = reader.get(reverse("original", args=[image.pk]))
        assert (lost.status_code, image.key in lost.content.decode()) == (404, is_named)


def test_original_is_downloaded_unchanged_as_attachment(image, browser):
    response = browser.get(reverse("original", args=[image.pk]), headers={"Accept-Encoding": "gzip"})
    assert body(response) == pictures.jpeg(1000, 500)
    assert response["Content-Type"] == "application/octet-stream"
    assert response["Content-Disposition"] == 'attachment; filename="dog.jpg"'
    assert response["X-Content-Type-Options"] == "nosniff"
    assert "Content-Encoding" not in response


@pytest.mark.parametrize("name", pictures.NASTY_NAMES)
def test_filename_is_escaped_in_the_header(image, browser, name):
    Image.objects.update(filename=clean_name(name))
    response = browser.get(reverse("original", args=[image.pk]))
    body(response)
    header = response["Content-Disposition"]
    assert header.startswith("attachment")
    assert not set(header) & set("\r\n\0")
    assert header.isascii()


def test_bucket_url_is_for_editors_only(owner, colleague, signed_in, s3, settings):
    s3.put("clients/one.jpg", b"x")
    fields = {"etag": s3.etag("clients/one.jpg"), "visibility": Image.Visibility.SHARED}
    image = create_bucket_image(create_bucket(owner), "clients/one.jpg", **fields)
    options = {"bucket_name": "pictures", "region_name": "us-east-1", "url_seconds": 3_600}
    s3 = {"BACKEND": "analysis.storage.s3.SharedS3Storage", "OPTIONS": options}
    settings.STORAGES = {**settings.STORAGES, "default": s3}
    address = reverse("original", args=[image.pk])
    assert "clients/one.jpg" in signed_in(owner).get(address).headers["Location"]
    response, head = signed_in(colleague).get(address), signed_in(owner).head(address)  # what is signed is for GET
    assert (body(response), head.status_code) == (b"x", 200)
    response.close()
    head.close()
