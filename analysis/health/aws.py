"""Checks the AWS permissions, each by a cheap request."""

from __future__ import annotations

import io
import json
import time
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from typing import Any, cast
from urllib.parse import urlsplit

from django.conf import settings
from django.db import OperationalError
from django.utils.translation import gettext as _
from PIL import Image, ImageDraw

from analysis.aws import bucket_settings, clients, iam_policy, sts
from analysis.aws.errors import AWSError, MissingCredentials
from analysis.bucket_sync import connection_check
from analysis.findings import AwsFinding, State, first_line
from analysis.health.bounded import bounded
from analysis.models import Bucket
from analysis.recognition import aws_quotas, registry
from analysis.recognition.base import ApiName, Parameters, RequestFailed, S3Object
from analysis.recognition.prices import price_list
from analysis.storage import blobs

FREE = Decimal(0)
FILENAME = "check-aws.jpg"
SIDE = 80  # pixels, Rekognition's minimum


def is_needed() -> bool:
    """True if this configuration uses AWS."""
    return bool(enabled_apis() or _bucket_name() or _buckets_with_roles())


def enabled_apis() -> list[str]:
    """The APIs of Rekognition that are switched on."""
    return registry.enabled_apis() if settings.RECOGNIZER == "rekognition" else []


def maximum_cost() -> Decimal:
    """The most that the check may cost, in US dollars."""
    apis = enabled_apis()
    return sum((_price(api) for api in apis + _apis_by_reference(apis)), FREE)


def minimal_policy() -> dict[str, Any]:
    """The IAM policy with only the permissions that this configuration needs."""
    return iam_policy.minimal_policy(
        operations=[aws_quotas.OPERATIONS[api] for api in enabled_apis()],
        bucket=_bucket_name(),
        prefix=_prefix(),
        reads_quotas=_reads_quotas(),
        roles=sorted({bucket.role_arn for bucket in _buckets_with_roles()}),
        region=settings.AWS_REGION,
    )


def check_aws() -> Iterator[AwsFinding]:
    """Run all checks, one after another; without credentials only the first.

    The few requests to Rekognition bypass the ledger and the rate limiter.
    """
    apis = enabled_apis()
    yield from _check_region_setting()
    try:
        yield _check_identity()
    except MissingCredentials as error:
        yield AwsFinding("credentials", State.FAILED, str(error))
        return
    if _bucket_name():
        yield from _check_bucket()
    if _reads_quotas():
        yield _check_quotas()
    yield from (_check_bucket_role(bucket) for bucket in _buckets_with_roles())
    yield from (_check_api(api, _test_picture()) for api in apis)
    yield from (_check_reference(api) for api in _apis_by_reference(apis))


def _buckets_with_roles() -> list[Bucket]:
    try:
        return list(Bucket.objects.exclude(role_arn="").order_by("pk"))
    except OperationalError:  # so that AWS can be checked while the database is down
        return []


def _check_bucket_role(bucket: Bucket) -> AwsFinding:
    started = time.perf_counter()
    finding = connection_check.check_role(bucket)
    subject = _("role of %(bucket)s") % {"bucket": bucket}
    return replace(finding, subject=subject, milliseconds=_milliseconds_since(started))


def check_credentials() -> Iterator[AwsFinding]:
    """Region and credentials only, by one request that costs nothing."""
    yield from _check_region_setting()
    try:
        yield bounded(_check_identity)
    except (MissingCredentials, TimeoutError) as error:
        yield AwsFinding("credentials", State.FAILED, first_line(error), _("Run `manage.py check_aws`."))


def _check_region_setting() -> Iterator[AwsFinding]:
    if enabled_apis() and not settings.AWS_REGION:
        yield AwsFinding("region", State.FAILED, _("Set AWS_REGION, for example to eu-central-1."))


