"""Pictures and answers that somebody refuses: what is tried next, and the sentence that stays in the row."""

import base64
import io
from decimal import Decimal

import pytest
from PIL import Image as Pillow

from analysis import pipeline
from analysis.models import Analysis, Call
from analysis.recognition import claims
from analysis.recognition.base import Response
from analysis.recognition.engine import save_with_retry
from analysis.recognition.save_results import AttemptResult
from analysis.storage import blobs
from tests.factories import labels_answer
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
def test_an_original_that_is_refused_as_it_is_is_sent_once_more_converted(owner, rekognition, code):
    rekognition.answers = [(400, code), {**labels_answer(Dog=90), "LabelModelVersion": "3.0"}]
    image = queued(owner)
    work()
    waiting_row = Analysis.objects.get()
    assert (waiting_row.state, waiting_row.error_message[-30:]) == ("queued", "A converted copy is sent next.")
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


def test_a_converted_copy_that_is_refused_as_well_is_the_end(owner, rekognition):
    rekognition.answers = [REFUSED]
    queued(owner)
    work_until_done()
    analysis = Analysis.objects.get()
    assert (analysis.state, analysis.is_permanent, len(rekognition.requests)) == ("failed", True, 2)
    assert analysis.error_message == (
        "The labels request failed with InvalidImageFormatException: Rekognition cannot read this picture's format."
    )


def test_a_picture_that_was_converted_at_once_is_not_sent_twice(owner, rekognition):
    rekognition.answers = [REFUSED]
    image = queued(owner)
    type(image).objects.update(orientation=6)
    work_until_done()
    assert (states(), len(rekognition.requests)) == ({"failed": 1}, 1)


def test_what_failed_for_good_does_not_say_that_it_is_tried_again(owner, rekognition):
    rekognition.answers = [(500, "InternalServerError")]
    queued(owner)
    work()
    assert Analysis.objects.get().error_message.endswith("It is asked again by itself.")
    Analysis.objects.update(attempts=claims.MAX_ATTEMPTS - 1)
    work_until_done()
    assert Analysis.objects.get().error_message == (
        "The labels request failed with InternalServerError: Rekognition has trouble of its own. It was tried 8 times."
    )


@pytest.mark.parametrize("content", ['{"Labels": [], "Sharpness": NaN}', '{"Labels": ' + "[" * 5000 + "]" * 5000 + "}"])
def test_an_answer_that_is_no_json_or_nested_too_deeply_is_told_in_plain_words(owner, rekognition, content):
    rekognition.answers = [content.encode()]
    queued(owner)
    work_until_done()
    analysis = Analysis.objects.get()
    assert (analysis.state, len(rekognition.requests)) == ("failed", 1)
    assert analysis.error_message == (
        "The labels request failed with UnreadableAnswer: "
        "The answer cannot be read: it is nested too deeply or is no valid JSON."
    )
    assert Call.objects.values_list("outcome", "price").get() == ("unknown", PRICE)


def nested(depth: int) -> dict:
    content: dict = {"Labels": []}
    for _ in range(depth):
        content = {"Labels": [], "Inner": content}
    return content


@pytest.mark.parametrize("content", [{"Labels": [], "Sharpness": float("inf")}, nested(5_000)])
def test_an_answer_that_cannot_be_stored_is_told_in_plain_words(owner, rekognition, content):
    queued(owner)
    (claimed,) = claims.claim("rekognition", "labels", maximum=1, region="eu-central-1")
    save_with_retry(
        [AttemptResult(claimed, answer=Response("labels", "rekognition", "3.0", content, "", 5), region="x")]
    )
    assert Analysis.objects.get().error_message == (
        "The labels request failed with UnstorableAnswer: "
        "The answer holds something that the database cannot store. The worker's log has the details."
    )


def test_a_defect_of_ours_shows_no_class_name(owner, rekognition):
    queued(owner)
    (claimed,) = claims.claim("rekognition", "labels", maximum=1, region="eu-central-1")
    save_with_retry([AttemptResult(claimed, error=ZeroDivisionError("division by zero"))])
    analysis = Analysis.objects.get()
    assert (analysis.state, analysis.error_code) == ("failed", "defect")
    assert analysis.error_message == "Something went wrong in imagelib. The worker's log has the details."
