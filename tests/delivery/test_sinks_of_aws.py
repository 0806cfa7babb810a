"""Pictures of a bucket are analyzed, and each AWS service receives their results."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest

from analysis import tasks
from analysis.aws import s3_objects
from analysis.delivery import events, outbox, sender
from analysis.models import Delivery, Image, Sink
from tests import pictures
from tests.delivery.aws_services import REGION
from tests.factories import create_bucket, labels_answer

pytestmark = pytest.mark.django_db
SCHEMAS = Path(__file__).resolve().parents[2] / "docs/schemas"
FACE = {
    "BoundingBox": {"Left": -0.1, "Top": 0.2, "Width": 0.3, "Height": 0.4},
    "Confidence": 99.987,
    "AgeRange": {"Low": 20, "High": 30},
    "Gender": {"Value": "Female", "Confidence": 98.0},
    "Smile": {"Value": True, "Confidence": 97.0},
    "Emotions": [{"Type": "HAPPY", "Confidence": 96.0}],
}
CELEBRITY = {"Name": "Ada Lovelace", "Id": "1", "MatchConfidence": 95.0, "Urls": ["example.org/ada"]}


def check(document: object, schema: str) -> None:
    """Validate a document by the schema in docs/."""
    rules = json.loads((SCHEMAS / f"{schema}.json").read_text())
    jsonschema.Draft202012Validator(rules, format_checker=jsonschema.FormatChecker()).validate(document)


def create_sink(channel: str, address: str = "", **values) -> Sink:
    return Sink.objects.create(name=values.pop("name", channel), channel=channel, address=address, **values)


def send_all() -> list[tuple[str, str]]:
    """Compare changes, send all messages, and return their states and errors."""
    events.compare_due()
    while outbox.is_due():
        sender.send_due()
    return list(Delivery.objects.order_by("pk").values_list("state", "error"))


@pytest.fixture
def analyzed(owner, aws, rekognition, settings):
    """A function that analyzes a picture in a bucket with versions."""
    settings.AWS_REGION = REGION
    settings.RECOGNIZER_APIS = ["labels", "faces", "celebrities"]
    bucket = create_bucket(owner, name="pictures", region=REGION, may_tag=True)
    aws.create_bucket("pictures", is_versioned=True)
    s3_objects.reset()

    def run() -> Image:
        aws.clients["s3"].put_object(Bucket="pictures", Key="2026/dog.jpg", Body=pictures.jpeg(), Tagging="team=a")
        tasks.sync_bucket(bucket_id=bucket.pk)
        tasks.import_bucket_objects(bucket_id=bucket.pk)
        for api, answer in (
            ("labels", labels_answer(Dog=98.5, Pet=97, Unsure=50)),
            ("faces", {"FaceDetails": [FACE]}),
            ("celebrities", {"CelebrityFaces": [CELEBRITY], "UnrecognizedFaces": []}),
        ):
            rekognition.answers = [answer]
            tasks.run_recognition(recognizer="rekognition", api=api)
        return Image.objects.get()

    return run


def test_every_service_receives_an_analyzed_picture(aws, analyzed):
    queue, topic_queue, bus_queue = (aws.create_queue(name) for name in ("pictures", "of-topic", "of-bus"))
    create_sink("sqs", queue)
    create_sink("sns", aws.create_topic("pictures", queue=topic_queue))
    create_sink("eventbridge", aws.create_bus("pictures", queue=bus_queue))
    create_sink("dynamodb", aws.create_table("pictures", key="ImageID"))
    create_sink("object_tags")
    image = analyzed()
    assert set(send_all()) == {("delivered", "")}

    [*_, last] = sorted(aws.received(queue), key=lambda message: message["json"]["created_at"])
    document = last["json"]
    check(document, "image-message")
    assert last["MessageAttributes"]["event"]["StringValue"] == "image"
    details = document["image"]
    assert (details["id"], details["file_name"], details["key"]) == (image.pk, "dog.jpg", "2026/dog.jpg")
    assert [label["name"] for label in details["labels"] if label["kind"] == "label"][:2] == ["Dog", "Pet"]
    assert details["faces"][0]["box"] == [0, 0.2, 0.2, 0.4]
    assert [celebrity["name"] for celebrity in details["celebrities"]] == ["Ada Lovelace"]
    assert (details["text"], details["moderation"]) == (None, None)

    [*_, published] = sorted(aws.received(topic_queue), key=lambda message: message["json"]["created_at"])
    check(published["json"], "image-message")
    assert published["json"]["image"] == details
    event = max(
        (message["json"] for message in aws.received(bus_queue)), key=lambda message: message["detail"]["created_at"]
    )
    check(event["detail"], "image-message")
    assert (event["source"], event["detail-type"], event["detail"]["image"]) == ("imagelib", "Image Changed", details)
    assert event["resources"] == ["arn:aws:s3:::pictures/2026/dog.jpg"]

    [item] = aws.items("pictures")
    assert (item["ImageID"], item["filename"]) == (str(image.pk), "dog.jpg")
    assert item["labels"][0] == {"Name": "Dog", "Confidence": pytest.approx(98.5)}
    assert item["celebrities"][0]["Name"] == "Ada Lovelace"
    check(json.loads(json.dumps(item, default=float)), "dynamodb-item")

    tags = aws.tags("pictures", "2026/dog.jpg", VersionId=image.version_id)
    assert tags == {"team": "a", "imagelib:Dog": "label", "imagelib:Pet": "label"}
