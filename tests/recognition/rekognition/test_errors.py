"""Errors of AWS and of its client: the recognizer's error and its outcome."""

from __future__ import annotations

import inspect
import socket
import ssl

import botocore.session
import pytest
from botocore import exceptions, parsers
from botocore.stub import Stubber
from urllib3.exceptions import SSLError as UrllibSSLError

from analysis.recognition.base import ApiUnavailable, Parameters, Throttled, UnreadableResponse
from analysis.recognition.rekognition import client as rekognition_client
from analysis.recognition.rekognition.error_messages import CONNECTION_ERRORS

JPEG = b"\xff\xd8\xff\xe0" + bytes(100)
OPERATIONS = rekognition_client.OPERATIONS
MODEL = botocore.session.get_session().get_service_model("rekognition")


@pytest.fixture(scope="module")
def client():
    session = botocore.session.Session()
    session.set_credentials("testing", "testing")
    return session.create_client("rekognition", region_name="eu-west-1")


@pytest.fixture
def stub(client):
    with Stubber(client) as stubber:
        yield stubber


def recognize(client, api="labels"):
    return rekognition_client.Rekognition(client=client).recognize(JPEG, api=api, parameters=Parameters())


LISTED = {
    "ProvisionedThroughputExceededException": (Throttled, "throttled"),
    "ThrottlingException": (Throttled, "throttled"),
    "HumanLoopQuotaExceededException": (Throttled, "throttled"),
    "InternalServerError": (Throttled, "failed"),
    "InvalidImageFormatException": (UnreadableResponse, "failed"),
    "ImageTooLargeException": (UnreadableResponse, "failed"),
    "InvalidParameterException": (UnreadableResponse, "failed"),
    "InvalidS3ObjectException": (UnreadableResponse, "failed"),
    "AccessDeniedException": (ApiUnavailable, "failed"),
    "ResourceNotFoundException": (ApiUnavailable, "failed"),
    "ResourceNotReadyException": (ApiUnavailable, "failed"),
}
"""Listed by botocore's service model for the five operations."""

COMMON = {
    "UnrecognizedClientException": (ApiUnavailable, "failed"),
    "ExpiredTokenException": (ApiUnavailable, "failed"),
    "InvalidSignatureException": (ApiUnavailable, "failed"),
    "SignatureDoesNotMatch": (ApiUnavailable, "failed"),
    "MissingAuthenticationTokenException": (ApiUnavailable, "failed"),
    "UnknownOperationException": (ApiUnavailable, "failed"),
    "OptInRequired": (ApiUnavailable, "failed"),
    "SubscriptionRequiredException": (ApiUnavailable, "failed"),
    "ValidationException": (UnreadableResponse, "failed"),
    "ServiceUnavailableException": (Throttled, "failed"),
    "SlowDown": (Throttled, "throttled"),
    "LimitExceededException": (Throttled, "throttled"),
}
"""Errors that all AWS services may return."""


def errors_of(api: str) -> set[str]:
    return {shape.name for shape in MODEL.operation_model(OPERATIONS[api].name).error_shapes}


def test_table_matches_the_service_model():
    assert set().union(*map(errors_of, OPERATIONS)) == set(LISTED)


@pytest.mark.parametrize(("api", "code"), [(api, code) for api in OPERATIONS for code in sorted(errors_of(api))])
def test_documented_errors_are_classified(client, stub, api, code):
    error_class, outcome = LISTED[code]
    assert raised_by(client, stub, code, api=api) == (error_class, outcome)


@pytest.mark.parametrize("code", COMMON)
def test_common_aws_errors_are_classified(client, stub, code):
    assert raised_by(client, stub, code) == COMMON[code]


def raised_by(client, stub, code, *, api="labels"):
    stub.add_client_error(OPERATIONS[api].method, code, "What AWS says.", 400, response_meta={"RequestId": "a-request"})
    with pytest.raises((Throttled, UnreadableResponse, ApiUnavailable)) as raised:
        recognize(client, api)
    error = raised.value
    assert (error.api, error.code, error.request_id) == (api, code, "a-request")
    assert str(error).startswith(f"The {api} request failed with {code}: ")
    assert "%(" not in str(error)
    assert error.next_step.rstrip(".") or isinstance(error, UnreadableResponse)  # the reader is told what to do
    return type(error), error.outcome


