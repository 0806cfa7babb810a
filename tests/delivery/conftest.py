"""Receivers for the tests of deliveries."""

from __future__ import annotations

import urllib.request

import pytest

from analysis.aws import s3_objects, shared_clients
from tests.delivery.aws_services import REGION, AwsServices
from tests.delivery.receiver import Receiver
from tests.moto_server import moto_server


@pytest.fixture
def receiver(settings):
    """An HTTP server that records requests; private addresses are allowed for it."""
    settings.DELIVERY_PRIVATE_ADDRESSES = True
    with Receiver() as server:
        yield server


@pytest.fixture(scope="session")
def moto_address():
    with moto_server() as address:
        yield address


@pytest.fixture
def aws(moto_address, monkeypatch, settings):
    """Empty AWS services, which imagelib is configured to use."""
    settings.AWS_REGION = REGION
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    for service in ("SQS", "SNS", "EVENTBRIDGE", "DYNAMODB", "S3"):
        monkeypatch.setenv(f"AWS_ENDPOINT_URL_{service}", moto_address)
    _reset_clients()
    yield AwsServices(moto_address)
    _reset_clients()
    urllib.request.urlopen(f"{moto_address}/moto-api/reset", data=b"").close()


def _reset_clients() -> None:
    shared_clients.reset()
    s3_objects.reset()
