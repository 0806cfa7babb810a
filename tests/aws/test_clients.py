"""boto3's errors as AWSError."""

from __future__ import annotations

import os
import socket
from contextlib import closing

import pytest
from botocore import exceptions, parsers

from analysis.aws import clients, sts
from analysis.aws.errors import AWSError, EndpointUnreachable, MissingCredentials


def client_error(code: str, message: str = "User: arn:aws:iam::123456789012:user/me may not"):
    return exceptions.ClientError({"Error": {"Code": code, "Message": message}}, "Operation")


@pytest.mark.parametrize(
    ("error", "kind", "sentence"),
    [
        (client_error("AccessDenied"), AWSError, "Operation is not allowed (AccessDenied)."),
        (client_error("NoSuchBucket", "There is none"), AWSError, "NoSuchBucket: There is none."),
        (client_error("", ""), AWSError, "Unknown: no message."),
        (client_error("SlowDown"), AWSError, "AWS is throttling requests (SlowDown). Try again in a moment."),
        (
            client_error("RequestThrottled"),
            AWSError,
            "AWS is throttling requests (RequestThrottled). Try again in a moment.",
        ),
        (
            client_error("PermanentRedirect"),
            AWSError,
            "The bucket is in another region (PermanentRedirect). Set its region.",
        ),
        (
            exceptions.ClientError(
                {"Error": {"Code": "AuthorizationHeaderMalformed", "Region": "eu-central-1"}}, "Operation"
            ),
            AWSError,
            "The bucket is in eu-central-1 (AuthorizationHeaderMalformed). Set its region.",
        ),
        (
            client_error("ExpiredToken"),
            MissingCredentials,
            "AWS rejects the credentials (ExpiredToken). Renew them, and check the clock.",
        ),
        (
            client_error("RequestTimeTooSkewed"),
            MissingCredentials,
            "AWS rejects requests because this machine's clock is wrong (RequestTimeTooSkewed).",
        ),
        (
            exceptions.NoCredentialsError(),
            MissingCredentials,
            "No AWS credentials were found. Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or attach a role.",
        ),
        (
            exceptions.UnauthorizedSSOTokenError(),
            MissingCredentials,
            "The SSO session associated with this profile has expired",
        ),
        (
            exceptions.ReadTimeoutError(endpoint_url="https://x"),
            EndpointUnreachable,
            "The service cannot be reached: Read timeout",
        ),
        (exceptions.NoRegionError(), AWSError, "You must specify a region."),
        (parsers.ResponseParserError("no XML"), AWSError, "no XML."),
    ],
)
def test_errors_are_sentences(error, kind, sentence):
    with pytest.raises(AWSError) as raised, clients.translate_errors():
        raise error
    assert type(raised.value) is kind
    assert str(raised.value).startswith(sentence)
    assert "123456789012" not in str(raised.value)


@pytest.fixture
def environment(monkeypatch):
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, os.devnull)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    return monkeypatch


def test_missing_credentials_send_no_request(environment):
    with pytest.raises(MissingCredentials):
        sts.caller(region="eu-central-1")


def test_closed_port_is_endpoint_unreachable(environment):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        environment.setenv(name, "testing")
    with closing(socket.socket()) as other:
        other.bind(("127.0.0.1", 0))  # bound and not listening: refuses
        environment.setenv("AWS_ENDPOINT_URL_STS", f"http://127.0.0.1:{other.getsockname()[1]}")
        with pytest.raises(EndpointUnreachable):
            sts.caller(region="eu-central-1")


def test_invalid_endpoint_url_is_an_error(environment):
    environment.setenv("AWS_ENDPOINT_URL_STS", "nonsense")
    with pytest.raises(AWSError, match="Invalid endpoint: nonsense"):
        sts.caller(region="eu-central-1")
