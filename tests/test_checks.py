"""Each mistake in the configuration is named, with what to do."""

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
        ("RECOGNIZER", "rekognition", ["imagelib.E003"]),
        ("RECOGNIZER_APIS", ["labels", "smells"], ["imagelib.E002"]),
        ("RECOGNIZER_APIS", ["labels"], []),
        ("MAX_PIXELS", 0, ["imagelib.E004"]),
        ("MAX_LABELS", 1001, ["imagelib.E004"]),
        ("MIN_CONFIDENCE", 101.0, ["imagelib.E004"]),
    ],
)
def test_a_mistake_is_found(settings, name, value, expected):
    settings.AWS_REGION = ""
    setattr(settings, name, value)
    assert ids() == expected


def test_a_deployment_is_warned_of_embedded_services():
    assert "imagelib.W001" in ids(include_deployment_checks=True)
