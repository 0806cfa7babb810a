"""Results of current analyses in messages of sinks."""

from __future__ import annotations

import pytest

from analysis.delivery.documents import full_image_documents, image_message
from tests.delivery.test_sinks_of_aws import CELEBRITY, FACE, check
from tests.factories import create_analysis, create_image

pytestmark = pytest.mark.django_db
ANSWERS = {
    "labels": {
        "Labels": [],
        "ImageProperties": {
            "Quality": {"Brightness": 80.123, "Sharpness": 70},
            "DominantColors": [{"Red": 255, "Green": 0, "Blue": 16, "CSSColor": "red", "PixelPercent": 12.345}],
        },
    },
    "faces": {"FaceDetails": [FACE, {"Confidence": 99}]},
    "celebrities": {"CelebrityFaces": [CELEBRITY]},
    "text": {
        "TextDetections": [
            {"DetectedText": "STOP", "Type": "LINE", "Confidence": 99},
            {"DetectedText": "STOP", "Type": "WORD", "Confidence": 99},
        ]
    },
    "moderation": {"ModerationLabels": [{"Name": "Alcohol", "ParentName": "", "Confidence": 77}]},
}


def test_results_of_all_apis(owner):
    image = create_image(owner)
    for api, answer in ANSWERS.items():
        create_analysis(image, api, "done", answer=answer)
        create_analysis(image, api, "done", answer={}, is_current=False)
    document = full_image_documents([image.pk])[image.pk]
    check(
        {"id": "0b2f7a5e-6f4b-4a57-9a0f-0c9f3b0a1d11", "created_at": "2026-11-01T00:00:00Z"} | image_message(document),
        "image-message",
    )
    assert document["models"] == dict.fromkeys(ANSWERS, "3.0")
    assert document["quality"] == {"brightness": 80.12, "sharpness": 70, "contrast": None}
    assert document["colors"] == [{"hex": "#ff0010", "name": "red", "percent": 12.35}]
    assert [(face["gender"], face["smile"], face["emotions"]) for face in document["faces"]] == [
        ("Female", True, [{"type": "HAPPY", "confidence": 96}])
    ]
    assert [celebrity["urls"] for celebrity in document["celebrities"]] == [["example.org/ada"]]
    assert [text["text"] for text in document["text"]] == ["STOP"]
    assert document["moderation"] == [{"name": "Alcohol", "parent": "", "confidence": 77}]


def test_what_was_not_analyzed_is_null_and_what_was_not_found_is_empty(owner, django_assert_num_queries):
    images = [create_image(owner) for _ in range(3)]
    create_analysis(images[0], "faces", "done", answer={"FaceDetails": []})
    with django_assert_num_queries(4):
        documents = full_image_documents([image.pk for image in images])
    assert [documents[image.pk]["faces"] for image in images] == [[], None, None]
    assert documents[images[1].pk]["models"] == {}
