"""Pictures in one bucket, backups in another."""

from __future__ import annotations

import hashlib
from io import BytesIO, StringIO

import pytest
from django.core.management import call_command

from analysis import pipeline
from analysis.aws import s3_objects
from analysis.backup import manifest
from analysis.backup.errors import BackupError
from analysis.backup.location import Location
from analysis.models import Backup, Bucket
from analysis.storage import blobs
from tests import pictures
from tests.backup import library
from tests.factories import create_bucket, create_bucket_image, create_user

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def client(moto, settings, monkeypatch):
    """A server with the buckets "pictures", the storage of the library, and "backups"."""
    import boto3

    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", moto)
    settings.AWS_ENDPOINT, settings.AWS_REGION = moto, "us-east-1"
    s3_objects.reset()
    options = {"bucket_name": "pictures", "region_name": "us-east-1", "endpoint_url": moto, "location": "library"}
    backend = {"BACKEND": "analysis.storage.s3.SharedS3Storage", "OPTIONS": options}
    settings.STORAGES = {**settings.STORAGES, "default": backend}
    client = boto3.session.Session().client("s3", region_name="us-east-1", endpoint_url=moto)
    for bucket in ("pictures", "backups"):
        client.create_bucket(Bucket=bucket)
    yield client
    client.close()
    s3_objects.reset()


def contents(client, bucket: str) -> dict[str, bytes]:
    keys = [item["Key"] for item in client.list_objects_v2(Bucket=bucket).get("Contents", [])]
    return {key: client.get_object(Bucket=bucket, Key=key)["Body"].read() for key in keys}


def test_library_in_a_bucket_is_restored_from_another(client) -> None:
    owner = create_user("owner")
    pipeline.ingest_file(BytesIO(pictures.jpeg()), name="dog.jpg", owner_id=owner.pk)
    client.put_object(Bucket="pictures", Key="theirs/cat.jpg", Body=b"theirs")
    sha256 = hashlib.sha256(b"theirs").hexdigest()
    create_bucket_image(create_bucket(owner, name="pictures"), "theirs/cat.jpg", size=6, sha256=sha256)
    create_bucket_image(Bucket.objects.get(), "theirs/denied.jpg")
    options = ("--without-renditions", "--with-bucket-originals")
    for _number in range(2):
        with pytest.raises(SystemExit):  # one of theirs is missing
            call_command("backup", "s3://backups/of/photos", *options, stdout=StringIO(), stderr=StringIO())
    copied = [key for key in contents(client, "backups") if key.startswith("of/photos/blobs/")]
    assert len(copied) == 2
    made = manifest.read(Location("s3://backups/of/photos"), Backup.objects.earliest("pk").name)
    assert (made.files, made.missing, made.pictures) == (2, 1, 3)
    rows, files = library.all_rows(), contents(client, "pictures")
    library.empty_database()
    for key in files:
        client.delete_object(Bucket="pictures", Key=key)

    call_command("restore", "s3://backups/of/photos", "--backup", made.name, stdout=StringIO())
    assert library.all_rows() == {**rows, "analysis_backup": []}
    # Neither renditions nor what is in people's own buckets.
    originals = {key: content for key, content in files.items() if key.startswith("library/originals/")}
    assert contents(client, "pictures") == originals != {}


def test_bucket_errors_are_sentences(client) -> None:
    with pytest.raises(BackupError, match=r"could not be read: S3 \w+ in the bucket elsewhere: NoSuchBucket"):
        manifest.read(Location("s3://elsewhere/of"), "")
    with pytest.raises(BackupError, match="is inside the folder where pictures are stored"):
        Location("s3://pictures/library/")
    assert blobs.bucket_name() == "pictures"
