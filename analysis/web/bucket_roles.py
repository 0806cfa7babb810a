"""External IDs and policies of IAM roles for buckets in other AWS accounts."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.core import signing

from analysis.aws import iam_policy
from analysis.bucket_sync import connection_check
from analysis.models import Bucket
from analysis.storage import originals

FIELD = "external_id"
EXAMPLE_ACCOUNT = "123456789012"
_SALT = "analysis.web.bucket_roles"


def read_external_id(data: Mapping[str, Any]) -> str:
    """The external ID that was issued with the form; empty if it is missing or forged."""
    # Signed, so that nobody can choose it: with another bucket's external ID they could read that bucket by its role.
    try:
        return str(signing.loads(str(data.get(FIELD, "")), salt=_SALT))
    except signing.BadSignature:
        return ""


def form_context(bucket: Bucket, *, is_checked: bool) -> dict[str, Any]:
    """Template context: the signed external ID, and the policies to paste into AWS."""
    return {"external_id": signing.dumps(bucket.external_id, salt=_SALT), **policies(bucket, is_checked=is_checked)}


def policies(bucket: Bucket, *, is_checked: bool) -> dict[str, Any]:
    """The role's trust policy, and the policy that lets imagelib assume the role.

    With `is_checked`, imagelib's account is read from AWS if no setting names it.
    """
    account = _configured_account() or (connection_check.own_account() if is_checked and bucket.role_arn else "")
    region = originals.region_of(bucket)
    trust = iam_policy.trust_policy(account=account or EXAMPLE_ACCOUNT, external_id=bucket.external_id, region=region)
    return {
        "trust_policy": json.dumps(trust, indent=2),
        "assume_policy": json.dumps(iam_policy.assume_policy(bucket.role_arn), indent=2) if bucket.role_arn else "",
        "is_example_account": not account,
    }


def _configured_account() -> str:
    # https://sqs.REGION.amazonaws.com/ACCOUNT/NAME
    account = settings.AWS_ACCOUNT or settings.EVENTS_QUEUE_URL.rpartition("/")[0].rpartition("/")[2]
    return str(account) if str(account).isdecimal() else ""
