"""Unnamed and unlisted errors, and responses that are not from Rekognition."""

from __future__ import annotations

import botocore.session
import pytest
from botocore.stub import Stubber

from analysis.recognition.base import ApiUnavailable, Parameters, Throttled, UnreadableResponse
from analysis.recognition.rekognition import client as rekognition_client

JPEG = b"\xff\xd8\xff\xe0" + bytes(100)


@pytest.fixture(scope="module")
def client():
    session = botocore.session.Session()
    session.set_credentials("testing", "testing")
    return session.create_client("rekognition", region_name="eu-west-1")


@pytest.fixture
def stub(client):
    with Stubber(client) as stubber:
        yield stubber


def recognize(client):
    return rekognition_client.Rekognition(client=client).recognize(JPEG, api="labels", parameters=Parameters())


@pytest.mark.parametrize(
    ("status", "expected", "sentence"),
    [
        (302, ApiUnavailable, "is not Rekognition"),
        (400, ApiUnavailable, "is not Rekognition"),
        (403, ApiUnavailable, "is not Rekognition"),
        (407, ApiUnavailable, "is not Rekognition"),
        (413, UnreadableResponse, "the picture"),
        (502, Throttled, "returned a server error"),
    ],
)
def test_unnamed_error_comes_from_a_proxy(client, stub, status, expected, sentence):
    """botocore uses the HTTP status as the code and the page as the message."""
    stub.add_client_error("detect_labels", str(status), "<html>Sign in</html>", status)

    with pytest.raises(expected, match=sentence) as raised:
        recognize(client)

    assert "html" not in str(raised.value)


MESSAGE = "User: arn:aws:iam::123456789012:user/me cannot use arn:aws-cn:rekognition:x:123456789012:project/p."


def test_unlisted_error_hides_the_message_of_aws(client, stub, caplog):
    stub.add_client_error("detect_labels", "ErrorOfTomorrow", MESSAGE, 400)

    with pytest.raises(UnreadableResponse) as raised:
        recognize(client)

    assert str(raised.value) == (
        "The labels request failed with ErrorOfTomorrow: Rekognition rejected the picture or the parameters "
        "with an unknown error. See the worker log for the message from AWS."
    )
    assert MESSAGE in caplog.text


def test_message_of_aws_is_shown_without_arns(client, stub, caplog):
    stub.add_client_error("detect_labels", "InvalidParameterException", MESSAGE, 400)

    with pytest.raises(UnreadableResponse) as raised:
        recognize(client)

    assert str(raised.value).endswith("User: (named in the log) cannot use (named in the log).")
    assert MESSAGE in caplog.text
