"""Who the credentials belong to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from analysis.aws import clients


@dataclass(frozen=True)
class Identity:
    account: str
    arn: str


def caller(*, region: str, client: Any = None) -> Identity:
    """Asks STS, which needs no permission for it. Raises Refused."""
    with clients.translate_errors():
        said = (client or clients.client("sts", region=region)).get_caller_identity()
    return Identity(account=str(said.get("Account", "")), arn=str(said.get("Arn", "")))
