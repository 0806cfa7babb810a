from __future__ import annotations

import os
import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import botocore.session
import pytest
from botocore.stub import Stubber

from analysis.recognition.base import ApiUnavailable, Parameters, S3Object, Throttled, UnreadableResponse
from analysis.recognition.rekognition import client as rekognition_client
from tests import rekognition_responses

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
        stubber.assert_no_pending_responses()


def recognize(client, picture=JPEG, api="labels", **parameters):
    return rekognition_client.Rekognition(client=client).recognize(
        picture, api=api, parameters=Parameters(**parameters)
    )


LABELS = {"MaxLabels": 1000, "MinConfidence": 55.0, "Features": ["GENERAL_LABELS", "IMAGE_PROPERTIES"]}
REQUESTS = {
    "labels": LABELS,
    "faces": {"Attributes": ["ALL"]},
    "celebrities": {},
    "text": {},
    "moderation": {"MinConfidence": 50.0},
}
VERSIONS = {"labels": "3.0", "faces": "faces-1", "celebrities": "celebrities-1", "text": "3.0", "moderation": "7.0"}


@pytest.mark.parametrize("api", REQUESTS)
def test_request_and_response_match_the_documentation(client, stub, api):
    operation = rekognition_client.OPERATIONS[api]
    documented = rekognition_responses.RESPONSES[operation.name]()
    response = {**documented, "ResponseMetadata": rekognition_responses.metadata("a-request")}
    stub.add_response(operation.method, response, {"Image": {"Bytes": JPEG}, **REQUESTS[api]})

    answer = recognize(client, api=api)

    assert answer.content == documented
    assert (answer.api, answer.recognizer, answer.model_version) == (api, "rekognition", VERSIONS[api])
    assert answer.request_id == "a-request"
    assert answer.latency_ms >= 0


@pytest.mark.parametrize(
    ("api", "parameters", "expected"),
    [
        ("labels", {"max_labels": 20, "min_confidence": 70}, {**LABELS, "MaxLabels": 20, "MinConfidence": 70.0}),
        # Billed separately, so requested only when wanted.
        ("labels", {"image_properties": False}, {**LABELS, "Features": ["GENERAL_LABELS"]}),
        (
            "labels",
            {"label_inclusion": ("Dog", "Cat"), "category_exclusion": ("Colors and Visual Composition",)},
            {
                **LABELS,
                "Settings": {
                    "GeneralLabels": {
                        "LabelInclusionFilters": ["Cat", "Dog"],
                        "LabelCategoryExclusionFilters": ["Colors and Visual Composition"],
                    }
                },
            },
        ),
        (
            "labels",
            {"label_exclusion": ("Dog",), "category_inclusion": ("Animals and Pets",)},
            {
                **LABELS,
                "Settings": {
                    "GeneralLabels": {
                        "LabelExclusionFilters": ["Dog"],
                        "LabelCategoryInclusionFilters": ["Animals and Pets"],
                    }
                },
            },
        ),
        ("moderation", {"moderation_min_confidence": 80, "min_confidence": 10}, {"MinConfidence": 80.0}),
        ("text", {"min_confidence": 10}, {}),
    ],
)
def test_parameters_are_sent_in_their_fields(client, stub, api, parameters, expected):
    operation = rekognition_client.OPERATIONS[api]
    stub.add_response(
        operation.method, rekognition_responses.RESPONSES[operation.name](), {"Image": {"Bytes": PNG}, **expected}
    )

    recognize(client, PNG, api=api, **parameters)


@pytest.mark.parametrize(
    ("reference", "expected"),
    [
        (S3Object("pictures", "originals/a.jpg"), {"Bucket": "pictures", "Name": "originals/a.jpg"}),
        (S3Object("pictures", "a.jpg", "v1"), {"Bucket": "pictures", "Name": "a.jpg", "Version": "v1"}),
    ],
)
def test_s3_object_is_sent_as_reference(client, stub, reference, expected):
    stub.add_response("detect_text", rekognition_responses.text(), {"Image": {"S3Object": expected}})

    assert recognize(client, reference, api="text").content == rekognition_responses.text()


