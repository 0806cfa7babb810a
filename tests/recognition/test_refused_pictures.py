"""Rejected pictures and responses: the next attempt, and the stored message."""

import base64
import io
from decimal import Decimal

import pytest
from PIL import Image as Pillow

from analysis import pipeline
from analysis.ingest import decoding_service
from analysis.models import Analysis, Call
from analysis.recognition import claims, retries
from analysis.recognition.base import Response
from analysis.recognition.save_results import AttemptResult
from analysis.recognition.save_with_retry import save_with_retry
from analysis.storage import blobs, renditions
from tests.factories import labels_answer
from tests.process_helpers import one_more_file
from tests.recognition.test_engine import states, stored_images, work, work_until_done

pytestmark = pytest.mark.django_db

PRICE = Decimal("0.0021")
REFUSED = (400, "InvalidImageFormatException")


def sent(rekognition) -> list[bytes]:
    return [base64.b64decode(request["Image"]["Bytes"]) for request in rekognition.requests]


def queued(owner):
    (image,) = stored_images(owner, 1)
    pipeline.request_analysis(image_ids=[image.pk], apis=["labels"])
    return image


@pytest.mark.parametrize("code", ["InvalidImageFormatException", "ImageTooLargeException"])
def test_rejected_original_is_retried_as_converted_copy(owner, rekognition, code):
    rekognition.answers = [(400, code), {**labels_answer(Dog=90), "LabelModelVersion": "3.0"}]
    image = queued(owner)
    work()
    waiting_row = Analysis.objects.get()
    assert (waiting_row.state, waiting_row.error_message[-35:]) == ("queued", "A converted copy will be sent next.")
    work_until_done()
    original, converted = sent(rekognition)
    with blobs.get(image.key) as file:
        assert original == file.read()
    assert converted != original
    assert Pillow.open(io.BytesIO(converted)).format == "JPEG"
    assert states() == {"done": 1}
    assert list(Call.objects.order_by("pk").values_list("outcome", "price")) == [
        ("failed", 0),
        ("answered", PRICE),
    ]


def test_rejected_converted_copy_fails_permanently(owner, rekognition):
    rekognition.answers = [REFUSED]
    queued(owner)
    work_until_done()
    analysis = Analysis.objects.get()
    assert (analysis.state, analysis.is_permanent, len(rekognition.requests)) == ("failed", True, 2)
    assert analysis.error_message == (
        "The labels request failed with InvalidImageFormatException: Rekognition cannot read this picture's format."
    )


def test_rendition_is_not_sent_twice(owner, rekognition):
    rekognition.answers = [REFUSED]
    image = queued(owner)
    type(image).objects.update(orientation=6)
    work_until_done()
    assert (states(), len(rekognition.requests)) == ({"failed": 1}, 1)


def test_final_message_does_not_promise_a_retry(owner, rekognition):
    rekognition.answers = [(500, "InternalServerError")]
    queued(owner)
    work()
    assert Analysis.objects.get().error_message.endswith("It will be retried automatically.")
    Analysis.objects.update(attempts=retries.MAX_ATTEMPTS - 1)
    work_until_done()
    assert Analysis.objects.get().error_message == (
        "The labels request failed with InternalServerError: Rekognition returned a server error. "
        "Gave up after 8 attempts."
    )


@pytest.mark.parametrize(
    "content",
    [
        '{"Labels": [], "Sharpness": NaN}',
        '{"Labels": ["Dog"]}',
        '{"Labels": ' + "[" * 5_000 + "]" * 5_000 + "}",  # Python 3.14 reads it; botocore finds no label in it
        '{"Labels": ' + "[" * 100_000 + "]" * 100_000 + "}",
    ],
    ids=["no JSON", "no label", "deep", "too deep"],
)
def test_invalid_json_gives_a_clear_message(owner, rekognition, content):
    rekognition.answers = [content.encode()]
    queued(owner)
    work_until_done()
    analysis = Analysis.objects.get()
    assert (analysis.state, len(rekognition.requests)) == ("failed", 1)
    assert analysis.error_message == (
        "The labels request failed with UnreadableAnswer: "
        "The response cannot be read: it is nested too deeply or is not valid JSON."
    )
    assert Call.objects.values_list("outcome", "price").get() == ("unknown", PRICE)


def nested(depth: int) -> dict:
    content: dict = {"Labels": []}
    for _ in range(depth):
        content = {"Labels": [], "Inner": content}
    return content


@pytest.mark.parametrize("content", [{"Labels": [], "Sharpness": float("inf")}, nested(100_000)])
def test_unstorable_response_gives_a_clear_message(owner, rekognition, content):
    queued(owner)
    (claimed,) = claims.claim("rekognition", "labels", maximum=1, region="eu-central-1")
    save_with_retry(
        [AttemptResult(claimed, response=Response("labels", "rekognition", "3.0", content, "", 5), region="x")]
    )
    assert Analysis.objects.get().error_message == (
        "The labels request failed with UnstorableAnswer: "
        "The database cannot store this response. See the worker log for details."
    )


def test_unexpected_exception_shows_no_class_name(owner, rekognition):
    queued(owner)
    (claimed,) = claims.claim("rekognition", "labels", maximum=1, region="eu-central-1")
    save_with_retry([AttemptResult(claimed, error=ZeroDivisionError("division by zero"))])
    analysis = Analysis.objects.get()
    assert (analysis.state, analysis.error_code) == ("failed", "defect")
    assert analysis.error_message == "This is a bug in imagelib; see the worker log."


def test_picture_is_tried_again_if_no_decoder_can_be_started(owner, pictures_folder):
    decoding_service.close()
    (image,) = stored_images(owner, 1)
    with one_more_file(), pytest.raises(blobs.StorageError, match=r"could not be read: Too many open files\.$"):
        renditions.for_recognition(image)
    assert renditions.for_recognition(image)
