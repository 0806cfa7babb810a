"""Whether AWS lets this configuration do what it needs: one real and cheap request for each permission."""

from __future__ import annotations

import io
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, cast

from django.conf import settings
from PIL import Image, ImageDraw

from analysis.aws import bucket_settings, clients, iam_policy, sts
from analysis.aws.errors import AWSError, MissingCredentials
from analysis.recognition import aws_quotas, registry
from analysis.recognition.base import ApiName, Parameters, RequestFailed, S3Object
from analysis.recognition.prices import price_list
from analysis.storage import blobs

FREE = Decimal(0)
FILENAME = "check-aws.jpg"
SIDE = 80  # pixels, the least that Rekognition takes


@dataclass(frozen=True)
class Finding:
    """One thing that was tried. `action` is the IAM action that is missing, `dollars` what trying may have cost."""

    subject: str
    is_fine: bool
    sentence: str
    action: str = ""
    milliseconds: int | None = None
    calls: int = 0
    dollars: Decimal = FREE


def is_needed() -> bool:
    return bool(apis() or _bucket_name())


def apis() -> list[str]:
    """Rekognition's that are switched on."""
    return registry.wanted_apis() if settings.RECOGNIZER == "rekognition" else []


def price() -> Decimal:
    """What trying costs at most, in US dollars."""
    tried = apis()
    return sum((_price(api) for api in tried + _referred(tried)), FREE)


def least_policy() -> dict[str, Any]:
    """Only what this configuration needs."""
    return iam_policy.minimal_policy(
        operations=[aws_quotas.OPERATIONS[api] for api in apis()],
        bucket=_bucket_name(),
        prefix=_prefix(),
        reads_quotas=_reads_quotas(),
        region=settings.AWS_REGION,
    )


def check_aws() -> Iterator[Finding]:
    """Try everything, one after another. Without credentials nothing else is tried.

    The requests to Rekognition are in no ledger and take no turns of the quota: they are a handful.
    """
    if apis() and not settings.AWS_REGION:
        yield Finding("region", is_fine=False, sentence="Set AWS_REGION, for example to eu-central-1.")
    started = time.perf_counter()
    try:
        who = sts.caller(region=settings.AWS_REGION or "us-east-1")
    except MissingCredentials as refusal:
        yield Finding("credentials", is_fine=False, sentence=str(refusal))
        return
    except AWSError as refusal:
        yield Finding("credentials", is_fine=False, sentence=f"STS does not tell whose they are: {refusal}")
    else:
        yield _told(who, milliseconds=_since(started))
    yield from _bucket() if _bucket_name() else ()
    yield from [_quotas()] if _reads_quotas() else ()
    yield from (_asked(api, _picture()) for api in apis())
    yield from (_referred_to(api) for api in _referred(apis()))


def _told(who: sts.Identity, *, milliseconds: int) -> Finding:
    if settings.AWS_ACCOUNT not in {"", who.account}:
        sentence = f"They belong to account {who.account}, AWS_ACCOUNT says {settings.AWS_ACCOUNT}: correct one."
        return Finding("credentials", is_fine=False, sentence=sentence, milliseconds=milliseconds)
    return Finding("credentials", is_fine=True, sentence=f"{who.arn}.", milliseconds=milliseconds)


def _bucket() -> Iterator[Finding]:
    name, started = _bucket_name(), time.perf_counter()
    try:
        client = _client()
        region = bucket_settings.region_of(client, name)
    except AWSError as refusal:
        if not refusal.is_denied:
            yield Finding("bucket", is_fine=False, sentence=_why_there_is_none(refusal))
            return
        client, region = _client(), refusal.region  # the list below says which action is missing
    yield replace(_placed(name, region), milliseconds=_since(started))
    for step in bucket_settings.permissions(client, name, key=_key(), content=_picture()):
        is_denied = step.refusal is not None and step.refusal.is_denied
        yield Finding(
            step.action,
            is_fine=step.refusal is None,
            sentence=str(step.refusal) if step.refusal else "Allowed.",
            action=step.action if is_denied else "",
            milliseconds=step.milliseconds,
        )


def _why_there_is_none(refusal: AWSError) -> str:
    if refusal.code in {"404", "NoSuchBucket"}:
        return f"There is no bucket {_bucket_name()}: create it, or correct AWS_STORAGE_BUCKET_NAME."
    return str(refusal)