def _check_identity() -> AwsFinding:
    """The account of the credentials. Raises MissingCredentials."""
    started = time.perf_counter()
    try:
        # GetCallerIdentity needs no permission. The region is only needed to find an endpoint.
        identity = sts.caller(region=settings.AWS_REGION or "us-east-1")
    except MissingCredentials:
        raise
    except AWSError as error:
        message = _("STS could not identify the credentials: %(error)s") % {"error": error}
        return AwsFinding("credentials", State.FAILED, message)
    return _check_account(identity, milliseconds=_milliseconds_since(started))


def _check_account(identity: sts.Identity, *, milliseconds: int) -> AwsFinding:
    if settings.AWS_ACCOUNT in {"", identity.account}:
        return AwsFinding("credentials", State.OK, f"{identity.arn}.", milliseconds=milliseconds)
    message = _("The credentials belong to account %(account)s, but AWS_ACCOUNT is %(expected)s. Correct one of them.")
    values = {"account": identity.account, "expected": settings.AWS_ACCOUNT}
    return AwsFinding("credentials", State.FAILED, message % values, milliseconds=milliseconds)


def _check_bucket() -> Iterator[AwsFinding]:
    name, started = _bucket_name(), time.perf_counter()
    try:
        client = _client()
        region = bucket_settings.region_of(client, name)
    except AWSError as error:
        if not error.is_denied:
            yield AwsFinding("bucket", State.FAILED, _bucket_error(error))
            return
        # S3 names the region (x-amz-bucket-region) even where it denies the request.
        client, region = _client(), error.region  # the checks below name the missing permission
    yield replace(_check_region(name, region), milliseconds=_milliseconds_since(started))
    for step in bucket_settings.permissions(client, name, key=_key(), content=_test_picture()):
        is_denied = step.refusal is not None and step.refusal.is_denied
        yield AwsFinding(
            step.action,
            State.FAILED if step.refusal else State.OK,
            str(step.refusal) if step.refusal else _("Allowed."),
            action=step.action if is_denied else "",
            milliseconds=step.milliseconds,
        )
    if settings.SITE_URL:
        yield _check_cors(client, name)


def _check_cors(client: Any, name: str) -> AwsFinding:
    """Check the CORS rules for uploads from browsers; shows rules to paste if missing."""
    origin = "{0.scheme}://{0.netloc}".format(urlsplit(settings.SITE_URL))
    finding = connection_check.check_cors(client, name, origin=origin)
    rules = json.dumps(connection_check.cors_rules(origin), indent=2)
    return finding if finding.is_fine else replace(finding, next_step=rules)


def _bucket_error(error: AWSError) -> str:
    if error.code in {"404", "NoSuchBucket"}:
        message = _("Bucket %(name)s does not exist. Create it, or correct AWS_STORAGE_BUCKET_NAME.")
        return message % {"name": _bucket_name()}
    return str(error)


def _check_region(name: str, region: str) -> AwsFinding:
    if not region:
        return AwsFinding("bucket", State.OK, _("%(name)s exists.") % {"name": name})
    if settings.AWS_REGION in {"", region}:
        return AwsFinding("bucket", State.OK, _("%(name)s is in %(region)s.") % {"name": name, "region": region})
    message = _(
        "%(name)s is in %(region)s, but AWS_REGION is %(configured)s. Set AWS_REGION=%(region)s, or use another bucket."
    )
    # S3-compatible servers may give their region any name.
    is_other_server = bool(getattr(blobs.storage(), "endpoint_url", None))
    values = {"name": name, "region": region, "configured": settings.AWS_REGION}
    return AwsFinding("bucket", State.OK if is_other_server else State.FAILED, message % values)


