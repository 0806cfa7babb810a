"""Invocation of Lambda functions."""

from __future__ import annotations

from analysis.aws import clients


def invoke(name: str, *, region: str) -> None:
    """Start a function without waiting for it. Raises AWSError."""
    client = clients.client("lambda", region=region)
    with clients.translate_errors():
        # Event: Lambda responds at once and not when the function has ended, up to 15 minutes later.
        client.invoke(FunctionName=name, InvocationType="Event", Payload=b"{}")