@pytest.mark.parametrize(
    ("status", "expected", "outcome"),
    [
        (500, Throttled, "failed"),
        (502, Throttled, "failed"),
        (503, Throttled, "failed"),
        (504, Throttled, "failed"),
        (429, Throttled, "throttled"),
        (401, ApiUnavailable, "failed"),
        (403, ApiUnavailable, "failed"),
        (404, ApiUnavailable, "failed"),
        (400, UnreadableResponse, "failed"),
        (413, UnreadableResponse, "failed"),
    ],
)
def test_unknown_code_is_classified_by_http_status(client, stub, status, expected, outcome):
    stub.add_client_error("detect_labels", "OfTomorrow", "…", status)

    with pytest.raises(expected, match="OfTomorrow") as raised:
        recognize(client)

    assert raised.value.outcome == outcome


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("InvalidSignatureException", "Signature expired: 20300101T000000Z is now earlier than 20300101T000500Z"),
        (
            "InvalidSignatureException",
            "Signature not yet current: 20300101T001000Z is still later than that",
        ),
        ("RequestTimeTooSkewed", "The difference between the request time and the current time is too large."),
    ],
    ids=["slow", "fast", "as S3 says it"],
)
def test_clock_that_is_off_by_ten_minutes_is_named(client, stub, code, message):
    stub.add_client_error("detect_labels", code, message, 400)
    with pytest.raises(ApiUnavailable) as raised:
        recognize(client)
    assert str(raised.value) == (
        f"The labels request failed with {code}: AWS rejected the request because this machine's clock is wrong."
        " Synchronize it, for example with chrony. Work resumes automatically."
    )


def test_throttling_with_status_500_is_throttled(client, stub):
    stub.add_client_error("detect_labels", "ThrottlingException", "Slow down", 500)

    with pytest.raises(Throttled, match="quota") as raised:
        recognize(client)

    assert raised.value.outcome == "throttled"


@pytest.mark.parametrize("api", OPERATIONS)
def test_access_denied_names_the_action_but_not_the_principal(client, stub, api):
    action = f"rekognition:{OPERATIONS[api].name}"
    message = f"User: arn:aws:iam::123456789012:user/me is not authorized to perform: {action}"
    stub.add_client_error(OPERATIONS[api].method, "AccessDeniedException", message, 400)

    with pytest.raises(ApiUnavailable) as raised:
        recognize(client, api)

    assert str(raised.value) == (
        f"The {api} request failed with AccessDeniedException: AWS denied access. "
        f"Allow the IAM action {action}. Work resumes automatically."
    )


def test_failed_assume_role_is_not_an_error_of_rekognition():
    response = {
        "Error": {"Code": "AccessDenied", "Message": "User: arn:aws:iam::123456789012:user/me is not authorized"}
    }

    class Client:
        def detect_labels(self, **_):
            raise exceptions.ClientError(response, "AssumeRole")

    with pytest.raises(
        ApiUnavailable, match="AWS did not issue credentials for the role: AssumeRole was refused"
    ) as raised:
        recognize(Client())

    assert raised.value.outcome is None
    assert "123456789012" not in str(raised.value)


def test_invalid_parameters_show_the_message_of_aws(client, stub):
    stub.add_client_error("detect_labels", "InvalidParameterException", "Image %(too)s {small}", 400)

    with pytest.raises(UnreadableResponse, match=r"rejected the picture or the parameters: Image %\(too\)s \{small\}$"):
        recognize(client)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [({}, None), ({"x-amz-retry-after": "1500"}, 1.5), ({"retry-after": "3"}, 3.0), ({"retry-after": "soon"}, None)],
)
def test_throttled_has_retry_after(client, stub, headers, seconds):
    stub.add_client_error("detect_labels", "ThrottlingException", "…", 400, response_meta={"HTTPHeaders": headers})

    with pytest.raises(Throttled) as raised:
        recognize(client)

    assert raised.value.retry_after == seconds


def botocore_error(error_class, **words):
    """An error of botocore with all values that its message may need."""
    return error_class(
        **{"endpoint_url": "https://x", "error": OSError("x"), "error_msg": "x", "provider": "env", **words}
    )


def urllib3_error(cause: Exception) -> Exception:
    """An error of the ssl module as urllib3 passes it on."""
    try:
        raise UrllibSSLError(cause) from cause
    except UrllibSSLError as error:
        return error


