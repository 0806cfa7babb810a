"""The same code with pictures in S3, over HTTP."""

import io

import pytest
from moto.server import ThreadedMotoServer

from analysis import pipeline, tasks
from analysis.models import Image, UnclaimedBlob
from analysis.store import blobs, library, renditions
from tests import pictures
from tests.factories import label_rows, labels_answer

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def s3_address():
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def bucket(s3_address, settings, monkeypatch):
    """An empty bucket as the pictures' storage; its client."""
    import boto3  # noqa: TID251

    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    client = boto3.session.Session().client("s3", region_name="us-east-1", endpoint_url=s3_address)
    client.create_bucket(Bucket="pictures")
    options = {"bucket_name": "pictures", "region_name": "us-east-1", "endpoint_url": s3_address}
    settings.STORAGES = {
        **settings.STORAGES,
        "default": {"BACKEND": "analysis.store.s3.SharedS3Storage", "OPTIONS": options},
    }
    yield client
    for found in client.list_objects_v2(Bucket="pictures").get("Contents", []):
        client.delete_object(Bucket="pictures", Key=found["Key"])
    client.delete_bucket(Bucket="pictures")
    client.close()


def keys(bucket) -> set[str]:
    return {found["Key"] for found in bucket.list_objects_v2(Bucket="pictures").get("Contents", [])}


def receive(owner) -> Image:
    return pipeline.receive(io.BytesIO(pictures.jpeg()), name="dog.jpg", owner_id=owner.pk).image


def test_a_picture_goes_the_whole_way(owner, rekognition, bucket):
    rekognition.answers = [labels_answer(Dog=98)]
    image = receive(owner)
    assert keys(bucket) == {image.key, *(blobs.rendition_key(image.renditions_id, name) for name in blobs.RENDITIONS)}
    tasks.work(recognizer="rekognition", api="labels")
    assert label_rows(image) == {"Dog": 98}
    with renditions.read(image, "thumb") as thumb:
        assert thumb.read()[8:12] == b"WEBP"


def test_removal_takes_the_objects_along(owner, rekognition, bucket, django_capture_on_commit_callbacks):
    image = receive(owner)
    with django_capture_on_commit_callbacks(execute=True):
        library.remove(image)
    assert keys(bucket) == set()


def test_a_missing_original_is_told_from_a_refusing_storage(owner, rekognition, bucket):
    image = receive(owner)
    bucket.delete_object(Bucket="pictures", Key=image.key)
    with pytest.raises(blobs.Missing, match=image.key):
        blobs.get(image.key)


def test_a_bucket_that_is_gone_refuses_the_picture_and_nothing_stays(owner, rekognition, bucket, settings):
    options = {**settings.STORAGES["default"]["OPTIONS"], "bucket_name": "elsewhere"}
    settings.STORAGES = {**settings.STORAGES, "default": {**settings.STORAGES["default"], "OPTIONS": options}}
    with pytest.raises(blobs.StorageFailed, match=r"S3 PutObject: NoSuchBucket"):
        receive(owner)
    assert not Image.objects.exists()
    assert not UnclaimedBlob.objects.exists()


def test_an_endpoint_that_is_down_says_so(owner, rekognition, bucket, settings):
    options = {**settings.STORAGES["default"]["OPTIONS"], "endpoint_url": "http://127.0.0.1:9"}
    settings.STORAGES = {**settings.STORAGES, "default": {**settings.STORAGES["default"], "OPTIONS": options}}
    with pytest.raises(blobs.StorageFailed, match="Could not connect to the endpoint URL"):
        receive(owner)
    assert not Image.objects.exists()
    assert UnclaimedBlob.objects.count() == 3  # the sweeper looks again when the endpoint is back


@pytest.fixture
def aws_bucket(bucket, s3_address, settings, monkeypatch):
    """The same as at AWS, whose endpoint is named nowhere in the settings, in Rekognition's region."""
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", s3_address)
    options = {"bucket_name": "pictures", "region_name": "eu-central-1", "location": "library"}
    settings.STORAGES = {**settings.STORAGES, "default": {**settings.STORAGES["default"], "OPTIONS": options}}
    return bucket


def test_rekognition_fetches_an_upright_original_itself(owner, rekognition, aws_bucket, settings):
    settings.REKOGNITION_READS_BUCKET = True
    rekognition.answers = [labels_answer(Dog=98)]
    image = receive(owner)
    tasks.work(recognizer="rekognition", api="labels")
    assert [request["Image"] for request in rekognition.requests] == [
        {"S3Object": {"Bucket": "pictures", "Name": f"library/{image.key}"}}
    ]
    assert f"library/{image.key}" in keys(aws_bucket)
    assert label_rows(image) == {"Dog": 98}
