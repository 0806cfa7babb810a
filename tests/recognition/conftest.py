"""Rekognition as these tests have it: the simulator over HTTP."""

import pytest

from analysis.models import Analysis
from analysis.recognition import registry
from imagelib.simulator import run_simulator


@pytest.fixture
def simulator(settings, monkeypatch):
    """The recognizer is Rekognition, and Rekognition is the simulator."""
    with run_simulator() as simulator:
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            monkeypatch.setenv(name, "testing")
        monkeypatch.setenv("AWS_ENDPOINT_URL_REKOGNITION", simulator.address)
        settings.RECOGNIZER, settings.AWS_REGION = "rekognition", "us-east-1"
        settings.RECOGNIZER_APIS = ["labels"]
        settings.REKOGNITION_QUOTA = dict.fromkeys(Analysis.Api.values, "10000")
        registry.reset()
        yield simulator
    registry.reset()