CLIENT_SIDE = [
    (botocore_error(exceptions.EndpointConnectionError), ApiUnavailable, None),
    (botocore_error(exceptions.EndpointConnectionError, error=socket.gaierror(-2, "unknown")), ApiUnavailable, None),
    (botocore_error(exceptions.ConnectTimeoutError), ApiUnavailable, None),
    (botocore_error(exceptions.ConnectionError), ApiUnavailable, None),
    (botocore_error(exceptions.ProxyConnectionError, proxy_url="http://proxy"), ApiUnavailable, None),
    (
        botocore_error(exceptions.SSLError, error=urllib3_error(ssl.SSLCertVerificationError("expired"))),
        ApiUnavailable,
        None,
    ),
    (
        botocore_error(exceptions.SSLError, error=urllib3_error(ssl.SSLEOFError("EOF in violation of protocol"))),
        Throttled,
        "unknown",
    ),
    (botocore_error(exceptions.ReadTimeoutError), Throttled, "unknown"),
    (botocore_error(exceptions.ConnectionClosedError), Throttled, "unknown"),
    (botocore_error(exceptions.ResponseStreamingError), Throttled, "unknown"),
    (botocore_error(exceptions.HTTPClientError), Throttled, "unknown"),
    (exceptions.IncompleteReadError(actual_bytes=1, expected_bytes=2), Throttled, "unknown"),
    (parsers.ResponseParserError("not JSON"), Throttled, "unknown"),
    (exceptions.CapacityNotAvailableError(), Throttled, None),
    (exceptions.NoCredentialsError(), ApiUnavailable, None),
    (botocore_error(exceptions.PartialCredentialsError, cred_var="secret"), ApiUnavailable, None),
    (botocore_error(exceptions.CredentialRetrievalError), ApiUnavailable, None),
    (botocore_error(exceptions.MetadataRetrievalError), ApiUnavailable, None),
    (exceptions.NoAuthTokenError(), ApiUnavailable, None),
    (botocore_error(exceptions.TokenRetrievalError), ApiUnavailable, None),
    (exceptions.RefreshWithMFAUnsupportedError(), ApiUnavailable, None),
    (exceptions.SSOError(), ApiUnavailable, None),
    (exceptions.UnauthorizedSSOTokenError(), ApiUnavailable, None),
    (botocore_error(exceptions.SSOTokenLoadError), ApiUnavailable, None),
    (exceptions.LoginError(), ApiUnavailable, None),
    (botocore_error(exceptions.LoginTokenLoadError), ApiUnavailable, None),
    (exceptions.NoRegionError(), ApiUnavailable, None),
    (exceptions.InvalidRegionError(region_name="moon"), ApiUnavailable, None),
    (exceptions.EndpointProviderError(msg="no"), ApiUnavailable, None),
    (exceptions.ParamValidationError(report="Invalid length"), UnreadableResponse, None),
    (exceptions.BotoCoreError(), ApiUnavailable, None),
    (exceptions.ProfileNotFound(profile="nobody"), ApiUnavailable, None),
    (exceptions.ConfigParseError(path="~/.aws/config"), ApiUnavailable, None),
]


@pytest.mark.parametrize(
    ("error", "expected", "outcome"), CLIENT_SIDE, ids=[type(error).__name__ for error, _, _ in CLIENT_SIDE]
)
def test_botocore_errors_are_classified(error, expected, outcome):
    class Client:
        def detect_labels(self, **request):
            raise error

    with pytest.raises(expected) as raised:
        recognize(Client())

    assert (type(raised.value), raised.value.outcome) == (expected, outcome)
    assert str(raised.value).startswith(f"The labels request failed with {type(error).__name__}: ")
    assert "%(" not in str(raised.value)


def test_all_connection_errors_have_a_case():
    assert {type(error) for error, _, _ in CLIENT_SIDE} >= set(CONNECTION_ERRORS)


# Raised after a request went out; all others are raised before, or never by this client.
AFTER_SENDING = {
    "ConnectionClosedError",
    "HTTPClientError",
    "IncompleteReadError",
    "ReadTimeoutError",
    "ResponseStreamingError",
}


def test_other_botocore_errors_have_no_outcome():
    error_classes = [
        error_class
        for _, error_class in inspect.getmembers(exceptions, inspect.isclass)
        if issubclass(error_class, exceptions.BotoCoreError)
    ]
    entries = {
        error_class.__name__: next(CONNECTION_ERRORS[base] for base in error_class.__mro__ if base in CONNECTION_ERRORS)
        for error_class in error_classes
    }

    assert {name for name, entry in entries.items() if entry.outcome} == AFTER_SENDING
    assert {name for name, entry in entries.items() if entry.error_class is Throttled} == {
        *AFTER_SENDING,
        "CapacityNotAvailableError",
    }
    assert {name for name, entry in entries.items() if entry.error_class is UnreadableResponse} == {
        "ParamValidationError"
    }
