from __future__ import annotations

import pytest

from imagelib.simulator import OPERATIONS
from tests.simulator.requests import call_simulator, connect_raw, picture, raw, send_request

CALLS = {
    "DetectLabels": "detect_labels",
    "DetectFaces": "detect_faces",
    "RecognizeCelebrities": "recognize_celebrities",
    "DetectText": "detect_text",
    "DetectModerationLabels": "detect_moderation_labels",
}


@pytest.mark.parametrize("operation", OPERATIONS)
def test_boto3_client_gets_a_response(simulator, client, operation):
    response = getattr(client, CALLS[operation])(Image={"Bytes": picture()})

    metadata = response["ResponseMetadata"]
    assert metadata["HTTPStatusCode"] == 200
    assert metadata["RequestId"] == metadata["HTTPHeaders"]["x-amzn-requestid"]
    assert metadata["HTTPHeaders"]["x-simulated"] == "These results are invented; no picture was looked at."
    assert simulator.statistics()["operations"] == {operation: {"requests": 1, "answered": 1}}


def test_error_has_the_documented_form(simulator):
    status, headers, content = raw(simulator.address, "DetectLabels", {"Image": send_request(b"GIF89a")})

    assert status == 400
    assert headers["Content-Type"] == "application/x-amz-json-1.1"
    assert content == {
        "__type": "InvalidImageFormatException",
        "Code": "InvalidImageFormatException",
        "Logref": headers["x-amzn-RequestId"],
        "Message": "Request has invalid image format",
    }


def test_unsupported_operation_is_unknown(simulator):
    assert raw(simulator.address, "DetectCustomLabels", {})[2]["__type"] == "UnknownOperationException"
    assert raw(simulator.address, "", {}, **{"X-Amz-Target": "AmazonSQS.SendMessage"})[2]["Code"] == (
        "UnknownOperationException"
    )
    assert simulator.statistics()["operations"] == {"unknown": {"requests": 2, "UnknownOperationException": 2}}


def test_unsigned_request_is_rejected(simulator):
    target = {"X-Amz-Target": "RekognitionService.DetectLabels"}
    status, _, content = call_simulator(simulator.address, "POST", "/", b"{}", target)
    assert (status, content["__type"]) == (400, "MissingAuthenticationTokenException")


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b'{"Image": 5}', b'{"Image": {"Bytes": 5}}', b'{"Image": {"Bytes": "?"}}']
)
def test_malformed_body_is_a_serialization_error(simulator, body):
    assert raw(simulator.address, "DetectLabels", body)[2]["__type"] == "SerializationException"


def test_large_picture_is_cut_out_of_the_json_at_any_position(simulator):
    large = send_request(picture() + bytes(8000))
    responses = [
        raw(simulator.address, "DetectLabels", {"Image": large, "MaxLabels": 3}),
        raw(simulator.address, "DetectLabels", {"MaxLabels": 3, "Image": large}),
        raw(simulator.address, "DetectLabels", {"MaxLabels": 3, "Image": large, "Other": {"Bytes": "x"}}),
        raw(simulator.address, "DetectLabels", {"Other": {"Bytes": "x"}, "MaxLabels": 3, "Image": large}),
    ]
    assert [status for status, _, _ in responses] == [200] * 4
    assert all(content == responses[0][2] for _, _, content in responses)


def test_largest_picture_is_accepted(simulator, client):
    content = picture() + bytes(5 * 1024 * 1024 - len(picture()))
    client.detect_labels(Image={"Bytes": content})
    assert simulator.statistics()["bytes_received"] > 6_990_000


def test_connection_is_kept_alive(simulator):
    request = (
        b"GET /simulator/settings HTTP/1.1\r\nHost: here\r\n\r\n",
        b"GET /simulator/statistics HTTP/1.1\r\nHost: here\r\nX: y\r\n\r\n",
    )
    with connect_raw(simulator.address) as connection:
        connection.sendall(request[0] + request[1][:20])  # the second begins before the first is answered
        connection.sendall(request[1][20:])
        received = b""
        while received.count(b"HTTP/1.1 200 OK") < 2:
            received += connection.recv(65536)


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (b"GET / HTTP/1.1\r\n\r\n", b"405"),
        (b"nonsense\r\n\r\n", b"400"),
        (b"POST / HTTP/1.1\r\nno colon\r\n\r\n", b"400"),
        (b"POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n", b"400"),
        (b"POST / HTTP/1.1\r\nContent-Length: 99999999999\r\n\r\n", b"413"),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", b"411"),
        (b"POST / HTTP/1.1\r\nX: " + b"x" * 70_000, b"431"),
    ],
    ids=lambda value: value[:30].decode() if isinstance(value, bytes) else None,
)
def test_unsupported_http_is_rejected_and_the_connection_closed(simulator, request_, status):
    with connect_raw(simulator.address) as connection:
        connection.sendall(request_)
        received = b""
        while part := connection.recv(65536):
            received += part
    assert received.startswith(b"HTTP/1.1 " + status)


def test_expect_100_continue(simulator):
    with connect_raw(simulator.address) as connection:
        connection.sendall(b"POST /simulator/reset HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n")
        assert connection.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(b"{}")
        assert connection.recv(100).startswith(b"HTTP/1.1 200 OK")
