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

from analysis.recognition import rekognition
from analysis.recognition.recognizer import Busy, Parameters, Unavailable, Unreadable
from analysis.recognition.rekognition_meanings import UNANSWERED

JPEG = b"\xff\xd8\xff\xe0" + bytes(100)
OPERATIONS = rekognition.OPERATIONS
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
    return rekognition.Rekognition(client=client).recognize(JPEG, api=api, parameters=Parameters())


LISTED = {
    "ProvisionedThroughputExceededException": (Busy, "throttled"),
    "ThrottlingException": (Busy, "throttled"),
    "HumanLoopQuotaExceededException": (Busy, "throttled"),
    "InternalServerError": (Busy, "failed"),
    "InvalidImageFormatException": (Unreadable, "failed"),
    "ImageTooLargeException": (Unreadable, "failed"),
    "InvalidParameterException": (Unreadable, "failed"),
    "InvalidS3ObjectException": (Unreadable, "failed"),
    "AccessDeniedException": (Unavailable, "failed"),
    "ResourceNotFoundException": (Unavailable, "failed"),
    "ResourceNotReadyException": (Unavailable, "failed"),
}
"""What botocore's service model lists for the five operations."""

COMMON = {
    "UnrecognizedClientException": (Unavailable, "failed"),
    "ExpiredTokenException": (Unavailable, "failed"),
    "InvalidSignatureException": (Unavailable, "failed"),
    "SignatureDoesNotMatch": (Unavailable, "failed"),
    "MissingAuthenticationTokenException": (Unavailable, "failed"),
    "UnknownOperationException": (Unavailable, "failed"),
    "OptInRequired": (Unavailable, "failed"),
    "SubscriptionRequiredException": (Unavailable, "failed"),
    "ValidationException": (Unreadable, "failed"),
    "ServiceUnavailableException": (Busy, "failed"),
    "SlowDown": (Busy, "throttled"),
    "LimitExceededException": (Busy, "throttled"),
}
"""What any of AWS's services may answer."""


def errors_of(api: str) -> set[str]:
    return {shape.name for shape in MODEL.operation_model(OPERATIONS[api].name).error_shapes}


def test_the_table_above_is_the_service_models():
    assert set().union(*map(errors_of, OPERATIONS)) == set(LISTED)


@pytest.mark.parametrize(("api", "code"), [(api, code) for api in OPERATIONS for code in sorted(errors_of(api))])
def test_every_error_of_every_operation(client, stub, api, code):
    kind, outcome = LISTED[code]
    assert raised_by(client, stub, code, api=api) == (kind, outcome)


@pytest.mark.parametrize("code", COMMON)
def test_errors_that_all_services_share(client, stub, code):
    assert raised_by(client, stub, code) == COMMON[code]


def raised_by(client, stub, code, *, api="labels"):
    stub.add_client_error(OPERATIONS[api].method, code, "What AWS says.", 400, response_meta={"RequestId": "a-request"})
    with pytest.raises((Busy, Unreadable, Unavailable)) as raised:
        ask(client, api)
    error = raised.value
    assert (error.api, error.code, error.request_id) == (api, code, "a-request")
    assert str(error).startswith(f"The {api} request failed with {code}: ")
    assert "{" not in str(error)
    assert error.next_step.rstrip(".") or isinstance(error, Unreadable)  # who may do something is told what
    return type(error), error.outcome


@pytest.mark.parametrize(
    ("status", "expected", "outcome"),
    [
        (500, Busy, "failed"),
        (502, Busy, "failed"),
        (503, Busy, "failed"),
        (504, Busy, "failed"),
        (429, Busy, "throttled"),
        (401, Unavailable, "failed"),
        (403, Unavailable, "failed"),
        (404, Unavailable, "failed"),
        (400, Unreadable, "failed"),
        (413, Unreadable, "failed"),
    ],
)
def test_unknown_code_is_told_by_the_http_status(client, stub, status, expected, outcome):
    stub.add_client_error("detect_labels", "OfTomorrow", "…", status)

    with pytest.raises(expected, match="OfTomorrow") as raised:
        ask(client)

    assert raised.value.outcome == outcome


def test_throttling_with_status_500_is_busy(client, stub):
    stub.add_client_error("detect_labels", "ThrottlingException", "Slow down", 500)

    with pytest.raises(Busy, match="quota") as raised:
        ask(client)

    assert raised.value.outcome == "throttled"


@pytest.mark.parametrize("api", OPERATIONS)
def test_denied_access_names_the_missing_action_and_not_the_principal(client, stub, api):
    action = f"rekognition:{OPERATIONS[api].name}"
    message = f"User: arn:aws:iam::123456789012:user/me is not authorized to perform: {action}"
    stub.add_client_error(OPERATIONS[api].method, "AccessDeniedException", message, 400)

    with pytest.raises(Unavailable) as raised:
        ask(client, api)

    assert str(raised.value) == (
        f"The {api} request failed with AccessDeniedException: The credentials are not allowed to do this. "
        f"Allow the IAM action {action}. Work resumes by itself afterwards."
    )


def test_a_role_that_cannot_be_assumed_is_not_rekognitions_refusal():
    said = {"Error": {"Code": "AccessDenied", "Message": "User: arn:aws:iam::123456789012:user/me is not authorized"}}

    class Client:
        def detect_labels(self, **_):
            raise exceptions.ClientError(said, "AssumeRole")

    with pytest.raises(Unavailable, match="AWS gives no credentials for the role: AssumeRole was refused") as raised:
        ask(Client())

    assert raised.value.outcome is None
    assert "123456789012" not in str(raised.value)


