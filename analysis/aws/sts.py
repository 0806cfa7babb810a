"""Account and principal of the credentials."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from analysis.aws import clients


@dataclass(frozen=True)
class Identity:
    account: str
    arn: str


def caller(*, region: str, client: Any = None) -> Identity:
    """Identity of the credentials, by STS GetCallerIdentity. Raises AWSError.

    Needs no permission.
    """
    with clients.translate_errors():
        # Allowed even where a policy denies everything (AWS, GetCallerIdentity).
        response = (client or clients.client("sts", region=region)).get_caller_identity()
    return Identity(account=str(response.get("Account", "")), arn=str(response.get("Arn", "")))
