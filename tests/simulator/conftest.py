"""One simulator with a real client for each module, reset for each test."""

from __future__ import annotations

import boto3
import pytest
from botocore.config import Config

from imagelib.simulator import run_simulator


def connect(address: str, **config):
    options = {"retries": {"mode": "standard", "total_max_attempts": 1}, "parameter_validation": False, **config}
    return boto3.session.Session("testing", "testing", region_name="eu-west-1").client(
        "rekognition", endpoint_url=address, config=Config(**options)
    )


@pytest.fixture(scope="module")
def module_simulator():
    with run_simulator() as simulator:
        yield simulator


@pytest.fixture
def simulator(module_simulator):
    module_simulator.reset(settings=True)
    return module_simulator


@pytest.fixture(scope="module")
def client(module_simulator):
    """boto3 client without validation and retries, so all calls are sent."""
    client = connect(module_simulator.address)
    yield client
    client.close()
