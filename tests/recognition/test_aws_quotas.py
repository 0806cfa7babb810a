"""Quotas from the settings, from Service Quotas, and by default."""

from __future__ import annotations

import os

import botocore.session
import pytest
from botocore.stub import Stubber

from analysis.aws import service_quotas
from analysis.aws.errors import AWSError
from analysis.recognition import aws_quotas
from analysis.recognition.rekognition import client
from tests.rekognition_server import RekognitionServer, serving

IMAGE = "Transactions per second per account for the Amazon Rekognition Image operation"


@pytest.fixture
def stub():
    session = botocore.session.Session()
    session.set_credentials("testing", "testing")
    client = session.create_client("service-quotas", region_name="eu-central-1")
    with Stubber(client) as stubber:
        yield stubber
        stubber.assert_no_pending_responses()


def quota_row(name: str, value: float = 7.0, **fields) -> dict:
    return {"ServiceCode": "rekognition", "QuotaName": name, "Value": value, "Unit": "None", **fields}


def applied(stub) -> dict[str, float]:
    return service_quotas.applied(
        "rekognition", operations=aws_quotas.OPERATIONS.values(), region="eu-central-1", client=stub.client
    )


def per(unit: str, value: int = 1) -> dict:
    return {"PeriodUnit": unit, "PeriodValue": value}


@pytest.mark.parametrize(
    ("quota", "expected"),
    [
        (quota_row(f"{IMAGE} DetectLabels"), {"DetectLabels": 7.0}),
        (quota_row(f"{IMAGE} DetectModerationLabels"), {"DetectModerationLabels": 7.0}),
        (quota_row("RecognizeCelebrities TPS"), {"RecognizeCelebrities": 7.0}),
        (quota_row("Rate of DetectText requests", Period=per("SECOND")), {"DetectText": 7.0}),
        (
            quota_row("Operations: DetectFaces, DetectText", Period=per("SECOND")),
            {"DetectFaces": 7.0, "DetectText": 7.0},
        ),
        (
            quota_row(
                "Calls per second",
                UsageMetric={"MetricDimensions": {"Resource": "DetectFaces", "Service": "Rekognition"}},
            ),
            {"DetectFaces": 7.0},
        ),
        (quota_row("Rate of DetectText requests", Period=per("MINUTE")), {}),
        (quota_row("Rate of DetectText requests", Period=per("SECOND", 5)), {}),
        (quota_row(f"{IMAGE} DetectCustomLabels"), {}),
        (quota_row(f"{IMAGE} DetectLabels", 0.0), {}),
        (quota_row("Maximum number of concurrent stored video jobs per account", 20.0), {}),
        (quota_row("DetectLabels faces per picture", 100.0), {}),
    ],
)
def test_quota_is_matched_by_operation_name(stub, quota, expected):
    stub.add_response("list_service_quotas", {"Quotas": [quota]}, {"ServiceCode": "rekognition", "MaxResults": 100})

    assert applied(stub) == expected


def test_all_pages_are_read_and_the_smallest_quota_wins(stub):
    first = {"Quotas": [quota_row(f"{IMAGE} DetectLabels", 50.0)], "NextToken": "more"}
    stub.add_response("list_service_quotas", first, {"ServiceCode": "rekognition", "MaxResults": 100})
    stub.add_response(
        "list_service_quotas",
        {"Quotas": [quota_row(f"{IMAGE} DetectLabels", 20.0), quota_row(f"{IMAGE} DetectText", 30.0)]},
        {"ServiceCode": "rekognition", "MaxResults": 100, "NextToken": "more"},
    )

    assert applied(stub) == {"DetectLabels": 20.0, "DetectText": 30.0}


def test_access_denied_message_names_no_principal(stub):
    message = "User: arn:aws:iam::123456789012:user/me is not authorized to perform: servicequotas:ListServiceQuotas"
    stub.add_client_error("list_service_quotas", "AccessDeniedException", message, 400)

    with pytest.raises(AWSError) as raised:
        applied(stub)

    assert raised.value.is_denied
    assert str(raised.value) == "ListServiceQuotas is not allowed (AccessDeniedException)."


def test_operations_match_the_rekognition_client():
    assert {api: operation.name for api, operation in client.OPERATIONS.items()} == aws_quotas.OPERATIONS
    assert aws_quotas.DEFAULTS.keys() == aws_quotas.OPERATIONS.keys()


@pytest.mark.parametrize(
    ("region", "expected"),
    [
        ("eu-west-1", {"labels": 50, "faces": 100, "celebrities": 50, "text": 50, "moderation": 50}),
        ("eu-central-1", {"labels": 5, "faces": 25, "celebrities": 5, "text": 5, "moderation": 5}),
        ("", {"labels": 5, "faces": 25, "celebrities": 5, "text": 5, "moderation": 5}),
    ],
)
def test_default_quota_depends_on_region(region, expected):
    assert {api: aws_quotas.quota(region, api) for api in expected} == expected
    assert aws_quotas.cached_quota(region, "labels").source == "AWS default"


def test_setting_overrides_default_quota(settings):
    settings.REKOGNITION_QUOTA = {"labels": "12.5"}

    assert aws_quotas.cached_quota("eu-west-1", "labels") == aws_quotas.Quota(12.5, "REKOGNITION_QUOTA")
    assert aws_quotas.quota("eu-west-1", "text") == 50


@pytest.fixture
def service(settings, monkeypatch):
    """Service Quotas over HTTP, switched on in the settings."""
    server = RekognitionServer()
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    settings.QUOTAS_FROM_AWS = True
    aws_quotas.reset()
    with serving(server) as address:
        monkeypatch.setenv("AWS_ENDPOINT_URL_SERVICE_QUOTAS", address)
        yield server
    aws_quotas.reset()


def test_service_quotas_is_cached_and_missing_quotas_use_the_default(settings, service):
    service.answers = [{"Quotas": [quota_row(f"{IMAGE} DetectLabels", 33.0)]}]
    settings.REKOGNITION_QUOTA = {"faces": "3"}

    assert aws_quotas.cached_quota("eu-central-1", "labels") == aws_quotas.Quota(33.0, "Service Quotas")
    assert aws_quotas.cached_quota("eu-central-1", "text") == aws_quotas.Quota(5.0, "AWS default")
    assert aws_quotas.cached_quota("eu-central-1", "faces") == aws_quotas.Quota(3.0, "REKOGNITION_QUOTA")
    assert service.requests == [{"ServiceCode": "rekognition", "MaxResults": 100}]


def test_denied_service_quotas_fall_back_to_defaults_and_log(service, caplog):
    service.answers = [(400, "AccessDeniedException")]

    assert aws_quotas.quota("eu-central-1", "labels") == 5
    assert aws_quotas.quota("eu-central-1", "text") == 5
    assert len(service.requests) == 1
    assert [record.getMessage() for record in caplog.records if record.name == "analysis.recognition.aws_quotas"] == [
        "Rekognition's quotas could not be read; using the previous ones: "
        "ListServiceQuotas is not allowed (AccessDeniedException)."
    ]
