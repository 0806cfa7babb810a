from __future__ import annotations

import os
import socket
import ssl
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import botocore.session  # noqa: TID251
import pytest
from botocore import exceptions, parsers  # noqa: TID251
from botocore.stub import Stubber  # noqa: TID251

from analysis.recognition import rekognition, rekognition_errors
from analysis.recognition.recognizer import Busy, Parameters, Unavailable, Unreadable
from tests import answers

JPEG = b"\xff\xd8\xff\xe0" + bytes(100)
PNG = b"\x89PNG\r\n\x1a\n" + bytes(100)


@pytest.fixture(scope="module")
def client():
    session = botocore.session.Session()
    session.set_credentials("testing", "testing")
    return session.create_client("rekognition", region_name="eu-west-1")


@pytest.fixture
def stub(client):
    with Stubber(client) as stubber:
        yield stubber


def ask(client, picture=JPEG, api="labels", **parameters):
    return rekognition.Rekognition(client=client).recognize(picture, api=api, parameters=Parameters(**parameters))


def test_labels_are_asked_for_with_the_parameters(client, stub):
    expected = {
        "Image": {"Bytes": JPEG},
        "MaxLabels": 20,
        "MinConfidence": 70.0,
        "Features": ["GENERAL_LABELS", "IMAGE_PROPERTIES"],
    }
    response = {**answers.labels(), "ResponseMetadata": answers.metadata("a-request")}
    stub.add_response("detect_labels", response, expected)

    answer = ask(client, max_labels=20, min_confidence=70)

    assert answer.content == answers.labels()
    assert (answer.api, answer.recognizer, answer.model_version) == ("labels", "rekognition", "3.0")
    assert answer.request_id == "a-request"
    assert answer.latency_ms >= 0


def test_image_properties_are_billed_and_only_asked_for_when_wanted(client, stub):
    expected = {"Image": {"Bytes": PNG}, "MaxLabels": 1000, "MinConfidence": 55.0, "Features": ["GENERAL_LABELS"]}
    stub.add_response("detect_labels", answers.labels(properties=False), expected)

    assert "ImageProperties" not in ask(client, PNG, image_properties=False).content


def test_answer_without_a_model_version_still_has_one(client, stub):
    stub.add_response("detect_labels", {"Labels": []})

    assert ask(client).model_version == "unknown"


def test_answer_without_its_result_is_not_taken_for_an_empty_one(client, stub):
    stub.add_response("detect_labels", {})

    with pytest.raises(Busy, match="AnswerCutShort"):
        ask(client)


@pytest.mark.parametrize("operation", [operation.name for operation in rekognition.OPERATIONS.values()])
def test_every_error_of_the_operation_is_mapped(operation):
    model = botocore.session.get_session().get_service_model("rekognition").operation_model(operation)

    errors = {error.name for error in model.error_shapes}

    assert errors - set(rekognition_errors.ANSWERED) == set()
    assert "ThrottlingException" in errors


EXPECTED = {
    "ProvisionedThroughputExceededException": Busy,
    "ThrottlingException": Busy,
    "InternalServerError": Busy,
    "InvalidImageFormatException": Unreadable,
    "ImageTooLargeException": Unreadable,
    "InvalidParameterException": Unreadable,
    "InvalidS3ObjectException": Unreadable,
    "AccessDeniedException": Unavailable,
    "UnrecognizedClientException": Unavailable,
    "ExpiredTokenException": Unavailable,
    "SignatureDoesNotMatch": Unavailable,
    "UnknownOperationException": Unavailable,
}


@pytest.mark.parametrize("code", EXPECTED)
def test_error_of_aws_becomes_one_of_ours(client, stub, code):
    stub.add_client_error("detect_labels", code, "What AWS says.", 400)

    with pytest.raises(EXPECTED[code]) as raised:
        ask(client)

    assert type(raised.value) is EXPECTED[code]
    assert str(raised.value).startswith(f"The labels request failed with {code}: ")
    assert "{" not in str(raised.value)


@pytest.mark.parametrize(
    ("status", "expected"),
    [(500, Busy), (502, Busy), (503, Busy), (429, Busy), (403, Unavailable), (404, Unavailable), (400, Unreadable)],
)
def test_unknown_code_is_told_by_the_http_status(client, stub, status, expected):
    stub.add_client_error("detect_labels", "OfTomorrow", "…", status)

    with pytest.raises(expected, match="OfTomorrow"):
        ask(client)


