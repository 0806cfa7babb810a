"""One place knows where an original lies, and leaves it there."""

import pytest

from analysis.curation import trash
from analysis.models import BucketObject, Image
from analysis.sources.references import S3Object
from analysis.store import library, originals
from tests.factories import a_bucket, an_image, an_image_in

pytestmark = pytest.mark.django_db


def test_rekognition_may_fetch_what_lies_in_its_region(owner, monkeypatch):
    image = an_image_in(a_bucket(owner, region="eu-central-1"), "a b/ü.jpg", version_id="v1")
    assert originals.reference(image, region="eu-central-1") == S3Object("photos", "a b/ü.jpg", "v1")
    assert originals.reference(image, region="us-east-1") is None
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:9")
    assert originals.reference(image, region="eu-central-1") is None


def test_a_picture_that_is_removed_is_remembered_so_that_no_sync_brings_it_back(owner):
    image = an_image_in(a_bucket(owner), "one.jpg")
    library.remove(image)
    assert not Image.objects.exists()
    assert BucketObject.objects.values_list("key", "state", "image").get() == ("one.jpg", "dropped", None)


def test_all_twins_that_lie_in_a_bucket_come_back_from_the_trash(owner):
    bucket, same = a_bucket(owner), {"sha256": "a" * 64}
    ids = [an_image(owner, **same).pk, *(an_image_in(bucket, f"{n}.jpg", **same).pk for n in range(2))]
    trash.trash(ids)
    again = an_image(owner, **same)
    assert trash.restore_all(ids) == ids[1:]
    trash.trash([again.pk])
    assert trash.restore_all(ids) == ids[:1]
