"""Clients of AWS services that deliver messages, shared by all threads."""

from __future__ import annotations

import os
import threading
from typing import Any

from analysis.aws import clients
from analysis.aws.object_refs import AssumedRole

_lock = threading.Lock()
_clients: dict[tuple[str, str, str, AssumedRole | None], Any] = {}
_LIMITS: dict[str, Any] = {
    # One attempt of a few seconds: senders of messages retry later.
    "retries": {"mode": "standard", "total_max_attempts": 1},
    "connect_timeout": 2,
    "read_timeout": 5,
    "max_pool_connections": 16,
}
_ENDPOINTS = {"sqs": "SQS", "sns": "SNS", "events": "EVENTBRIDGE", "dynamodb": "DYNAMODB", "s3": "S3"}
"""Part of the name of the environment variable for the service's endpoint, by botocore's name of the service."""


def shared_client(service: str, *, region: str, role: AssumedRole | None = None) -> Any:
    """The client of a service, region and role.

    Raises AWSError for an invalid configuration.
    """
    endpoint = os.environ.get(f"AWS_ENDPOINT_URL_{_ENDPOINTS[service]}") or os.environ.get("AWS_ENDPOINT_URL", "")
    key = service, region, endpoint, role
    with _lock:
        if key not in _clients:
            _clients[key] = _new(service, region=region, role=role, has_endpoint=bool(endpoint))
        return _clients[key]


def reset() -> None:
    """Discard clients, after credentials or an endpoint changed."""
    with _lock:
        _clients.clear()


def _new(service: str, *, region: str, role: AssumedRole | None, has_endpoint: bool) -> Any:
    if service == "s3":
        return clients.s3_client(region=region, role=role, has_endpoint=has_endpoint, **_LIMITS)
    return clients.client(service, region=region, role=role, **_LIMITS)
