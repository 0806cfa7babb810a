"""Errors of AWS as outcomes: the missing IAM action, and what is tried again."""

from __future__ import annotations

import pytest

from analysis.aws import clients
from analysis.aws.errors import AWSError, MessageRefused
from analysis.delivery.base import Outcome
from analysis.delivery.channels.aws_outcomes import outcome_of

ADVICE = "Allow sqs:SendMessage for imagelib's IAM role or user. The sink's page shows the policy."


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (
            clients.error_of("AccessDenied", message="User: …", operation="SendMessageBatch"),
            Outcome(f"SendMessageBatch is not allowed (AccessDenied). {ADVICE}"),
        ),
        (
            clients.error_of("ThrottlingException", message="Rate exceeded", operation="PutItem"),
            Outcome("AWS is throttling requests (ThrottlingException). Try again in a moment."),
        ),
        (AWSError("It is down.", code="x"), Outcome("It is down.")),
        (MessageRefused("It is bad.", code="x"), Outcome("It is bad.", is_permanent=True)),
    ],
)
def test_outcome_of_an_error(error, outcome):
    assert outcome_of(error, action="sqs:SendMessage") == outcome
