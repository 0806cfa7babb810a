"""Who the credentials belong to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from analysis.sources import aws


@dataclass(frozen=True)
class Identity:
    account: str
    arn: str


def caller(*, region: str, client: Any = None) -> Identity:
    """Asks STS, which needs no permission for it. Raises Refused."""
    with aws.refusals():
        said = (client or aws.client("sts", region=region)).get_caller_identity()
    return Identity(account=str(said.get("Account", "")), arn=str(said.get("Arn", "")))