def _check_quotas() -> AwsFinding:
    action, started = "servicequotas:ListServiceQuotas", time.perf_counter()
    try:
        quotas = aws_quotas.fetch_quotas(settings.AWS_REGION)
    except AWSError as error:
        message = _("%(error)s Until this works, AWS's default quotas are used.") % {"error": error}
        missing = action if error.is_denied else ""
        return AwsFinding(action, State.FAILED, message, action=missing, milliseconds=_milliseconds_since(started))
    rates = ", ".join(f"{api} {rate:g}" for api, rate in quotas.items())
    message = _("Calls per second: %(rates)s.") % {"rates": rates} if rates else _("None set; AWS's defaults are used.")
    return AwsFinding(action, State.OK, message, milliseconds=_milliseconds_since(started))


def _check_api(api: str, picture: bytes | S3Object) -> AwsFinding:
    """One call with the usual parameters, except IMAGE_PROPERTIES, which cost extra."""
    action, started = f"rekognition:{aws_quotas.OPERATIONS[api]}", time.perf_counter()
    parameters = Parameters.from_json({**registry.parameters(api), "image_properties": False})
    try:
        response = registry.current().recognize(picture, api=cast(ApiName, api), parameters=parameters)
    except RequestFailed as error:
        reason, next_step = (error.text(template, translate=_) for template in (error.reason, error.next_step))
        return AwsFinding(
            action,
            State.FAILED,
            f"{error.code}: {reason} {next_step}".rstrip(),
            action=action if action in next_step else "",
            milliseconds=_milliseconds_since(started),
            calls=int(error.outcome is not None),
            dollars=_price(api) if error.outcome == "unknown" else FREE,
        )
    quota = aws_quotas.cached_quota(settings.AWS_REGION, api)
    message = _("Model %(version)s; at most %(rate)s calls per second (%(source)s).") % {
        "version": response.model_version,
        "rate": f"{quota.per_second:g}",
        "source": quota.source,
    }
    return AwsFinding(action, State.OK, message, milliseconds=response.latency_ms, calls=1, dollars=_price(api))


def _check_reference(api: str) -> AwsFinding:
    """Let Rekognition read a test picture from the bucket."""
    subject = "REKOGNITION_READS_BUCKET"
    reference = blobs.reference(FILENAME, region=settings.AWS_REGION)
    if reference is None:
        return AwsFinding(subject, State.FAILED, _("This setting has no effect here; `manage.py check` says why."))
    try:
        with bucket_settings.put_test_object(_client(), reference.bucket, key=reference.key, content=_test_picture()):
            finding = _check_api(api, reference)
    except AWSError as error:
        message = _("The test picture could not be uploaded: %(error)s") % {"error": error}
        return AwsFinding(subject, State.FAILED, message)
    if finding.is_fine:
        return replace(finding, subject=subject, sentence=_("Rekognition reads pictures from the bucket."))
    return replace(finding, subject=subject)


def _test_picture() -> bytes:
    image, stream = Image.new("RGB", (SIDE, SIDE), "skyblue"), io.BytesIO()
    ImageDraw.Draw(image).ellipse((20, 20, 60, 60), fill="gold")
    image.save(stream, "JPEG")
    return stream.getvalue()


def _price(api: str) -> Decimal:
    return price_list(settings.AWS_REGION).price(api, {})


def _apis_by_reference(apis: list[str]) -> list[str]:
    """The first API, since all of them read the bucket with the same permission."""
    return apis[:1] if settings.REKOGNITION_READS_BUCKET else []


def _reads_quotas() -> bool:
    return bool(enabled_apis()) and settings.QUOTAS_FROM_AWS


def _bucket_name() -> str:
    return str(getattr(blobs.storage(), "bucket_name", ""))


def _prefix() -> str:
    return str(getattr(blobs.storage(), "location", "")).strip("/")


def _key() -> str:
    return f"{_prefix()}/{FILENAME}".removeprefix("/")


def _client() -> Any:
    """The storage's own client, so that the check uses the same configuration.

    Raises AWSError.
    """
    storage: Any = blobs.storage()
    with clients.translate_errors():
        return storage.connection.meta.client


def _milliseconds_since(started: float) -> int:
    return round((time.perf_counter() - started) * 1000)