def test_throttling_with_status_500_is_busy(client, stub):
    stub.add_client_error("detect_labels", "ThrottlingException", "Slow down", 500)

    with pytest.raises(Busy, match="quota"):
        ask(client)


def test_denied_access_names_the_missing_action_and_not_the_principal(client, stub):
    message = "User: arn:aws:iam::123456789012:user/me is not authorized to perform: rekognition:DetectLabels"
    stub.add_client_error("detect_labels", "AccessDeniedException", message, 400)

    with pytest.raises(Unavailable) as raised:
        ask(client)

    assert str(raised.value) == (
        "The labels request failed with AccessDeniedException: The credentials are not allowed to do this. "
        "Allow the IAM action rekognition:DetectLabels. Work resumes by itself afterwards."
    )


def test_odd_parameters_are_told_in_the_words_of_aws(client, stub):
    stub.add_client_error("detect_labels", "InvalidParameterException", "Image {too} small", 400)

    with pytest.raises(Unreadable, match=r"refuses this picture or the parameters: Image \{too\} small$"):
        ask(client)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [({}, None), ({"x-amz-retry-after": "1500"}, 1.5), ({"retry-after": "3"}, 3.0), ({"retry-after": "soon"}, None)],
)
def test_busy_says_when_to_come_back(client, stub, headers, seconds):
    stub.add_client_error(
        "detect_labels",
        "ThrottlingException",
        "…",
        400,
        response_meta={"HTTPHeaders": headers},
    )

    with pytest.raises(Busy) as raised:
        ask(client)

    assert raised.value.retry_after == seconds


def client_side(kind, **words):
    return kind(**{"endpoint_url": "https://x", "error": OSError("x"), "error_msg": "x", "provider": "env", **words})


CLIENT_SIDE = [
    (client_side(exceptions.EndpointConnectionError), Busy),
    (client_side(exceptions.EndpointConnectionError, error=socket.gaierror(-2, "unknown")), Unavailable),
    (client_side(exceptions.ConnectTimeoutError), Busy),
    (client_side(exceptions.ReadTimeoutError), Busy),
    (client_side(exceptions.ConnectionClosedError), Busy),
    (client_side(exceptions.ResponseStreamingError), Busy),
    (client_side(exceptions.HTTPClientError), Busy),
    (client_side(exceptions.ConnectionError), Busy),
    (exceptions.IncompleteReadError(actual_bytes=1, expected_bytes=2), Busy),
    (exceptions.CapacityNotAvailableError(), Busy),
    (parsers.ResponseParserError("not JSON"), Busy),
    (client_side(exceptions.SSLError, error=ssl.SSLError("expired")), Unavailable),
    (client_side(exceptions.ProxyConnectionError, proxy_url="http://proxy"), Unavailable),
    (exceptions.NoCredentialsError(), Unavailable),
    (client_side(exceptions.PartialCredentialsError, cred_var="secret"), Unavailable),
    (client_side(exceptions.CredentialRetrievalError), Unavailable),
    (client_side(exceptions.MetadataRetrievalError), Unavailable),
    (exceptions.NoAuthTokenError(), Unavailable),
    (client_side(exceptions.TokenRetrievalError), Unavailable),
    (exceptions.RefreshWithMFAUnsupportedError(), Unavailable),
    (exceptions.UnauthorizedSSOTokenError(), Unavailable),
    (client_side(exceptions.LoginTokenLoadError), Unavailable),
    (exceptions.NoRegionError(), Unavailable),
    (exceptions.InvalidRegionError(region_name="moon"), Unavailable),
    (exceptions.EndpointProviderError(msg="no"), Unavailable),
    (exceptions.ProfileNotFound(profile="nobody"), Unavailable),
    (exceptions.ConfigParseError(path="~/.aws/config"), Unavailable),
    (exceptions.ParamValidationError(report="Invalid length"), Unreadable),
]


