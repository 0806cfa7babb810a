from __future__ import annotations

import base64
import hashlib
import http.client
import json
import re
from contextlib import ExitStack

import pytest
from botocore.exceptions import (
    ClientError,
    ConnectionClosedError,
    EndpointConnectionError,
    ReadTimeoutError,
)

from imagelib.simulator import NextError, run_simulator
from tests.simulator.conftest import connect
from tests.simulator.requests import call_simulator, connect_raw, eventually, picture, raw, send_request

IMAGE = {"Bytes": picture()}
IMAGE_SENT = send_request(picture())


def outcome(client, operation="detect_labels", image=IMAGE) -> str:
    """Error code, name of botocore's exception, or "answered"."""
    try:
        response = getattr(client, operation)(Image=image)
    except ClientError as error:
        return error.response["Error"]["Code"]
    except (ConnectionClosedError, EndpointConnectionError, ReadTimeoutError) as error:
        return type(error).__name__
    return "answered" if response.keys() - {"ResponseMetadata"} else "empty response"


@pytest.mark.parametrize(
    ("setting", "client_outcome", "server_outcome"),
    [
        ("throttles", "ThrottlingException", "ThrottlingException"),
        ("errors", "InternalServerError", "InternalServerError"),
        ("drops", "ConnectionClosedError", "dropped"),
        ("early_drops", "ConnectionClosedError", "dropped early"),
        ("cuts", "empty response", "cut"),  # botocore ignores invalid JSON
        ("malformed", "empty response", "malformed"),
        ("pages", "empty response", "page"),
    ],
)
def test_fault_of_100_percent_affects_all_requests(simulator, client, setting, client_outcome, server_outcome):
    simulator.set(**{setting: 100})
    assert outcome(client) == client_outcome
    simulator.set(**{setting: 0})
    assert outcome(client) == "answered"

    statistics = simulator.statistics()
    paid = int(server_outcome in {"dropped", "cut", "malformed"})  # AWS would bill them
    assert statistics["outcomes"] == {server_outcome: 1, "answered": 1}
    assert statistics["paid"] == 1 + paid
    assert statistics["throttled"] == (setting == "throttles")
    assert statistics["pictures"]["DetectLabels"] == {"different": 1, "paid_again": paid}


def test_cut_sends_less_than_content_length_and_malformed_json_does_not(simulator):
    simulator.set(cuts=100)
    with pytest.raises(http.client.IncompleteRead):
        raw(simulator.address, "DetectLabels", {"Image": IMAGE_SENT})
    simulator.set(cuts=0, malformed=100)
    with pytest.raises(json.JSONDecodeError):
        raw(simulator.address, "DetectLabels", {"Image": IMAGE_SENT})


def test_faults_occur_at_their_rates_and_reproducibly_by_seed(simulator):
    simulator.set(throttles=10, errors=5, drops=2, seed=3)
    first = [raw_outcome(simulator) for _ in range(200)]
    simulator.reset(settings=True)
    simulator.set(throttles=10, errors=5, drops=2, seed=3)
    assert [raw_outcome(simulator) for _ in range(200)] == first
    assert 8 <= first.count("ThrottlingException") <= 32
    assert 1 <= first.count("InternalServerError") <= 24
    assert 1 <= first.count("dropped") <= 14
    assert first.count("answered") > 140


def raw_outcome(simulator) -> str:
    try:
        status, _, content = raw(simulator.address, "DetectLabels", {"Image": IMAGE_SENT})
    except ConnectionError:
        return "dropped"
    return content["__type"] if status != 200 else "answered"


def test_latency_and_slow_responses_exceed_a_read_timeout(simulator):
    impatient = connect(simulator.address, read_timeout=0.03)
    # Far longer than the timeout: on a busy machine a response may be there before the client begins to wait for it.
    for settings in (
        {"slow": 100, "slow_latency": 1_000},
        {"slow": 0, "latency": 1_000},
        {"latency": 1_050, "jitter": 50},
    ):
        simulator.set(**settings)
        assert outcome(impatient) == "ReadTimeoutError"
    simulator.set(latency=0, jitter=0, throttles=100, refusal_latency=1_000)
    assert outcome(impatient) == "ReadTimeoutError"
    impatient.close()

    eventually(lambda: simulator.statistics()["in_flight"] == 0)
    statistics = simulator.statistics()
    assert statistics["outcomes"] == {"unheard": 3, "ThrottlingException": 1}
    assert (statistics["answered"], statistics["paid"]) == (0, 3)


def test_next_errors_occur_the_given_number_of_times(simulator, client):
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
    simulator.set(throttles=0)  # another change does not repeat them
    assert [outcome(client, "detect_faces") for _ in range(2)] == ["ThrottlingException", "answered"]

    simulator.set(next_errors=[NextError("ServiceUnavailableException")])
    assert [outcome(client) for _ in range(2)] == ["ServiceUnavailableException", "answered"]


@pytest.mark.parametrize(
    "code",
    ["AccessDeniedException", "UnrecognizedClientException", "ExpiredTokenException", "InvalidSignatureException"],
)
def test_credentials_error_lasts_until_it_is_cleared(simulator, client, code):
    simulator.set(credentials=code)
    assert [outcome(client), outcome(client, "detect_text")] == [code, code]
    simulator.set(credentials="")
    assert outcome(client) == "answered"


