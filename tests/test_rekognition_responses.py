from __future__ import annotations

import pytest

from tests import rekognition_responses
from tests.recognition import aws_shapes


@pytest.mark.parametrize("operation", rekognition_responses.RESPONSES)
def test_answers_have_the_shapes_of_the_service_model(operation):
    assert aws_shapes.complaints(rekognition_responses.RESPONSES[operation](), operation) == []


def test_shapes_are_told_apart():
    wrong = {"Labels": [{"Name": 3, "Confidence": 101.0, "Color": "red"}], "LabelModelVersion": "3.0"}

    assert sorted(aws_shapes.complaints(wrong, "DetectLabels")) == [
        "DetectLabels.Labels[0].Color is unknown",
        "DetectLabels.Labels[0].Confidence is not within 0 and 100: 101.0",
        "DetectLabels.Labels[0].Name is no string: 3",
    ]