@pytest.mark.parametrize(("error", "expected"), CLIENT_SIDE, ids=[type(error).__name__ for error, _ in CLIENT_SIDE])
def test_error_of_the_client_becomes_one_of_ours(error, expected):
    class Client:
        def detect_labels(self, **request):
            raise error

    with pytest.raises(expected) as raised:
        ask(Client())

    assert type(raised.value) is expected
    assert str(raised.value).startswith(f"The labels request failed with {type(error).__name__}: ")
    assert "{" not in str(raised.value)


def test_every_client_side_mapping_is_tried():
    assert {type(error) for error, _ in CLIENT_SIDE} | {
        *(exceptions.SSOError, exceptions.LoginError, exceptions.BotoCoreError)
    } >= set(rekognition_errors.UNANSWERED)


@pytest.mark.parametrize(
    ("picture", "code"),
    [
        (b"", "NotAPicture"),
        (b"GIF89a" + bytes(100), "NotAPicture"),
        (JPEG + bytes(5 * 1024 * 1024 - len(JPEG) + 1), "PictureTooLarge"),
    ],
)
def test_hopeless_picture_is_refused_unsent(client, stub, picture, code):
    with pytest.raises(Unreadable, match=code):
        ask(client, picture)


def test_picture_of_exactly_5_mib_is_sent(client, stub):
    stub.add_response("detect_labels", answers.labels())

    assert ask(client, JPEG + bytes(5 * 1024 * 1024 - len(JPEG))).model_version == "3.0"


def test_api_that_is_not_offered_is_nobodys_fault(client, stub):
    with pytest.raises(Unavailable, match="ApiNotOffered"):
        ask(client, api="celebrities")


# The real client, as far as a closed port.


@pytest.fixture
def credentials(monkeypatch):
    for name in list(os.environ):
        if name.startswith("AWS_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", os.devnull)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    yield monkeypatch
    rekognition._start_over_in_child()


def connected(region="eu-west-1", threads=4):
    recognizer = rekognition.connect(region=region, threads=threads)
    return recognizer, lambda: recognizer.recognize(JPEG, api="labels", parameters=Parameters())


def test_endpoint_that_is_down_is_busy(credentials):
    with closing(socket.socket()) as taken:
        taken.bind(("127.0.0.1", 0))  # bound and not listening: refuses
        credentials.setenv("AWS_ENDPOINT_URL_REKOGNITION", f"http://127.0.0.1:{taken.getsockname()[1]}")
        _, ask_it = connected()

        with pytest.raises(Busy, match="EndpointConnectionError"):
            ask_it()


def test_connecting_without_credentials_says_what_to_set(credentials):
    credentials.delenv("AWS_ACCESS_KEY_ID")
    credentials.setenv("AWS_ENDPOINT_URL_REKOGNITION", "http://127.0.0.1:9")
    _, ask_it = connected()

    with pytest.raises(Unavailable, match="Set AWS_ACCESS_KEY_ID"):
        ask_it()


def test_connecting_without_a_region_says_what_to_set(credentials):
    _, ask_it = connected(region=None)

    with pytest.raises(Unavailable, match="Set AWS_REGION"):
        ask_it()


def test_endpoint_that_is_no_address_is_a_mistake_in_configuration(credentials):
    credentials.setenv("AWS_ENDPOINT_URL_REKOGNITION", "nonsense")
    _, ask_it = connected()

    with pytest.raises(Unavailable, match="InvalidConfigError"):
        ask_it()


def test_threads_share_one_client_and_its_limits(credentials):
    recognizer, _ = connected(threads=8)
    together = threading.Barrier(8)

    def client():
        together.wait()
        return recognizer._client()

    with ThreadPoolExecutor(8) as pool:
        clients = {id(future.result()) for future in [pool.submit(client) for _ in range(8)]}

    config = recognizer._client().meta.config
    assert len(clients) == 1
    assert (config.connect_timeout, config.read_timeout, config.max_pool_connections) == (3, 20, 8)
    assert config.retries == {"mode": "standard", "total_max_attempts": 1}


@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_forked_child_makes_its_own_client(credentials):
    recognizer, _ = connected()
    before = id(recognizer._client())

    with rekognition._making:  # as if another thread were just making one
        child = os.fork()
        if child == 0:
            os._exit(0 if id(recognizer._client()) != before else 1)
    _, status = os.waitpid(child, 0)

    assert os.waitstatus_to_exitcode(status) == 0
    assert id(recognizer._client()) == before