def test_denied_operation_is_named_in_the_message(simulator, client):
    simulator.set(denied=["DetectFaces"])
    with pytest.raises(
        client.exceptions.AccessDeniedException, match="not authorized to perform: rekognition:DetectFaces"
    ):
        client.detect_faces(Image=IMAGE)
    assert outcome(client) == "answered"


def test_down_closes_connections_but_not_those_of_the_controls(simulator, client):
    simulator.set(down=True)
    assert outcome(client) == "ConnectionClosedError"
    assert call_simulator(simulator.address, "POST", "/simulator/settings", b'{"down": false}')[0] == 200
    assert outcome(client) == "answered"


def test_unreachable_refuses_connections_and_keeps_the_address(simulator, client):
    assert outcome(client) == "answered"
    with simulator.unreachable():
        assert outcome(client) == "EndpointConnectionError"
    assert outcome(client) == "answered"
    assert simulator.statistics()["requests"] == 2


def test_pictures_are_counted_by_digest(simulator, client):
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


def test_digest_without_decoding_is_that_of_the_base64_text(simulator, client):
    simulator.set(decode=False)
    for number in (1, 2, 2):
        client.detect_labels(Image={"Bytes": picture(number)})
    digests = [hashlib.sha256(base64.b64encode(picture(number))).hexdigest() for number in (1, 2)]
    assert simulator.pictures() == {"DetectLabels": {digests[0]: 1, digests[1]: 2}}


def test_peak_of_requests_in_flight_is_counted():
    body = json.dumps({"Image": IMAGE_SENT})
    head = "POST / HTTP/1.1\r\nX-Amz-Target: RekognitionService.DetectLabels\r\nAuthorization: x\r\n"
    with run_simulator(latency=60_000) as simulator, ExitStack() as stack:
        for _ in range(5):
            connection = stack.enter_context(connect_raw(simulator.address))
            connection.sendall(f"{head}Content-Length: {len(body)}\r\n\r\n{body}".encode())
        eventually(lambda: simulator.statistics()["in_flight"] == 5)
        assert simulator.statistics()["in_flight_peak"] == 5
        simulator.reset()
        assert simulator.statistics()["in_flight_peak"] == 5  # these are still in flight


def test_counts_by_second_add_up(simulator, client):
    simulator.set(next_errors=[NextError("ThrottlingException", times=2)])
    for _ in range(5):
        outcome(client)
    seconds = simulator.statistics()["seconds"]
    assert [sum(second[what] for second in seconds) for what in ("received", "paid", "throttled")] == [5, 3, 2]


def test_settings_and_statistics_over_http(simulator, client):
    def control(method, what, **settings):
        status, _, content = call_simulator(
            simulator.address, method, f"/simulator/{what}", json.dumps(settings).encode()
        )
        return status, content

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
    ("changes", "message"),
    [
        ({"latencies": 3}, "Unknown setting: latencies"),
        ({"latency": -1}, "latency must be a number of at least 0, not -1"),
        ({"latency": "3"}, "latency must be a number of at least 0, not '3'"),
        ({"throttles": 60, "drops": 50}, "must not exceed 100 percent together"),
        ({"tps": 0}, "tps and burst must be above 0 or unset, not 0"),
        ({"tps": {"DetectLabels": "5"}}, "tps and burst must be above 0 or unset, not '5'"),
        ({"tps": {"DetectDogs": 5}}, "Unknown operation: DetectDogs"),
        ({"burst": 0.5}, "burst must be at least 1"),
        ({"denied": ["DetectDogs"]}, "Unknown operation: DetectDogs"),
        ({"credentials": "Bogus"}, "credentials must be empty or one of AccessDeniedException"),
        ({"down": "yes"}, "down must be true or false, not 'yes'"),
        ({"decode": 1}, "decode must be true or false, not 1"),
        ({"s3": "maybe"}, "s3 must be one of present, absent, fetch"),
        ({"model_version": 3.1}, "model_version and version_suffix must be strings"),
        ({"next_errors": [{"kode": "x"}]}, "its fields are code, times, operation, status, message"),
        ({"next_errors": [{"code": 5}]}, "code must be a string"),
    ],
)
def test_invalid_settings_are_rejected_without_a_change(simulator, changes, message):
    before = simulator.settings
    with pytest.raises(ValueError, match=re.escape(message)) as refused:
        simulator.set(**changes, seed=5)
    status, _, content = call_simulator(simulator.address, "POST", "/simulator/settings", json.dumps(changes).encode())
    assert (status, content) == (400, {"error": str(refused.value)})
    assert simulator.settings == before


def test_settings_body_must_be_a_json_object(simulator):
    assert call_simulator(simulator.address, "POST", "/simulator/settings", b"[]")[2] == {
        "error": "The body must be a JSON object."
    }
    assert call_simulator(simulator.address, "POST", "/simulator/settings", b"{")[0] == 400


def test_page_is_html_instead_of_a_response(simulator):
    simulator.set(pages=100)
    with pytest.raises(json.JSONDecodeError) as raised:
        raw(simulator.address, "DetectLabels", {"Image": IMAGE_SENT})
    assert raised.value.doc.startswith("<!DOCTYPE html>")
    assert simulator.statistics()["paid"] == 0


def test_silent_call_is_paid_for_and_ends_with_the_read_timeout(simulator):
    simulator.set(silent=100)
    impatient = connect(simulator.address, read_timeout=0.03)
    assert outcome(impatient) == "ReadTimeoutError"
    impatient.close()
    assert (simulator.statistics()["outcomes"], simulator.statistics()["paid"]) == ({"silent": 1}, 1)
