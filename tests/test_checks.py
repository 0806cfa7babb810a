"""System checks report each invalid setting."""

import os
from decimal import Decimal

import pytest
from django.core.checks import run_checks

from analysis.aws.errors import AWSError
from analysis.aws.url_credentials import redact_url_credentials
from analysis.storage import s3
from imagelib import csp


def ids(**options) -> list[str]:
    # Sorted: Django runs registered checks in the order of a set.
    return sorted(message.id for message in run_checks(**options) if (message.id or "").startswith("imagelib."))


def test_default_settings_pass():
    assert ids() == []


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("RECOGNIZER", "guess", ["imagelib.E001"]),
        ("RECOGNIZER", "rekognition", ["imagelib.E003", "imagelib.W003"]),
        ("RECOGNIZER_APIS", ["labels", "smells"], ["imagelib.E002"]),
        ("RECOGNIZER_APIS", ["labels"], []),
        ("MAX_PIXELS", 0, ["imagelib.E004"]),
        ("MAX_LABELS", 1001, ["imagelib.E004"]),
        ("MIN_CONFIDENCE", 101.0, ["imagelib.E004"]),
        ("MODERATION_MIN_CONFIDENCE", -1.0, ["imagelib.E004"]),
        ("LEASE_SECONDS", 3.0, ["imagelib.E004"]),
        ("SWEEP_SECONDS", 0.0, ["imagelib.E004"]),
        ("WATCHDOG_MINUTES", 0.0, ["imagelib.E004"]),
        ("LABEL_INCLUSION", ["Dog", "Cat & Mouse"], ["imagelib.E005"]),
        ("LABEL_EXCLUSION", ["x" * 51], ["imagelib.E005"]),
        ("CATEGORY_INCLUSION", [f"Category {number}" for number in range(101)], ["imagelib.E005"]),
        ("CATEGORY_EXCLUSION", ["Animals and Pets"], []),
        ("REKOGNITION_QUOTA", {"labels": "20", "faces": "0.5"}, []),
        ("REKOGNITION_QUOTA", {"labels": "0", "smells": "1", "text": "fast"}, ["imagelib.E006"] * 3),
        ("REKOGNITION_READS_BUCKET", True, []),
        ("OIDC_CLIENT_ID", "imagelib", ["imagelib.E021"]),
        ("OIDC_ROLE", "staff", ["imagelib.E022"]),
        ("PROXY_ROLE", "administrator", ["imagelib.E022"]),
        ("PROXY_USER_HEADER", "Remote-User", ["imagelib.E023"]),
    ],
)
def test_invalid_setting_is_reported(settings, name, value, expected):
    settings.AWS_REGION = ""
    setattr(settings, name, value)
    assert ids() == expected


def test_own_model_that_cannot_be_used_is_reported(settings, tmp_path):
    settings.LOCAL_CLASSIFIER = str(tmp_path / "plants.onnx")
    (message,) = [message for message in run_checks() if message.id == "imagelib.E010"]
    assert message.msg == f"The model file {tmp_path}/plants.onnx is missing."
    (tmp_path / "plants.onnx").touch()
    assert ids() == ["imagelib.E010"]
    settings.RECOGNIZER = "simulator"
    assert ids() == []


def test_paid_recognizer_without_a_budget_is_reported(settings):
    settings.RECOGNIZER, settings.AWS_REGION = "rekognition", "eu-central-1"
    assert ids() == ["imagelib.W003"]
    settings.MONTHLY_BUDGET = Decimal(100)
    assert ids() == []


