"""Errors without a name, errors nobody listed, answers that are none: plain sentences, and what each means."""

from __future__ import annotations

import botocore.session  # noqa: TID251
import pytest
from botocore.stub import Stubber  # noqa: TID251

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


def ask(client):
    return rekognition_client.Rekognition(client=client).recognize(JPEG, api="labels", parameters=Parameters())


@pytest.mark.parametrize(
    ("status", "expected", "sentence"),
    [
        (302, ApiUnavailable, "is not Rekognition"),
        (400, ApiUnavailable, "is not Rekognition"),
        (403, ApiUnavailable, "is not Rekognition"),
        (407, ApiUnavailable, "is not Rekognition"),
        (413, UnreadableResponse, "this picture"),
        (502, Throttled, "trouble of its own"),
    ],
)
def test_an_error_without_a_name_comes_from_somebody_else(client, stub, status, expected, sentence):
    """botocore puts the HTTP status where AWS's name of the error would be, and the page where its sentence would."""
    stub.add_client_error("detect_labels", str(status), "<html>Sign in</html>", status)

    with pytest.raises(expected, match=sentence) as raised:
        ask(client)

    assert "html" not in str(raised.value)


MESSAGE = "User: arn:aws:iam::123456789012:user/me cannot use arn:aws-cn:rekognition:x:123456789012:project/p."


def test_an_error_that_nobody_listed_is_told_without_the_words_of_aws(client, stub, caplog):
    stub.add_client_error("detect_labels", "ErrorOfTomorrow", MESSAGE, 400)

    with pytest.raises(UnreadableResponse) as raised:
        ask(client)

    assert str(raised.value) == (
        "The labels request failed with ErrorOfTomorrow: Rekognition refuses this picture or the parameters, "
        "with an error that imagelib does not know. The worker's log has what AWS says."
    )
    assert MESSAGE in caplog.text


def test_the_words_of_aws_are_told_without_the_account(client, stub, caplog):
    stub.add_client_error("detect_labels", "InvalidParameterException", MESSAGE, 400)

    with pytest.raises(UnreadableResponse) as raised:
        ask(client)

    assert str(raised.value).endswith("User: (named in the log) cannot use (named in the log).")
    assert MESSAGE in caplog.text
