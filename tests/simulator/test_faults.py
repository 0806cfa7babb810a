from __future__ import annotations

import base64
import hashlib
import http.client
import json
import re
from contextlib import ExitStack

import pytest
from botocore.exceptions import (  # noqa: TID251
    ClientError,
    ConnectionClosedError,
    EndpointConnectionError,
    ReadTimeoutError,
)

from imagelib.simulator import ErrorToCome, running
from tests.simulator.conftest import connect
from tests.simulator.requests import call_simulator, connect_raw, eventually, picture, raw, send_request

IMAGE = {"Bytes": picture()}
IMAGE_SENT = send_request(picture())


def outcome(client, operation="detect_labels", image=IMAGE) -> str:
    """An error's code, the name of botocore's exception, or "answered"."""
    try:
        answer = getattr(client, operation)(Image=image)
    except ClientError as error:
        return error.response["Error"]["Code"]
    except (ConnectionClosedError, EndpointConnectionError, ReadTimeoutError) as error:
        return type(error).__name__
    return "answered" if answer.keys() - {"ResponseMetadata"} else "an empty answer"


@pytest.mark.parametrize(
    ("knob", "at_the_client", "counted"),
    [
        ("throttles", "ThrottlingException", "ThrottlingException"),
        ("errors", "InternalServerError", "InternalServerError"),
        ("drops", "ConnectionClosedError", "dropped"),
        ("early_drops", "ConnectionClosedError", "dropped early"),
        ("cuts", "an empty answer", "cut"),  # botocore passes over what is no JSON
        ("malformed", "an empty answer", "malformed"),
        ("pages", "an empty answer", "page"),
    ],
)
def test_every_request_meets_a_fault_of_a_hundred_percent(simulator, client, knob, at_the_client, counted):
    simulator.set(**{knob: 100})
    assert outcome(client) == at_the_client
    simulator.set(**{knob: 0})
    assert outcome(client) == "answered"

    statistics = simulator.statistics()
    paid = int(counted in {"dropped", "cut", "malformed"})  # AWS would bill them
    assert statistics["outcomes"] == {counted: 1, "answered": 1}
    assert statistics["paid"] == 1 + paid
    assert statistics["throttled"] == (knob == "throttles")
    assert statistics["pictures"]["DetectLabels"] == {"different": 1, "paid_again": paid}


def test_a_cut_promises_more_than_it_sends_and_malformed_json_does_not(simulator):
    simulator.set(cuts=100)
    with pytest.raises(http.client.IncompleteRead):
        raw(simulator.address, "DetectLabels", {"Image": IMAGE_SENT})
    simulator.set(cuts=0, malformed=100)
    with pytest.raises(json.JSONDecodeError):
        raw(simulator.address, "DetectLabels", {"Image": IMAGE_SENT})


def test_shares_of_faults_are_kept_and_the_same_for_the_same_seed(simulator):
    simulator.set(throttles=10, errors=5, drops=2, seed=3)
    first = [fault_of(simulator) for _ in range(200)]
    simulator.reset(settings=True)
    simulator.set(throttles=10, errors=5, drops=2, seed=3)
    assert [fault_of(simulator) for _ in range(200)] == first
    assert 8 <= first.count("ThrottlingException") <= 32
    assert 1 <= first.count("InternalServerError") <= 24
    assert 1 <= first.count("dropped") <= 14
    assert first.count("answered") > 140


def fault_of(simulator) -> str:
    try:
        status, _, said = raw(simulator.address, "DetectLabels", {"Image": IMAGE_SENT})
    except ConnectionError:
        return "dropped"
    return said["__type"] if status != 200 else "answered"


def test_slow_answers_and_latency_outlast_a_client(simulator):
    hasty = connect(simulator.address, read_timeout=0.03)
    for knobs in ({"slow": 100, "slow_latency": 100}, {"slow": 0, "latency": 100}, {"latency": 150, "jitter": 50}):
        simulator.set(**knobs)
        assert outcome(hasty) == "ReadTimeoutError"
    simulator.set(latency=0, jitter=0, throttles=100, refusal_latency=100)
    assert outcome(hasty) == "ReadTimeoutError"
    hasty.close()

    eventually(lambda: simulator.statistics()["in_flight"] == 0)
    statistics = simulator.statistics()
    assert statistics["outcomes"] == {"unheard": 3, "ThrottlingException": 1}
    assert (statistics["answered"], statistics["paid"]) == (0, 3)


