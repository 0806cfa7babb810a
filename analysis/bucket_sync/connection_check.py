"""Checks a bucket's region and permissions; makes AWS configuration to copy."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.utils.text import get_text_list
from django.utils.translation import gettext as _

from analysis.aws import bucket_settings, cors, iam_policy, s3_objects, sts
from analysis.aws.errors import AWSError, EndpointUnreachable, MissingCredentials, RoleRefused
from analysis.aws.object_refs import AssumedRole
from analysis.findings import AwsFinding, State
from analysis.formatting import translated
from analysis.models import Bucket
from analysis.storage import originals

CORS = "CORS rules"


def check_connection(bucket: Bucket, *, origin: str = "") -> Iterator[AwsFinding]:
    """Test each permission by a harmless request.

    With the site's `origin`, the CORS rules for uploads from browsers are tested, too. Ends early if the endpoint does
    not respond.
    """
    if bucket.role_arn:
        yield (finding := check_role(bucket))
        if not finding.is_fine:
            return
    try:
        client = originals.client_of(bucket)
    except AWSError as error:
        yield AwsFinding("connection", State.FAILED, translated(error))
        return
    try:
        region = bucket_settings.region_of(client, bucket.name)
    except (MissingCredentials, EndpointUnreachable) as error:
        yield AwsFinding("connection", State.FAILED, translated(error))
        return
    except AWSError as error:
        if error.is_absent:
            yield AwsFinding("bucket", State.FAILED, originals.no_bucket(bucket.name))
            return
        region = error.region  # the requests below find the missing permission
    yield _check_region(bucket, region)
    for step in bucket_settings.check_readable(client, bucket.name, prefix=bucket.prefix, may_delete=bucket.may_delete):
        if step.refusal and step.refusal.is_denied:
            sentence = _("Not allowed (%(code)s).") % {"code": step.refusal.code}
            yield AwsFinding(step.action, State.FAILED, sentence, action=step.action)
        else:
            sentence = translated(step.refusal) if step.refusal else _("Allowed.")
            yield AwsFinding(step.action, State.FAILED if step.refusal else State.OK, sentence)
    if origin and bucket.name == settings.AWS_STORAGE_BUCKET_NAME:
        yield check_cors(client, bucket.name, origin=origin)


def check_cors(client: Any, bucket: str, *, origin: str) -> AwsFinding:
    """Send preflight requests, as browsers on this site do before uploads."""
    try:
        refused = cors.refused_methods(client, bucket, origin=origin)
    except AWSError as error:
        return AwsFinding(CORS, State.FAILED, translated(error))
    if not refused:
        sentence = _("Browsers can upload from %(origin)s.") % {"origin": origin}
        return AwsFinding(CORS, State.OK, sentence)
    sentence = _(
        "The bucket's CORS rules do not allow %(methods)s from %(origin)s, so browsers can't upload."
        " Paste the CORS rules below in S3's console, at the bucket's permissions."
    )
    return AwsFinding(CORS, State.FAILED, sentence % {"methods": get_text_list(refused, _("and")), "origin": origin})


def check_role(bucket: Bucket) -> AwsFinding:
    """Test that the bucket's role requires its external ID and can be assumed with it."""
    role, region = AssumedRole(bucket.role_arn, bucket.external_id), originals.region_of(bucket)
    try:
        sts.assume(role, region=region)
    except RoleRefused as error:
        action = "sts:AssumeRole" if error.lacks_own_permission else ""
        return AwsFinding("role", State.FAILED, translated(error), action=action)
    except AWSError as error:
        return AwsFinding("role", State.FAILED, translated(error))
    try:
        # Otherwise people who may add buckets could read this one by its role's ARN (the confused deputy).
        sts.assume(role, region=region, with_external_id=False)
    except AWSError:
        return AwsFinding("role", State.OK, _("The role can be assumed with the external ID."))
    sentence = _("The role can also be assumed without the external ID. Add the trust policy's condition to it.")
    return AwsFinding("role", State.WARNING, sentence)


def own_account() -> str:
    """The account of imagelib's credentials; empty if it cannot be read."""
    try:
        return sts.caller(region=settings.AWS_REGION or "us-east-1").account
    except AWSError:
        return ""


def unusable(bucket: Bucket) -> list[AwsFinding]:
    """Errors to be corrected in the form.

    Missing IAM actions are not among them, since they can be granted later.
    """
    return [finding for finding in check_connection(bucket) if not finding.is_fine and not finding.action]


def describe_list_error(bucket: Bucket, error: AWSError) -> str:
    """The reason why a bucket cannot be listed, and what to do."""
    if error.is_absent:
        return originals.no_bucket(bucket.name)
    if error.is_denied:
        sentence = _(
            "%(bucket)s cannot be listed: s3:ListBucket is not allowed (%(code)s)."
            " “Check connection” on its page shows the policy to grant."
        )
        return sentence % {"bucket": bucket.name, "code": error.code}
    return _("%(bucket)s cannot be listed: %(error)s") % {"bucket": bucket.name, "error": translated(error)}


def needed_policy(bucket: Bucket) -> dict[str, Any]:
    """The minimal IAM policy for a bucket."""
    return iam_policy.read_policy(
        bucket=bucket.name, prefix=bucket.prefix, may_delete=bucket.may_delete, region=originals.region_of(bucket)
    )


def cors_rules(origin: str) -> list[dict[str, Any]]:
    """CORS rules for browsers that upload to a bucket and display its images."""
    return [
        {
            "AllowedOrigins": [origin],
            "AllowedMethods": ["POST", "PUT", "GET", "HEAD"],
            "AllowedHeaders": ["*"],
            "ExposeHeaders": ["ETag"],
            "MaxAgeSeconds": 3_000,
        }
    ]


def notification_config(queue_arn: str, prefix: str) -> dict[str, Any]:
    """Event notifications of a bucket to an SQS queue."""
    queue: dict[str, Any] = {"QueueArn": queue_arn, "Events": ["s3:ObjectCreated:*", "s3:ObjectRemoved:*"]}
    if prefix:
        queue["Filter"] = {"Key": {"FilterRules": [{"Name": "prefix", "Value": prefix}]}}
    return {"QueueConfigurations": [queue]}


def _check_region(bucket: Bucket, region: str) -> AwsFinding:
    configured = originals.region_of(bucket)
    values = {"bucket": bucket.name, "region": region, "configured": configured or _("no region")}
    if not region:
        return AwsFinding("region", State.OK, _("%(bucket)s exists.") % values)
    if region == configured:
        return AwsFinding("region", State.OK, _("%(bucket)s is in %(region)s.") % values)
    sentence = (
        _("%(bucket)s is in %(region)s, but %(configured)s is configured here. Set its region to %(region)s.") % values
    )
    if settings.REKOGNITION_READS_BUCKET:
        sentence += " " + _("Rekognition only reads buckets in its own region.")
    # S3-compatible servers may report any region.
    state = State.OK if s3_objects.has_own_endpoint() else State.FAILED
    return AwsFinding("region", state, sentence)
