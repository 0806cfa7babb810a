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


def ask(recognizer, api="labels", picture=None, **parameters):
    return recognizer.recognize(picture or pictures.jpeg(), api=api, parameters=Parameters(**parameters))


def test_the_simulator_has_every_operation():
    assert sorted(operation.name for operation in client.OPERATIONS.values()) == sorted(OPERATIONS)


@pytest.mark.parametrize("api", APIS)
def test_each_api_answers(simulator, recognizer, api):
    answer = ask(recognizer, api)

    operation = client.OPERATIONS[api].name
    assert (answer.api, answer.recognizer, len(answer.request_id)) == (api, "rekognition", 36)
    assert aws_shapes.complaints(answer.content, operation) == []
    assert isinstance(READERS[api](answer.content), tuple)
    versions = {"faces": "faces-1", "celebrities": "celebrities-1", "moderation": "7.0-simulated"}
    assert answer.model_version == versions.get(api, "3.0-simulated")
    assert simulator.statistics()["paid"] == 1


def test_fields_of_tomorrow_survive(monkeypatch, recognizer):
    said = {"Labels": [{"Name": "Dog", "Mood": {"Tail": "wagging"}}], "LabelModelVersion": "4.0", "Weather": ["fair"]}
    server = RekognitionServer()
    server.answers = [said]
    with serving(server) as address:
        monkeypatch.setenv("AWS_ENDPOINT_URL_REKOGNITION", address)
        answer = ask(recognizer)

    assert (answer.content, answer.model_version) == (said, "4.0")


def test_filters_arrive(recognizer):
    everything = {label["Name"]: label["Categories"][0]["Name"] for label in ask(recognizer).content["Labels"]}
    name = sorted(everything)[0]

    only = ask(recognizer, label_inclusion=(name,)).content["Labels"]
    without = ask(recognizer, category_exclusion=(everything[name],)).content["Labels"]

    assert [label["Name"] for label in only] == [name]
    assert {label["Name"] for label in without} == {
        each for each, category in everything.items() if category != everything[name]
    }


def test_a_picture_in_s3_is_referred_to_or_cannot_be_read(simulator, recognizer):
    reference = S3Object("pictures", "originals/a.jpg", "v1")

    assert ask(recognizer, picture=reference).content["Labels"]
    simulator.set(s3="absent")
    with pytest.raises(UnreadableResponse, match="InvalidS3ObjectException") as raised:
        ask(recognizer, picture=reference)
    assert raised.value.outcome == "failed"


@pytest.mark.parametrize("api", APIS)
def test_a_denied_api_is_named_and_the_others_answer(simulator, recognizer, api):
    operation = client.OPERATIONS[api].name
    simulator.set(denied=[operation])

    with pytest.raises(ApiUnavailable, match=f"Allow the IAM action rekognition:{operation}") as raised:
        ask(recognizer, api)

    assert (raised.value.outcome, len(raised.value.request_id)) == ("failed", 36)
    others = [other for other in APIS if other != api]
    assert [ask(recognizer, other).api for other in others] == others


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
def test_a_fault_is_told_with_what_the_ledger_may_say(simulator, recognizer, knobs, expected):
    kind, code, _ = expected
    simulator.set(**knobs)

    with pytest.raises(kind) as raised:
        ask(recognizer)

    assert (type(raised.value), raised.value.code, raised.value.outcome) == expected
    assert bool(raised.value.request_id) == (code not in {"ConnectionClosedError", "NotRekognition"})


def test_a_quota_is_told_from_other_trouble(simulator, recognizer):
    simulator.set(tps=0.01, burst=1)
    ask(recognizer)

    with pytest.raises(Throttled, match="ProvisionedThroughputExceededException") as raised:
        ask(recognizer)

    assert raised.value.outcome == "throttled"
    assert ask(recognizer, "text").api == "text"  # each API has a quota of its own


def test_nothing_is_sent_to_an_endpoint_that_is_down_and_it_answers_again_afterwards(simulator, recognizer):
    ask(recognizer)
    with simulator.unreachable(), pytest.raises(ApiUnavailable, match="EndpointConnectionError") as raised:
        ask(recognizer)

    assert raised.value.outcome is None
    assert ask(recognizer).content["Labels"]


def test_one_request_is_sent_per_call_whatever_happens(simulator, recognizer):
    simulator.set(errors=100)
    with pytest.raises(Throttled):
        ask(recognizer)

    assert simulator.statistics()["requests"] == 1