def test_errors_to_come_are_given_as_often_as_told_then_never(simulator, client):
    simulator.set(
        next_errors=[
            {"code": "ThrottlingException", "times": 2, "operation": "DetectFaces", "status": 500},
            {"code": "InvalidS3ObjectException", "message": "Just so."},
        ]
    )
    with pytest.raises(client.exceptions.InvalidS3ObjectException, match="Just so"):
        client.detect_labels(Image=IMAGE)
    assert outcome(client) == "answered"
    with pytest.raises(client.exceptions.ThrottlingException) as refused:
        client.detect_faces(Image=IMAGE)
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 500
    simulator.set(throttles=0)  # another change does not begin them anew
    assert [outcome(client, "detect_faces") for _ in range(2)] == ["ThrottlingException", "answered"]

    simulator.set(next_errors=[ErrorToCome("ServiceUnavailableException")])
    assert [outcome(client) for _ in range(2)] == ["ServiceUnavailableException", "answered"]


@pytest.mark.parametrize(
    "code",
    ["AccessDeniedException", "UnrecognizedClientException", "ExpiredTokenException", "InvalidSignatureException"],
)
def test_credentials_are_withdrawn_until_given_back(simulator, client, code):
    simulator.set(credentials=code)
    assert [outcome(client), outcome(client, "detect_text")] == [code, code]
    simulator.set(credentials="")
    assert outcome(client) == "answered"


def test_single_operations_are_denied_by_the_name_of_the_action(simulator, client):
    simulator.set(denied=["DetectFaces"])
    with pytest.raises(
        client.exceptions.AccessDeniedException, match="not authorized to perform: rekognition:DetectFaces"
    ):
        client.detect_faces(Image=IMAGE)
    assert outcome(client) == "answered"


def test_down_closes_connections_and_can_still_be_ended(simulator, client):
    simulator.set(down=True)
    assert outcome(client) == "ConnectionClosedError"
    assert call_simulator(simulator.address, "POST", "/simulator/settings", b'{"down": false}')[0] == 200
    assert outcome(client) == "answered"


def test_away_refuses_connections_and_comes_back_at_the_same_address(simulator, client):
    assert outcome(client) == "answered"
    with simulator.away():
        assert outcome(client) == "EndpointConnectionError"
    assert outcome(client) == "answered"
    assert simulator.statistics()["requests"] == 2


def test_pictures_are_counted_by_the_digest_of_their_bytes(simulator, client):
    for number in (1, 2, 2):
        client.detect_labels(Image={"Bytes": picture(number)})
    client.detect_faces(Image={"Bytes": picture(1)})

    digests = [hashlib.sha256(picture(number)).hexdigest() for number in (1, 2)]
    expected = {"DetectLabels": {digests[0]: 1, digests[1]: 2}, "DetectFaces": {digests[0]: 1}}
    assert simulator.pictures() == expected
    assert call_simulator(simulator.address, "GET", "/simulator/pictures")[2] == expected
    assert simulator.statistics()["pictures"] == {
        "DetectLabels": {"different": 2, "paid_again": 1},
        "DetectFaces": {"different": 1, "paid_again": 0},
    }


def test_pictures_may_be_told_apart_without_decoding_them(simulator, client):
    simulator.set(decode=False)
    for number in (1, 2, 2):
        client.detect_labels(Image={"Bytes": picture(number)})
    digests = [hashlib.sha256(base64.b64encode(picture(number))).hexdigest() for number in (1, 2)]
    assert simulator.pictures() == {"DetectLabels": {digests[0]: 1, digests[1]: 2}}


def test_the_most_requests_at_once_are_known():
    body = json.dumps({"Image": IMAGE_SENT})
    head = "POST / HTTP/1.1\r\nX-Amz-Target: RekognitionService.DetectLabels\r\nAuthorization: x\r\n"
    with running(latency=60_000) as simulator, ExitStack() as lines:
        for _ in range(5):
            line = lines.enter_context(connect_raw(simulator.address))
            line.sendall(f"{head}Content-Length: {len(body)}\r\n\r\n{body}".encode())
        eventually(lambda: simulator.statistics()["in_flight"] == 5)
        assert simulator.statistics()["in_flight_most"] == 5
        simulator.reset()
        assert simulator.statistics()["in_flight_most"] == 5  # they still wait


