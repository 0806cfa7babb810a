"""A simulator per module with a real client; each test finds it as it was at the start."""

from __future__ import annotations

import boto3  # noqa: TID251
import pytest
from botocore.config import Config  # noqa: TID251

from imagelib.simulator import running


def connect(address: str, **config):
    options = {"retries": {"mode": "standard", "total_max_attempts": 1}, "parameter_validation": False, **config}
    return boto3.session.Session("testing", "testing", region_name="eu-west-1").client(
        "rekognition", endpoint_url=address, config=Config(**options)
    )


@pytest.fixture(scope="module")
def _running():
    with running() as simulator:
        yield simulator


@pytest.fixture
def simulator(_running):
    _running.reset(settings=True)
    return _running


@pytest.fixture(scope="module")
def client(_running):
    """Checks no parameter itself and tries once, so that the simulator hears everything."""
    made = connect(_running.address)
    yield made
    made.close()
