"""Which originals Rekognition may fetch from the bucket itself."""

import pytest

from analysis.aws.object_refs import S3Object
from analysis.storage import renditions
from tests.factories import create_image

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def bucket(settings):
    settings.AWS_REGION, settings.REKOGNITION_READS_BUCKET = "eu-central-1", True
    use(settings)


def use(settings, **options):
    options = {"bucket_name": "pictures", "region_name": "eu-central-1", "location": "library", **options}
    storage = {"BACKEND": "analysis.storage.s3.SharedS3Storage", "OPTIONS": options}
    settings.STORAGES = {**settings.STORAGES, "default": storage}


def referred(owner, **fields) -> bool:
    image = create_image(owner, **{"orientation": 1, **fields})
    reference = renditions.reference_for_recognition(image)
    assert reference in {None, S3Object("pictures", f"library/{image.key}")}
    return reference is not None


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, True),
        ({"format": "png"}, True),
        ({"format": "webp"}, False),
        ({"orientation": 6}, False),
        ({"orientation": None}, False),
        ({"size": 15_000_000}, True),
        ({"size": 15_000_001}, False),
        ({"width": 80, "height": 10_000}, True),
        ({"width": 79}, False),
        ({"height": 10_001}, False),
    ],
)
def test_only_what_rekognition_reads_as_it_is(owner, fields, expected):
    assert referred(owner, **fields) is expected


def test_only_if_the_setting_says_so(owner, settings):
    settings.REKOGNITION_READS_BUCKET = False
    assert not referred(owner)


@pytest.mark.parametrize("options", [{"region_name": "us-east-1"}, {"endpoint_url": "http://127.0.0.1:9000"}])
def test_no_bucket_that_rekognition_does_not_reach(owner, settings, options):
    use(settings, **options)
    assert not referred(owner)


def test_no_picture_on_a_disk(owner, settings, tmp_path):
    storage = {"BACKEND": "django.core.files.storage.FileSystemStorage", "OPTIONS": {"location": tmp_path}}
    settings.STORAGES = {**settings.STORAGES, "default": storage}
    assert not referred(owner)