def test_seconds_add_up(simulator, client):
    simulator.set(next_errors=[ErrorToCome("ThrottlingException", times=2)])
    for _ in range(5):
        outcome(client)
    seconds = simulator.statistics()["seconds"]
    assert [sum(second[what] for second in seconds) for what in ("received", "paid", "throttled")] == [5, 3, 2]


def test_settings_and_statistics_are_there_over_http(simulator, client):
    def control(method, what, **knobs):
        status, _, said = call_simulator(simulator.address, method, f"/simulator/{what}", json.dumps(knobs).encode())
        return status, said

    assert control("POST", "settings", errors=100, tps={"DetectText": 3})[1]["errors"] == 100
    assert control("GET", "settings")[1]["tps"] == {"DetectText": 3}
    assert outcome(client) == "InternalServerError"
    assert control("GET", "statistics")[1]["outcomes"] == {"InternalServerError": 1}
    assert control("POST", "reset")[1]["requests"] == 0
    assert outcome(client) == "InternalServerError"
    assert control("POST", "reset", settings=True)[1]["requests"] == 0
    assert outcome(client) == "answered"
    assert control("GET", "nothing")[0] == 404
    assert control("DELETE", "settings")[0] == 404


@pytest.mark.parametrize(
    ("knobs", "sentence"),
    [
        ({"latencies": 3}, "There is no setting latencies"),
        ({"latency": -1}, "latency is a number of at least 0, not -1"),
        ({"latency": "3"}, "latency is a number of at least 0, not '3'"),
        ({"throttles": 60, "drops": 50}, "more than 100 percent together"),
        ({"tps": 0}, "tps and burst are above 0 or not set, not 0"),
        ({"tps": {"DetectLabels": "5"}}, "tps and burst are above 0 or not set, not '5'"),
        ({"tps": {"DetectDogs": 5}}, "There is no operation DetectDogs"),
        ({"burst": 0.5}, "burst is at least 1"),
        ({"denied": ["DetectDogs"]}, "There is no operation DetectDogs"),
        ({"credentials": "Bogus"}, "credentials is empty or one of AccessDeniedException"),
        ({"down": "yes"}, "down is true or false, not 'yes'"),
        ({"decode": 1}, "decode is true or false, not 1"),
        ({"s3": "maybe"}, "s3 is one of present, absent, fetch"),
        ({"model_version": 3.1}, "model_version and version_suffix are strings"),
        ({"next_errors": [{"kode": "x"}]}, "it takes code, times, operation, status, message"),
        ({"next_errors": [{"code": 5}]}, "its code is a string"),
    ],
)
def test_settings_that_cannot_be_are_refused_and_nothing_changes(simulator, knobs, sentence):
    before = simulator.settings
    with pytest.raises(ValueError, match=re.escape(sentence)) as refused:
        simulator.set(**knobs, seed=5)
    status, _, said = call_simulator(simulator.address, "POST", "/simulator/settings", json.dumps(knobs).encode())
    assert (status, said) == (400, {"error": str(refused.value)})
    assert simulator.settings == before


def test_what_is_posted_is_an_object(simulator):
    assert call_simulator(simulator.address, "POST", "/simulator/settings", b"[]")[2] == {
        "error": "What is posted is a JSON object."
    }
    assert call_simulator(simulator.address, "POST", "/simulator/settings", b"{")[0] == 400


def test_a_page_is_html_of_somebody_who_is_not_rekognition(simulator):
    simulator.set(pages=100)
    with pytest.raises(json.JSONDecodeError) as raised:
        raw(simulator.address, "DetectLabels", {"Image": IMAGE_SENT})
    assert raised.value.doc.startswith("<!DOCTYPE html>")
    assert simulator.statistics()["paid"] == 0


def test_silence_is_paid_for_and_ends_with_the_clients_patience(simulator):
    simulator.set(silent=100)
    hasty = connect(simulator.address, read_timeout=0.03)
    assert outcome(hasty) == "ReadTimeoutError"
    hasty.close()
    assert (simulator.statistics()["outcomes"], simulator.statistics()["paid"]) == ({"silent": 1}, 1)
