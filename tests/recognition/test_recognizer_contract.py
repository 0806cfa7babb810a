"""The contract that all recognizers must fulfill."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import get_args

import botocore.session
import pytest
from botocore.stub import Stubber

from analysis.recognition import registry, responses
from analysis.recognition.base import (
    ApiName,
    ApiUnavailable,
    Parameters,
    Recognizer,
    RequestFailed,
    Response,
    UnreadableResponse,
)
from analysis.recognition.local.recognizer import LocalRecognizer
from analysis.recognition.rekognition.client import OPERATIONS, Rekognition
from tests import rekognition_responses
from tests.recognition import aws_shapes, sample_pictures

READERS: dict[ApiName, Callable[[object], tuple[object, ...]]] = {
    "labels": responses.labels_in,
    "faces": responses.faces_in,
    "celebrities": responses.celebrities_in,
    "text": responses.texts_in,
    "moderation": responses.moderation_in,
}


@dataclass(frozen=True)
class Subject:
    recognizer: Recognizer
    picture: dict[ApiName, bytes]
    """For each API one with something in it."""


@pytest.fixture(scope="module")
def client():
    session = botocore.session.Session()
    session.set_credentials("testing", "testing")
    return session.create_client("rekognition", region_name="eu-west-1")


@pytest.fixture(params=[name for name in registry.NAMES if name != "simulator"])  # which is Rekognition's client, too
def subject(request, client):
    """The recognizer of a name; a new one has a branch here."""
    match request.param:
        case "local":
            astronaut = sample_pictures.sample("astronaut.png")
            pictures = {"labels": astronaut, "faces": astronaut, "text": sample_pictures.sign()}
            yield Subject(LocalRecognizer(), pictures)
        case "rekognition":
            with Stubber(client) as stub:
                for operation in OPERATIONS.values():
                    response = rekognition_responses.RESPONSES[operation.name]()
                    metadata = rekognition_responses.metadata()
                    stub.add_response(operation.method, {**response, "ResponseMetadata": metadata})
                yield Subject(Rekognition(client=client), dict.fromkeys(OPERATIONS, sample_pictures.sign()))
        case name:
            pytest.fail(f"There is no Subject for the recognizer {name}.")


def test_recognizer_has_name_and_apis(subject, request):
    assert subject.recognizer.name == request.node.callspec.params["subject"]
    assert subject.recognizer.apis == set(subject.picture)
    assert subject.recognizer.apis <= set(get_args(ApiName))


def test_response_is_complete_readable_and_storable(subject):
    for api in OPERATIONS if subject.recognizer.name == "rekognition" else sorted(subject.recognizer.apis):
        answer = subject.recognizer.recognize(subject.picture[api], api=api, parameters=Parameters())

        assert isinstance(answer, Response)
        assert (answer.api, answer.recognizer) == (api, subject.recognizer.name)
        assert 0 < len(answer.model_version) <= 40
        assert 0 < len(answer.request_id) <= 80
        assert answer.latency_ms >= 0
        assert json.loads(json.dumps(answer.content, allow_nan=False)) == answer.content
        assert "ResponseMetadata" not in answer.content
        is_local = answer.recognizer == "local"
        complaints = aws_shapes.complaints_about_local if is_local else aws_shapes.complaints
        assert complaints(answer.content, aws_shapes.OPERATIONS[api]) == []
        assert READERS[api](answer.content) != ()


def test_invalid_bytes_raise_unreadable_response(subject):
    for api in sorted(subject.recognizer.apis):
        with pytest.raises(UnreadableResponse) as raised:
            subject.recognizer.recognize(b"not a picture", api=api, parameters=Parameters())
        assert (raised.value.api, raised.value.code) == (api, "NotAPicture")


def test_missing_api_raises_api_unavailable(subject):
    for api in sorted(set(get_args(ApiName)) - subject.recognizer.apis):
        with pytest.raises(ApiUnavailable) as raised:
            subject.recognizer.recognize(sample_pictures.sign(), api=api, parameters=Parameters())
        assert (raised.value.api, raised.value.code) == (api, "ApiNotOffered")


def test_there_are_three_kinds_of_errors():
    assert {kind.__name__ for kind in RequestFailed.__subclasses__()} == {
        "Throttled",
        "UnreadableResponse",
        "ApiUnavailable",
    }
