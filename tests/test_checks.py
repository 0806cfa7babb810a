"""Each mistake in the configuration is named, with what to do."""

from decimal import Decimal

import pytest
from django.core.checks import run_checks


def ids(**options) -> list[str]:
    return [message.id for message in run_checks(**options) if (message.id or "").startswith("imagelib.")]


def test_the_settings_as_shipped_are_in_order():
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
    ],
)
def test_a_mistake_is_found(settings, name, value, expected):
    settings.AWS_REGION = ""
    setattr(settings, name, value)
    assert ids() == expected


def test_a_recognizer_that_costs_money_wants_a_budget(settings):
    settings.RECOGNIZER, settings.AWS_REGION = "rekognition", "eu-central-1"
    assert ids() == ["imagelib.W003"]
    settings.MONTHLY_BUDGET = Decimal(100)
    assert ids() == []


def test_a_deployment_is_warned_of_embedded_services():
    assert "imagelib.W001" in ids(include_deployment_checks=True)


def bucket(settings, **options):
    settings.RECOGNIZER, settings.AWS_REGION, settings.REKOGNITION_READS_BUCKET = "rekognition", "eu-central-1", True
    storage = {"BACKEND": "analysis.storage.s3.SharedS3Storage", "OPTIONS": {"bucket_name": "pictures", **options}}
    settings.STORAGES = {**settings.STORAGES, "default": storage}


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({}, None),
        ({"region_name": "eu-central-1"}, None),
        ({"bucket_name": ""}, "the pictures are not kept in S3"),
        (
            {"endpoint_url": "http://127.0.0.1:9000"},
            "the bucket is at http://127.0.0.1:9000, which Rekognition does not reach",
        ),
        (
            {"region_name": "us-east-1"},
            "the bucket is in us-east-1 and Rekognition is asked in eu-central-1",
        ),
    ],
)
def test_a_bucket_that_rekognition_cannot_read_is_told(settings, options, reason):
    bucket(settings, **options)
    told = [message.msg for message in run_checks() if message.id == "imagelib.W002"]
    assert told == [f"REKOGNITION_READS_BUCKET has no effect: {reason}. Bytes are sent instead."][: bool(reason)]