def _placed(name: str, region: str) -> Finding:
    if not region or region == settings.AWS_REGION or not settings.AWS_REGION:
        return Finding("bucket", is_fine=True, sentence=f"{name} is {f'in {region}' if region else 'there'}.")
    sentence = f"{name} is in {region}, AWS_REGION is {settings.AWS_REGION}: set AWS_REGION={region}, or use another."
    # A server of one's own may call its region what it likes.
    return Finding("bucket", is_fine=bool(getattr(blobs.storage(), "endpoint_url", None)), sentence=sentence)


def _quotas() -> Finding:
    action, started = "servicequotas:ListServiceQuotas", time.perf_counter()
    try:
        told = aws_quotas.fetch_quotas(settings.AWS_REGION)
    except AWSError as refusal:
        missing = action if refusal.is_denied else ""
        sentence = f"{refusal} AWS's default quota is used meanwhile."
        return Finding(action, is_fine=False, sentence=sentence, action=missing, milliseconds=_since(started))
    rates = ", ".join(f"{api} {rate:g}" for api, rate in told.items()) or "nothing of ours, so the defaults hold"
    return Finding(action, is_fine=True, sentence=f"Tells {rates}.", milliseconds=_since(started))


def _asked(api: str, picture: bytes | S3Object) -> Finding:
    """One call with the parameters that pictures get, but for IMAGE_PROPERTIES, which cost extra."""
    action, started = f"rekognition:{aws_quotas.OPERATIONS[api]}", time.perf_counter()
    parameters = Parameters.from_json({**registry.parameters(api), "image_properties": False})
    try:
        answer = registry.current().recognize(picture, api=cast(ApiName, api), parameters=parameters)
    except RequestFailed as error:
        return Finding(
            action,
            is_fine=False,
            sentence=f"{error.code}: {error.reason} {error.next_step}".rstrip(),
            action=action if action in error.next_step else "",
            milliseconds=_since(started),
            calls=int(error.outcome is not None),
            dollars=_price(api) if error.outcome == "unknown" else FREE,
        )
    limit = aws_quotas.cached_quota(settings.AWS_REGION, api)
    sentence = f"Model {answer.model_version}; at most {limit.per_second:g} calls a second ({limit.source})."
    return Finding(
        action, is_fine=True, sentence=sentence, milliseconds=answer.latency_ms, calls=1, dollars=_price(api)
    )


def _referred_to(api: str) -> Finding:
    """Whether Rekognition fetches a picture from the bucket, which is there for so long."""
    subject = "REKOGNITION_READS_BUCKET"
    reference = blobs.reference(FILENAME, region=settings.AWS_REGION)
    if reference is None:
        return Finding(subject, is_fine=False, sentence="It has no effect; `manage.py check` says why.")
    try:
        with bucket_settings.put_test_object(_client(), reference.bucket, key=reference.key, content=_picture()):
            found = _asked(api, reference)
    except AWSError as refusal:
        return Finding(subject, is_fine=False, sentence=f"The picture to try it with cannot be placed: {refusal}")
    if found.is_fine:
        return replace(found, subject=subject, sentence="Rekognition fetches pictures from the bucket.")
    return replace(found, subject=subject)


def _picture() -> bytes:
    """A small JPEG drawn here."""
    image, stream = Image.new("RGB", (SIDE, SIDE), "skyblue"), io.BytesIO()
    ImageDraw.Draw(image).ellipse((20, 20, 60, 60), fill="gold")
    image.save(stream, "JPEG")
    return stream.getvalue()


def _price(api: str) -> Decimal:
    return price_list(settings.AWS_REGION).price(api, {})


def _referred(tried: list[str]) -> list[str]:
    return tried[:1] if settings.REKOGNITION_READS_BUCKET else []


def _reads_quotas() -> bool:
    return bool(apis()) and settings.QUOTAS_FROM_AWS


def _bucket_name() -> str:
    return str(getattr(blobs.storage(), "bucket_name", ""))


def _prefix() -> str:
    return str(getattr(blobs.storage(), "location", "")).strip("/")


def _key() -> str:
    return f"{_prefix()}/{FILENAME}".removeprefix("/")


def _client() -> Any:
    """The storage's own, so that what is tried is what will be used. Raises Refused."""
    storage: Any = blobs.storage()
    with clients.translate_errors():
        return storage.connection.meta.client


def _since(started: float) -> int:
    return round((time.perf_counter() - started) * 1000)
