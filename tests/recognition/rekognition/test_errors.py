"""Each error of AWS and of its client: what it becomes, and what the ledger may say of the request."""

from __future__ import annotations

import inspect
import socket
import ssl

import botocore.session  # noqa: TID251
import pytest
from botocore import exceptions, parsers  # noqa: TID251
from botocore.stub import Stubber  # noqa: TID251
from urllib3.exceptions import SSLError as UrllibSSLError

from analysis.recognition.base import ApiUnavailable, Parameters, Throttled, UnreadableResponse
from analysis.recognition.rekognition import client as rekognition_client
from analysis.recognition.rekognition.error_table import CONNECTION_ERRORS

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


def ask(client, api="labels"):
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
"""What botocore's service model lists for the five operations."""

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
"""What any of AWS's services may answer."""


def errors_of(api: str) -> set[str]:
    return {shape.name for shape in MODEL.operation_model(OPERATIONS[api].name).error_shapes}


def test_table_matches_the_service_model():
    assert set().union(*map(errors_of, OPERATIONS)) == set(LISTED)


@pytest.mark.parametrize(("api", "code"), [(api, code) for api in OPERATIONS for code in sorted(errors_of(api))])
def test_documented_errors_are_classified(client, stub, api, code):
    kind, outcome = LISTED[code]
    assert raised_by(client, stub, code, api=api) == (kind, outcome)


@pytest.mark.parametrize("code", COMMON)
def test_common_aws_errors_are_classified(client, stub, code):
    assert raised_by(client, stub, code) == COMMON[code]


def raised_by(client, stub, code, *, api="labels"):
    stub.add_client_error(OPERATIONS[api].method, code, "What AWS says.", 400, response_meta={"RequestId": "a-request"})
    with pytest.raises((Throttled, UnreadableResponse, ApiUnavailable)) as raised:
        ask(client, api)
    error = raised.value
    assert (error.api, error.code, error.request_id) == (api, code, "a-request")
    assert str(error).startswith(f"The {api} request failed with {code}: ")
    assert "%(" not in str(error)
    assert error.next_step.rstrip(".") or isinstance(error, UnreadableResponse)  # who may do something is told what
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
        ask(client)

    assert raised.value.outcome == outcome


def test_throttling_with_status_500_is_throttled(client, stub):
    stub.add_client_error("detect_labels", "ThrottlingException", "Slow down", 500)

    with pytest.raises(Throttled, match="quota") as raised:
        ask(client)

    assert raised.value.outcome == "throttled"


@pytest.mark.parametrize("api", OPERATIONS)
def test_access_denied_names_the_action_but_not_the_principal(client, stub, api):
    action = f"rekognition:{OPERATIONS[api].name}"
    message = f"User: arn:aws:iam::123456789012:user/me is not authorized to perform: {action}"
    stub.add_client_error(OPERATIONS[api].method, "AccessDeniedException", message, 400)

    with pytest.raises(ApiUnavailable) as raised:
        ask(client, api)

    assert str(raised.value) == (
        f"The {api} request failed with AccessDeniedException: AWS denied access. "
        f"Allow the IAM action {action}. Work resumes automatically."
    )


def test_failed_assume_role_is_not_an_error_of_rekognition():
    said = {"Error": {"Code": "AccessDenied", "Message": "User: arn:aws:iam::123456789012:user/me is not authorized"}}

    class Client:
        def detect_labels(self, **_):
            raise exceptions.ClientError(said, "AssumeRole")

    with pytest.raises(
        ApiUnavailable, match="AWS issues no credentials for the role: AssumeRole was refused"
    ) as raised:
        ask(Client())

    assert raised.value.outcome is None
    assert "123456789012" not in str(raised.value)