@pytest.mark.parametrize("api", ["labels", "text", "moderation"])
def test_missing_model_version_becomes_unknown(client, stub, api):
    operation = rekognition_client.OPERATIONS[api]
    stub.add_response(operation.method, {operation.result: []})

    assert recognize(client, api=api).model_version == "unknown"


@pytest.mark.parametrize("api", REQUESTS)
def test_response_without_result_is_an_error(client, stub, api):
    stub.add_response(
        rekognition_client.OPERATIONS[api].method, {"ResponseMetadata": rekognition_responses.metadata("a-request")}
    )

    with pytest.raises(Throttled, match="AnswerCutShort") as raised:
        recognize(client, api=api)

    assert (raised.value.outcome, raised.value.request_id) == ("unknown", "a-request")


@pytest.mark.parametrize(
    ("picture", "code"),
    [
        (b"", "NotAPicture"),
        (b"GIF89a" + bytes(100), "NotAPicture"),
        (JPEG + bytes(5 * 1024 * 1024 - len(JPEG) + 1), "PictureTooLarge"),
    ],
)
def test_invalid_picture_is_rejected_before_sending(client, stub, picture, code):
    with pytest.raises(UnreadableResponse, match=code) as raised:
        recognize(client, picture)
    assert raised.value.outcome is None


def test_picture_of_exactly_5_mib_is_sent(client, stub):
    stub.add_response("detect_labels", rekognition_responses.labels())

    assert recognize(client, JPEG + bytes(5 * 1024 * 1024 - len(JPEG))).model_version == "3.0"


def test_operations_are_in_the_service_model():
    model = botocore.session.get_session().get_service_model("rekognition")

    assert [model.operation_model(operation.name).name for operation in rekognition_client.OPERATIONS.values()] == [
        *("DetectLabels", "DetectFaces", "RecognizeCelebrities", "DetectText", "DetectModerationLabels")
    ]


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
    rekognition_client.reset()


def connected(region="eu-west-1", threads=4):
    recognizer = rekognition_client.connect(region=region, threads=threads)
    assert recognizer.region == (region or "")  # paid for either way, so never None
    return recognizer, lambda: recognizer.recognize(JPEG, api="labels", parameters=Parameters())


def test_refused_connection_is_unavailable_without_outcome(credentials):
    with closing(socket.socket()) as listener:
        listener.bind(("127.0.0.1", 0))  # bound and not listening: refuses
        credentials.setenv("AWS_ENDPOINT_URL_REKOGNITION", f"http://127.0.0.1:{listener.getsockname()[1]}")
        _, ask_it = connected()

        with pytest.raises(ApiUnavailable, match="EndpointConnectionError") as raised:
            ask_it()
    assert raised.value.outcome is None


def test_missing_credentials_name_the_variables(credentials):
    credentials.delenv("AWS_ACCESS_KEY_ID")
    credentials.setenv("AWS_ENDPOINT_URL_REKOGNITION", "http://127.0.0.1:9")
    _, ask_it = connected()

    with pytest.raises(ApiUnavailable, match="Set AWS_ACCESS_KEY_ID"):
        ask_it()


def test_missing_region_names_the_setting(credentials):
    _, ask_it = connected(region=None)

    with pytest.raises(ApiUnavailable, match="Set AWS_REGION"):
        ask_it()


def test_invalid_endpoint_is_a_configuration_error(credentials):
    credentials.setenv("AWS_ENDPOINT_URL_REKOGNITION", "nonsense")
    _, ask_it = connected()

    with pytest.raises(ApiUnavailable, match="InvalidConfigError"):
        ask_it()


def test_threads_share_one_client(credentials):
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
def test_forked_child_creates_its_own_client(credentials):
    recognizer, _ = connected()
    before = recognizer._client()  # kept, so that no other client gets its address

    with rekognition_client._client_lock:  # as if another thread were just making one
        child = os.fork()
        if child == 0:
            os._exit(0 if recognizer._client() is not before else 1)
    _, status = os.waitpid(child, 0)

    assert os.waitstatus_to_exitcode(status) == 0
    assert recognizer._client() is before
