"""Account and principal of the credentials, and roles to assume."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from analysis.aws import clients
from analysis.aws.object_refs import AssumedRole


@dataclass(frozen=True)
class Identity:
    account: str
    arn: str


def caller(*, region: str, client: Any = None) -> Identity:
    """Identity of the credentials, by STS GetCallerIdentity. Raises AWSError.

    Needs no permission.
    """
    with clients.translate_errors():
        # Allowed even if a policy denies everything (AWS, GetCallerIdentity).
        response = (client or clients.client("sts", region=region)).get_caller_identity()
    return Identity(account=str(response.get("Account", "")), arn=str(response.get("Arn", "")))


def assume(role: AssumedRole, *, region: str, with_external_id: bool = True) -> None:
    """Test that a role can be assumed. Raises AWSError."""
    # The shortest session of STS, since its credentials are discarded.
    params: dict[str, Any] = {"RoleArn": role.arn, "RoleSessionName": clients.ROLE_SESSION, "DurationSeconds": 900}
    if with_external_id:
        params["ExternalId"] = role.external_id
    with clients.translate_errors():
        clients.client("sts", region=region).assume_role(**params)
