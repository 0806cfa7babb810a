"""An S3 server (moto) as the pictures' storage."""

from __future__ import annotations

import pytest

from tests.moto_server import moto_server


@pytest.fixture(scope="module")
def s3_address():
    with moto_server() as address:
        yield address


@pytest.fixture
def bucket(s3_address, settings, monkeypatch):
    """An empty bucket as the pictures' storage; its client."""
    import boto3

    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    client = boto3.session.Session().client("s3", region_name="us-east-1", endpoint_url=s3_address)
    client.create_bucket(Bucket="pictures")
    options = {"bucket_name": "pictures", "region_name": "us-east-1", "endpoint_url": s3_address}
    settings.STORAGES = {
        **settings.STORAGES,
        "default": {"BACKEND": "analysis.storage.s3.SharedS3Storage", "OPTIONS": options},
    }
    yield client
    for item in client.list_objects_v2(Bucket="pictures").get("Contents", []):
        client.delete_object(Bucket="pictures", Key=item["Key"])
    client.delete_bucket(Bucket="pictures")
    client.close()
