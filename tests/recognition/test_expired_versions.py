"""Rekognition fetches an original from S3 whose examined version has expired."""

import pytest

from analysis import pipeline
from analysis.aws import s3_objects
from analysis.aws.clients import session
from analysis.models import Analysis, BucketObject, Call, Image
from analysis.recognition import registry
from analysis.storage import originals
from imagelib.simulator import run_simulator
from tests import pictures
from tests.factories import create_bucket, create_bucket_image
from tests.moto_server import moto_server
from tests.recognition.test_engine import work, work_until_done

pytestmark = pytest.mark.django_db
KEY = "2024/one.jpg"


@pytest.fixture(scope="module")
def moto():
    with moto_server() as address:
        yield address


@pytest.fixture
def client(moto, monkeypatch, settings, tmp_path):
    """S3 for us and the simulator.

    Not by AWS_ENDPOINT_URL_S3: with one, Rekognition is never referred to objects.
    """
    config = tmp_path / "config"
    config.write_text(f"[default]\nservices = local\n[services local]\ns3 =\n  endpoint_url = {moto}\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    with run_simulator(s3="fetch", s3_endpoint=moto) as simulator:
        monkeypatch.setenv("AWS_ENDPOINT_URL_REKOGNITION", simulator.address)
        settings.RECOGNIZER, settings.AWS_REGION = "rekognition", "us-east-1"
        settings.RECOGNIZER_APIS, settings.REKOGNITION_READS_BUCKET = ["labels"], True
        settings.REKOGNITION_QUOTA = dict.fromkeys(Analysis.Api.values, "10000")
        registry.reset()
        s3_objects.reset()
        client = session().create_client("s3", endpoint_url=moto, region_name="us-east-1")
        client.create_bucket(Bucket="photos")
        client.put_bucket_versioning(Bucket="photos", VersioningConfiguration={"Status": "Enabled"})
        client.simulator = simulator
        yield client
        for version in client.list_object_versions(Bucket="photos").get("Versions", []):
            client.delete_object(Bucket="photos", Key=version["Key"], VersionId=version["VersionId"])
    registry.reset()
    s3_objects.reset()


def put(client, *, seed: int = 1) -> dict:
    return client.put_object(Bucket="photos", Key=KEY, Body=pictures.jpeg(160, 120, seed=seed))


def queue_image(owner, stored: dict) -> Image:
    fields = {"etag": stored["ETag"].strip('"'), "version_id": stored["VersionId"], "orientation": 1}
    image = create_bucket_image(create_bucket(owner), KEY, width=160, height=120, **fields)
    assert originals.reference(image, region="us-east-1").version == stored["VersionId"]
    pipeline.request_analysis(image_ids=[image.pk], apis=["labels"])
    return image


def calls() -> list[tuple[str, str, bool]]:
    return [(call.outcome, call.error_code, call.price > 0) for call in Call.objects.order_by("pk")]


REJECTED = ("failed", "InvalidS3ObjectException", False)
ANSWERED = ("answered", "", True)


def test_latest_version_with_the_same_bytes_is_sent_next(owner, client):
    old, new = put(client), put(client)
    image = queue_image(owner, old)
    client.delete_object(Bucket="photos", Key=KEY, VersionId=old["VersionId"])
    work()
    waiting = Analysis.objects.get()
    assert waiting.state == "queued"
    assert waiting.error_message.endswith("a newer one with the same content will be sent next.")
    work_until_done()
    assert Analysis.objects.get().state == "done"
    assert calls() == [REJECTED, ANSWERED]
    image.refresh_from_db()
    assert image.version_id == BucketObject.objects.get().version_id == new["VersionId"]


@pytest.mark.parametrize("latest", ["other bytes", "none"])
def test_expired_version_without_replacement_fails_once(owner, client, latest):
    old = put(client)
    image = queue_image(owner, old)
    if latest == "other bytes":
        put(client, seed=2)
    client.delete_object(Bucket="photos", Key=KEY, VersionId=old["VersionId"])
    work_until_done()
    analysis = Analysis.objects.get()
    assert (analysis.state, analysis.error_code) == ("failed", "InvalidS3ObjectException")
    assert calls() == [REJECTED]
    image.refresh_from_db()
    assert image.version_id == old["VersionId"]


def test_version_that_rekognition_alone_cannot_read_fails_once(owner, client):
    image = queue_image(owner, put(client))
    client.simulator.set(s3="absent")
    work_until_done()
    assert Analysis.objects.get().error_code == "InvalidS3ObjectException"
    assert calls() == [REJECTED]
    assert Image.objects.get().version_id == image.version_id
