"""The real client over HTTP, against the simulator."""

from __future__ import annotations

import os

import pytest

from analysis.recognition.base import ApiUnavailable, Parameters, S3Object, Throttled, UnreadableResponse
from analysis.recognition.rekognition import client
from imagelib.simulator import OPERATIONS, run_simulator
from tests import pictures
from tests.recognition import aws_shapes
from tests.recognition.test_recognizer_contract import READERS
from tests.rekognition_server import RekognitionServer, serving

APIS = list(client.OPERATIONS)


@pytest.fixture(scope="module")
def service():
    with run_simulator() as simulator:
        yield simulator


@pytest.fixture
def simulator(service, monkeypatch):
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_ENDPOINT_URL_REKOGNITION", service.address)
    yield service
    service.reset(settings=True)
    client.reset()


@pytest.fixture
def recognizer(simulator):
    return client.connect(region="eu-west-1", threads=2)


def recognize(recognizer, api="labels", picture=None, **parameters):
    return recognizer.recognize(picture or pictures.jpeg(), api=api, parameters=Parameters(**parameters))


def test_simulator_has_all_operations():
    assert sorted(operation.name for operation in client.OPERATIONS.values()) == sorted(OPERATIONS)


@pytest.mark.parametrize("api", APIS)
def test_all_apis_respond(simulator, recognizer, api):
    answer = recognize(recognizer, api)

    operation = client.OPERATIONS[api].name
    assert (answer.api, answer.recognizer, len(answer.request_id)) == (api, "rekognition", 36)
    assert aws_shapes.complaints(answer.content, operation) == []
    assert isinstance(READERS[api](answer.content), tuple)
    versions = {"faces": "faces-1", "celebrities": "celebrities-1", "moderation": "7.0-simulated"}
    assert answer.model_version == versions.get(api, "3.0-simulated")
    assert simulator.statistics()["paid"] == 1


def test_unknown_fields_are_kept(monkeypatch, recognizer):
    content = {
        "Labels": [{"Name": "Dog", "Mood": {"Tail": "wagging"}}],
        "LabelModelVersion": "4.0",
        "Weather": ["fair"],
    }
    server = RekognitionServer()
    server.answers = [content]
    with serving(server) as address:
        monkeypatch.setenv("AWS_ENDPOINT_URL_REKOGNITION", address)
        answer = recognize(recognizer)

    assert (answer.content, answer.model_version) == (content, "4.0")


def test_filters_are_sent(recognizer):
    categories = {label["Name"]: label["Categories"][0]["Name"] for label in recognize(recognizer).content["Labels"]}
    name = sorted(categories)[0]

    included = recognize(recognizer, label_inclusion=(name,)).content["Labels"]
    remaining = recognize(recognizer, category_exclusion=(categories[name],)).content["Labels"]

    assert [label["Name"] for label in included] == [name]
    assert {label["Name"] for label in remaining} == {
        name_ for name_, category in categories.items() if category != categories[name]
    }


def test_s3_reference_succeeds_or_fails_as_invalid_object(simulator, recognizer):
    reference = S3Object("pictures", "originals/a.jpg", "v1")

    assert recognize(recognizer, picture=reference).content["Labels"]
    simulator.set(s3="absent")
    with pytest.raises(UnreadableResponse, match="InvalidS3ObjectException") as raised:
        recognize(recognizer, picture=reference)
    assert raised.value.outcome == "failed"


@pytest.mark.parametrize("api", APIS)
def test_denied_api_does_not_affect_others(simulator, recognizer, api):
    operation = client.OPERATIONS[api].name
    simulator.set(denied=[operation])

    with pytest.raises(ApiUnavailable, match=f"Allow the IAM action rekognition:{operation}") as raised:
        recognize(recognizer, api)

    assert (raised.value.outcome, len(raised.value.request_id)) == ("failed", 36)
    others = [other for other in APIS if other != api]
    assert [recognize(recognizer, other).api for other in others] == others


@pytest.mark.parametrize(
    ("knobs", "expected"),
    [
        ({"throttles": 100}, (Throttled, "ThrottlingException", "throttled")),
        ({"errors": 100}, (Throttled, "InternalServerError", "failed")),
        ({"next_errors": [{"code": "BadGateway"}]}, (Throttled, "BadGateway", "failed")),
        ({"credentials": "ExpiredTokenException"}, (ApiUnavailable, "ExpiredTokenException", "failed")),
        ({"drops": 100}, (Throttled, "ConnectionClosedError", "unknown")),
        ({"early_drops": 100}, (Throttled, "ConnectionClosedError", "unknown")),
        ({"malformed": 100}, (Throttled, "AnswerCutShort", "unknown")),
        ({"cuts": 100}, (Throttled, "AnswerCutShort", "unknown")),
        ({"pages": 100}, (ApiUnavailable, "NotRekognition", "failed")),
    ],
)
def test_faults_have_the_right_outcome(simulator, recognizer, knobs, expected):
    kind, code, _ = expected
    simulator.set(**knobs)

    with pytest.raises(kind) as raised:
        recognize(recognizer)

    assert (type(raised.value), raised.value.code, raised.value.outcome) == expected
    assert bool(raised.value.request_id) == (code not in {"ConnectionClosedError", "NotRekognition"})


def test_throttling_differs_from_server_errors(simulator, recognizer):
    simulator.set(tps=0.01, burst=1)
    recognize(recognizer)

    with pytest.raises(Throttled, match="ProvisionedThroughputExceededException") as raised:
        recognize(recognizer)

    assert raised.value.outcome == "throttled"
    assert recognize(recognizer, "text").api == "text"  # each API has its own quota


def test_endpoint_works_again_after_downtime(simulator, recognizer):
    recognize(recognizer)
    with simulator.unreachable(), pytest.raises(ApiUnavailable, match="EndpointConnectionError") as raised:
        recognize(recognizer)

    assert raised.value.outcome is None
    assert recognize(recognizer).content["Labels"]


def test_client_never_retries(simulator, recognizer):
    simulator.set(errors=100)
    with pytest.raises(Throttled):
        recognize(recognizer)

    assert simulator.statistics()["requests"] == 1