def test_odd_parameters_are_told_in_the_words_of_aws(client, stub):
    stub.add_client_error("detect_labels", "InvalidParameterException", "Image {too} small", 400)

    with pytest.raises(Unreadable, match=r"refuses this picture or the parameters: Image \{too\} small$"):
        ask(client)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [({}, None), ({"x-amz-retry-after": "1500"}, 1.5), ({"retry-after": "3"}, 3.0), ({"retry-after": "soon"}, None)],
)
def test_busy_says_when_to_come_back(client, stub, headers, seconds):
    stub.add_client_error("detect_labels", "ThrottlingException", "…", 400, response_meta={"HTTPHeaders": headers})

    with pytest.raises(Busy) as raised:
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
    (made(exceptions.EndpointConnectionError), Unavailable, None),
    (made(exceptions.EndpointConnectionError, error=socket.gaierror(-2, "unknown")), Unavailable, None),
    (made(exceptions.ConnectTimeoutError), Unavailable, None),
    (made(exceptions.ConnectionError), Unavailable, None),
    (made(exceptions.ProxyConnectionError, proxy_url="http://proxy"), Unavailable, None),
    (made(exceptions.SSLError, error=wrapped(ssl.SSLCertVerificationError("expired"))), Unavailable, None),
    (made(exceptions.SSLError, error=wrapped(ssl.SSLEOFError("EOF in violation of protocol"))), Busy, "unknown"),
    (made(exceptions.ReadTimeoutError), Busy, "unknown"),
    (made(exceptions.ConnectionClosedError), Busy, "unknown"),
    (made(exceptions.ResponseStreamingError), Busy, "unknown"),
    (made(exceptions.HTTPClientError), Busy, "unknown"),
    (exceptions.IncompleteReadError(actual_bytes=1, expected_bytes=2), Busy, "unknown"),
    (parsers.ResponseParserError("not JSON"), Busy, "unknown"),
    (exceptions.CapacityNotAvailableError(), Busy, None),
    (exceptions.NoCredentialsError(), Unavailable, None),
    (made(exceptions.PartialCredentialsError, cred_var="secret"), Unavailable, None),
    (made(exceptions.CredentialRetrievalError), Unavailable, None),
    (made(exceptions.MetadataRetrievalError), Unavailable, None),
    (exceptions.NoAuthTokenError(), Unavailable, None),
    (made(exceptions.TokenRetrievalError), Unavailable, None),
    (exceptions.RefreshWithMFAUnsupportedError(), Unavailable, None),
    (exceptions.SSOError(), Unavailable, None),
    (exceptions.UnauthorizedSSOTokenError(), Unavailable, None),
    (made(exceptions.SSOTokenLoadError), Unavailable, None),
    (exceptions.LoginError(), Unavailable, None),
    (made(exceptions.LoginTokenLoadError), Unavailable, None),
    (exceptions.NoRegionError(), Unavailable, None),
    (exceptions.InvalidRegionError(region_name="moon"), Unavailable, None),
    (exceptions.EndpointProviderError(msg="no"), Unavailable, None),
    (exceptions.ParamValidationError(report="Invalid length"), Unreadable, None),
    (exceptions.BotoCoreError(), Unavailable, None),
    (exceptions.ProfileNotFound(profile="nobody"), Unavailable, None),
    (exceptions.ConfigParseError(path="~/.aws/config"), Unavailable, None),
]


@pytest.mark.parametrize(
    ("error", "expected", "outcome"), CLIENT_SIDE, ids=[type(error).__name__ for error, _, _ in CLIENT_SIDE]
)
def test_error_of_the_client_becomes_one_of_ours(error, expected, outcome):
    class Client:
        def detect_labels(self, **request):
            raise error

    with pytest.raises(expected) as raised:
        ask(Client())

    assert (type(raised.value), raised.value.outcome) == (expected, outcome)
    assert str(raised.value).startswith(f"The labels request failed with {type(error).__name__}: ")
    assert "{" not in str(raised.value)


def test_every_client_side_mapping_is_tried():
    assert {type(error) for error, _, _ in CLIENT_SIDE} >= set(UNANSWERED)


# Raised after a request went out; all others are raised before, or never by this client.
AFTER_SENDING = {
    "ConnectionClosedError",
    "HTTPClientError",
    "IncompleteReadError",
    "ReadTimeoutError",
    "ResponseStreamingError",
}


def test_all_other_errors_of_botocore_mean_that_nothing_was_sent():
    every = [
        kind
        for _, kind in inspect.getmembers(exceptions, inspect.isclass)
        if issubclass(kind, exceptions.BotoCoreError)
    ]
    meanings = {
        kind.__name__: next(UNANSWERED[ancestor] for ancestor in kind.__mro__ if ancestor in UNANSWERED)
        for kind in every
    }

    assert {name for name, meaning in meanings.items() if meaning.outcome} == AFTER_SENDING
    assert {name for name, meaning in meanings.items() if meaning.kind is Busy} == {
        *AFTER_SENDING,
        "CapacityNotAvailableError",
    }
    assert {name for name, meaning in meanings.items() if meaning.kind is Unreadable} == {"ParamValidationError"}
