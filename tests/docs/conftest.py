"""A reader's folder, a small library and a bucket, by the names on the pages."""

from __future__ import annotations

import io
from datetime import timedelta
from pathlib import Path

import boto3
import pytest
from django.utils import timezone

from analysis import pipeline
from analysis.aws import s3_objects
from analysis.models import Image
from analysis.recognition import registry
from analysis.recognition.reindex_images import reindex
from imagelib.simulator import run_simulator
from tests import inventories, pictures
from tests.factories import create_analysis, create_bucket, create_user, labels_answer
from tests.moto_server import moto_server

REGION = "eu-central-1"
REPORTS = "my-archive/daily"
"""In the bucket my-reports: where the inventory of my-archive named "daily" writes."""
MANIFEST, PART = "2026-11-29T01-00Z/manifest.json", "data/1.csv.gz"


@pytest.fixture(scope="module")
def aws():
    """Addresses of S3, STS and SQS, and of the simulator of Rekognition."""
    with moto_server() as address, run_simulator() as simulator:
        keys = {"aws_access_key_id": "testing", "aws_secret_access_key": "testing"}
        session = boto3.session.Session(**keys, region_name=REGION)
        s3, sqs = session.client("s3", endpoint_url=address), session.client("sqs", endpoint_url=address)
        for name in ("my-archive", "my-pictures", "my-reports"):
            s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": REGION})
        s3.put_object(Bucket="my-archive", Key="photos/2024/beach.jpg", Body=pictures.jpeg())
        for name, content in reports().items():
            s3.put_object(Bucket="my-reports", Key=f"{REPORTS}/{name}", Body=content)
        queue = sqs.create_queue(QueueName="imagelib-events")["QueueUrl"]
        yield {"aws": address, "rekognition": simulator.address, "queue": queue}
        s3.close()
        sqs.close()


def reports() -> dict[str, bytes]:
    part = inventories.csv_part([inventories.row("photos/2024/beach.jpg")])
    return {PART: part, MANIFEST: inventories.manifest({f"{REPORTS}/{PART}": part})}


@pytest.fixture
def connected(aws, settings, monkeypatch) -> None:
    """The settings of aws.md."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_ENDPOINT_URL", aws["aws"])
    monkeypatch.setenv("AWS_ENDPOINT_URL_REKOGNITION", aws["rekognition"])
    settings.RECOGNIZER, settings.AWS_REGION = "rekognition", REGION
    settings.RECOGNIZER_APIS = ["labels", "faces", "text"]
    settings.REKOGNITION_QUOTA = dict.fromkeys(settings.RECOGNIZER_APIS, "10000")
    settings.EVENTS_QUEUE_URL = aws["queue"]
    s3_objects.reset()
    registry.reset()
    yield
    s3_objects.reset()
    registry.reset()


@pytest.fixture
def reader_folder(tmp_path, monkeypatch, settings) -> Path:
    """Files to import, reports of the inventory, and room for what commands write."""
    settings.STATIC_ROOT, settings.LOCAL_MODELS = tmp_path / "static", tmp_path / "models"
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("DJANGO_SUPERUSER_PASSWORD", "correct horse battery")
    monkeypatch.chdir(tmp_path)
    files = {f"reports/{name}": content for name, content in reports().items()}
    files["Pictures/new.jpg"] = pictures.encoded(pictures.photo(7), "jpeg")
    for name, content in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(content)
    return tmp_path


@pytest.fixture
def library(db, connected, reader_folder, settings) -> None:
    """People, a bucket and three pictures with files and labels; one is in the trash."""
    settings.SIMILAR_PICTURES = False
    people = [create_user(name, is_superuser=name == "admin") for name in ("admin", "ann", "anna")]
    create_bucket(people[0], name="my-archive", region=REGION)
    for number, owner in enumerate(people):
        content = io.BytesIO(pictures.encoded(pictures.photo(number), "jpeg"))
        added = pipeline.ingest_file(content, name=f"{number}.jpg", owner_id=owner.pk)
        create_analysis(added.image, state="done", answer=labels_answer(Cat=98.0, Coffee=90.0))
        reindex([added.image.pk])
    Image.objects.filter(owner=people[2]).update(trashed_at=timezone.now() - timedelta(days=60))