def test_deployment_check_reports_embedded_services():
    assert "imagelib.W001" in ids(include_deployment_checks=True)


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("DECODE_MEMORY_BYTES", 2**40, "imagelib.W007"),
        ("ALLOWED_HOSTS", ["*"], "imagelib.W006"),
        ("CELERY_QUEUE_URL", "https://sqs.eu-west-1.amazonaws.com/1/imagelib", "imagelib.W008"),
        ("SECURE_PROXY_SSL_HEADER", None, "imagelib.W004"),
        ("SECURE_PROXY_SSL_HEADER", ("HTTP_X_FORWARDED_PROTO", "https"), "imagelib.W005"),
        ("TRUSTED_PROXIES", ["10.0.0.0/33"], "imagelib.E007"),
        ("METRICS_ADDRESSES", ["inside"], "imagelib.E007"),
        ("SENDFILE", "nginx", "imagelib.E013"),
    ],
)
def test_deployment_check_reports_insecure_settings(settings, name, value, expected):
    setattr(settings, name, value)
    assert expected in ids(include_deployment_checks=True)


def test_deployment_check_reports_root(settings):
    assert ("imagelib.I001" in ids(include_deployment_checks=True)) == (os.geteuid() == 0)


def test_credentials_of_an_endpoint_are_never_shown(settings):
    address = "https://key:secret@storage.example:9000/path"
    bucket(settings, endpoint_url=address)
    [warning] = [message for message in run_checks() if message.id == "imagelib.W002"]
    assert "https://storage.example:9000/path" in warning.msg
    assert "secret" not in warning.msg
    assert csp.origin("pictures", region="", endpoint=address) == ["https://storage.example:9000"]
    assert s3.origin_of("pictures", region="", endpoint=address) == "https://storage.example:9000"
    assert str(AWSError(f'Could not connect to "{address}".', code="")) == (
        'Could not connect to "https://storage.example:9000/path".'
    )
    assert (
        redact_url_credentials("mail ada@example.org about https://a@b/c@d")
        == "mail ada@example.org about https://b/c@d"
    )


def bucket(settings, **options):
    settings.RECOGNIZER, settings.AWS_REGION, settings.REKOGNITION_READS_BUCKET = "rekognition", "eu-central-1", True
    storage = {"BACKEND": "analysis.storage.s3.SharedS3Storage", "OPTIONS": {"bucket_name": "pictures", **options}}
    settings.STORAGES = {**settings.STORAGES, "default": storage}


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({}, None),
        ({"region_name": "eu-central-1"}, None),
        ({"bucket_name": ""}, "pictures are not stored in S3"),
        (
            {"endpoint_url": "http://127.0.0.1:9000"},
            "the bucket is at http://127.0.0.1:9000, which Rekognition cannot reach",
        ),
        (
            {"region_name": "us-east-1"},
            "the bucket is in us-east-1 and Rekognition is called in eu-central-1",
        ),
    ],
)
def test_bucket_that_rekognition_cannot_read_is_reported(settings, options, reason):
    bucket(settings, **options)
    messages = [message.msg for message in run_checks() if message.id == "imagelib.W002"]
    assert (
        messages
        == [f"REKOGNITION_READS_BUCKET has no effect: {reason}. Pictures are sent as bytes instead."][: bool(reason)]
    )


@pytest.mark.parametrize(
    ("proxies", "expected"),
    [
        (["10.0.0.1", "10.0.0.0/24", "2001:db8::1"], []),
        (["10.0.0.0/8"], ["imagelib.W021"]),
        (["2001:db8::/32"], ["imagelib.E024"]),
        (["0.0.0.0/0"], ["imagelib.E024"]),
    ],
)
def test_header_that_many_can_send_is_reported(proxies, expected, settings):
    settings.PROXY_USER_HEADER, settings.TRUSTED_PROXIES = "Remote-User", proxies
    codes = ids(include_deployment_checks=True)
    assert [code for code in codes if code in {"imagelib.W021", "imagelib.E023", "imagelib.E024"}] == expected


@pytest.mark.parametrize(("url", "is_told"), [("http://id.example", True), ("https://id.example", False)])
def test_provider_without_encryption_is_reported(url, is_told, settings):
    settings.OIDC_SERVER_URL, settings.OIDC_CLIENT_ID, settings.OIDC_CLIENT_SECRET = url, "imagelib", "secret"
    assert ("imagelib.W022" in ids(include_deployment_checks=True)) is is_told