def test_invalid_parameters_show_the_message_of_aws(client, stub):
    stub.add_client_error("detect_labels", "InvalidParameterException", "Image %(too)s {small}", 400)

    with pytest.raises(UnreadableResponse, match=r"rejected the picture or the parameters: Image %\(too\)s \{small\}$"):
        ask(client)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [({}, None), ({"x-amz-retry-after": "1500"}, 1.5), ({"retry-after": "3"}, 3.0), ({"retry-after": "soon"}, None)],
)
def test_throttled_has_retry_after(client, stub, headers, seconds):
    stub.add_client_error("detect_labels", "ThrottlingException", "…", 400, response_meta={"HTTPHeaders": headers})

    with pytest.raises(Throttled) as raised:
        ask(client)

    assert raised.value.retry_after == seconds


def made(kind, **words):
    """An error of botocore with whatever its sentence needs."""
    return kind(**{"endpoint_url": "https://x", "error": OSError("x"), "error_msg": "x", "provider": "env", **words})


def wrapped(cause: Exception) -> Exception:
    """As urllib3 hands an error of the ssl module on."""
    try:
        raise UrllibSSLError(cause) from cause
    except UrllibSSLError as error:
        return error


CLIENT_SIDE = [
    (made(exceptions.EndpointConnectionError), ApiUnavailable, None),
    (made(exceptions.EndpointConnectionError, error=socket.gaierror(-2, "unknown")), ApiUnavailable, None),
    (made(exceptions.ConnectTimeoutError), ApiUnavailable, None),
    (made(exceptions.ConnectionError), ApiUnavailable, None),
    (made(exceptions.ProxyConnectionError, proxy_url="http://proxy"), ApiUnavailable, None),
    (made(exceptions.SSLError, error=wrapped(ssl.SSLCertVerificationError("expired"))), ApiUnavailable, None),
    (made(exceptions.SSLError, error=wrapped(ssl.SSLEOFError("EOF in violation of protocol"))), Throttled, "unknown"),
    (made(exceptions.ReadTimeoutError), Throttled, "unknown"),
    (made(exceptions.ConnectionClosedError), Throttled, "unknown"),
    (made(exceptions.ResponseStreamingError), Throttled, "unknown"),
    (made(exceptions.HTTPClientError), Throttled, "unknown"),
    (exceptions.IncompleteReadError(actual_bytes=1, expected_bytes=2), Throttled, "unknown"),
    (parsers.ResponseParserError("not JSON"), Throttled, "unknown"),
    (exceptions.CapacityNotAvailableError(), Throttled, None),
    (exceptions.NoCredentialsError(), ApiUnavailable, None),
    (made(exceptions.PartialCredentialsError, cred_var="secret"), ApiUnavailable, None),
    (made(exceptions.CredentialRetrievalError), ApiUnavailable, None),
    (made(exceptions.MetadataRetrievalError), ApiUnavailable, None),
    (exceptions.NoAuthTokenError(), ApiUnavailable, None),
    (made(exceptions.TokenRetrievalError), ApiUnavailable, None),
    (exceptions.RefreshWithMFAUnsupportedError(), ApiUnavailable, None),
    (exceptions.SSOError(), ApiUnavailable, None),
    (exceptions.UnauthorizedSSOTokenError(), ApiUnavailable, None),
    (made(exceptions.SSOTokenLoadError), ApiUnavailable, None),
    (exceptions.LoginError(), ApiUnavailable, None),
    (made(exceptions.LoginTokenLoadError), ApiUnavailable, None),
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
        ask(Client())

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
    every = [
        kind
        for _, kind in inspect.getmembers(exceptions, inspect.isclass)
        if issubclass(kind, exceptions.BotoCoreError)
    ]
    meanings = {
        kind.__name__: next(CONNECTION_ERRORS[ancestor] for ancestor in kind.__mro__ if ancestor in CONNECTION_ERRORS)
        for kind in every
    }

    assert {name for name, meaning in meanings.items() if meaning.outcome} == AFTER_SENDING
    assert {name for name, meaning in meanings.items() if meaning.error_class is Throttled} == {
        *AFTER_SENDING,
        "CapacityNotAvailableError",
    }
    assert {name for name, meaning in meanings.items() if meaning.error_class is UnreadableResponse} == {
        "ParamValidationError"
    }
