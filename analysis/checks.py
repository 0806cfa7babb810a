"""System checks of the settings; each message has an id and a hint."""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import ip_network
from typing import Any

from django.conf import settings
from django.core import checks
from django.core.checks import CheckMessage, Error, Tags, register
from django.utils.translation import gettext as _

from analysis.audit_log.retention import MIN_DAYS as MIN_AUDIT_DAYS
from analysis.aws.url_credentials import redact_url_credentials
from analysis.formatting import translated
from analysis.models import Analysis
from analysis.recognition import registry
from analysis.recognition.base import FILTERS, Parameters
from analysis.recognition.registry import NAMES
from analysis.web.stored_files import MODES as SENDFILE_MODES
from imagelib import celery_broker


@register(Tags.security)
def recognizer_known(**_options: Any) -> list[CheckMessage]:
    return _unknown("RECOGNIZER", NAMES, message_id="imagelib.E001")


@register(Tags.security)
def sendfile_known(**_options: Any) -> list[CheckMessage]:
    return _unknown("SENDFILE", SENDFILE_MODES, message_id="imagelib.E013")


def _unknown(setting: str, names: Iterable[str], *, message_id: str) -> list[CheckMessage]:
    if (value := getattr(settings, setting)) in names:
        return []
    sentence = _("Unknown %(setting)s “%(name)s”.") % {"setting": setting, "name": value}
    hint = _("Set it to one of: %(names)s.") % {"names": ", ".join(filter(None, names))}
    return [Error(sentence, hint=hint, id=message_id)]


@register(Tags.security)
def apis_known(**_options: Any) -> list[CheckMessage]:
    unknown = sorted(set(settings.RECOGNIZER_APIS) - set(Analysis.Api.values))
    if not unknown:
        return []
    return [
        Error(
            _("RECOGNIZER_APIS contains unknown APIs: %(names)s.") % {"names": ", ".join(unknown)},
            hint=_("Choose from %(names)s, or leave it empty for all.") % {"names": ", ".join(Analysis.Api.values)},
            id="imagelib.E002",
        )
    ]


@register(Tags.security)
def region_known(**_options: Any) -> list[CheckMessage]:
    if settings.RECOGNIZER != "rekognition" or settings.AWS_REGION:
        return []
    return [
        Error(
            _("RECOGNIZER is rekognition, but AWS_REGION is not set."),
            hint=_("Set AWS_REGION to the region of your bucket, for example eu-central-1."),
            id="imagelib.E003",
        )
    ]


@register(Tags.security)
def limits_sensible(**_options: Any) -> list[CheckMessage]:
    wrong = [
        Error(
            _("%(name)s is %(value)s.") % {"name": name, "value": value},
            hint=_("Set it to a value from %(low)s to %(high)s.") % {"low": f"{low:,}", "high": f"{high:,}"},
            id="imagelib.E004",
        )
        for name, value, low, high in (
            ("MAX_UPLOAD_BYTES", settings.MAX_UPLOAD_BYTES, 1, 2**40),
            # S3's limits for the size of a part; the last part may be smaller.
            ("MULTIPART_PART_BYTES", settings.MULTIPART_PART_BYTES, 5 * 2**20, 5 * 2**30),
            ("MAX_PIXELS", settings.MAX_PIXELS, 1, 2**31),
            ("DECODE_MEMORY_BYTES", settings.DECODE_MEMORY_BYTES, 64 * 2**20, 2**40),
            ("DECODE_SECONDS", settings.DECODE_SECONDS, 1, 3600),
            ("MAX_LABELS", settings.MAX_LABELS, 1, 1_000),
            ("MIN_CONFIDENCE", settings.MIN_CONFIDENCE, 0, 100),
            ("MODERATION_MIN_CONFIDENCE", settings.MODERATION_MIN_CONFIDENCE, 0, 100),
            ("RECOGNITION_LONG_SIDE", settings.RECOGNITION_LONG_SIDE, 80, 10_000),
            ("LEASE_SECONDS", settings.LEASE_SECONDS, 4, 3_600),
            ("SWEEP_SECONDS", settings.SWEEP_SECONDS, 1, 600),
            ("WATCHDOG_MINUTES", settings.WATCHDOG_MINUTES, 1, 10_080),
            ("SEARCH_SECONDS", settings.SEARCH_SECONDS, 0, 600),
            ("SIGN_IN_ATTEMPTS", settings.SIGN_IN_ATTEMPTS, 0, 1_000),
            ("SIGN_IN_MINUTES", settings.SIGN_IN_MINUTES, 1, 1_440),
            ("MAX_OPEN_UPLOADS", settings.MAX_OPEN_UPLOADS, 1, 10**6),
            ("TRASH_DAYS", settings.TRASH_DAYS, 0, 36_500),
            # 0 keeps all; the database refuses to delete entries of the last 30 days.
            ("AUDIT_DAYS", settings.AUDIT_DAYS or MIN_AUDIT_DAYS, MIN_AUDIT_DAYS, 36_500),
        )
        if not low <= value <= high
    ]
    return list(wrong)


@register(Tags.security)
def filters_known_to_rekognition(**_options: Any) -> list[CheckMessage]:
    # With a filter that Rekognition rejects, the analysis of every picture would fail.
    return [
        Error(mistake, hint=_("Correct %(name)s.") % {"name": name.upper()}, id="imagelib.E005")
        for name in FILTERS
        for mistake in _mistakes(name, getattr(settings, name.upper()))
    ]


def _mistakes(name: str, names: list[str]) -> list[str]:
    try:
        Parameters(**{name: tuple(names)})  # type: ignore[arg-type]
    except ValueError as error:
        return [translated(error)]
    return []


@register(Tags.security)
def quota_sensible(**_options: Any) -> list[CheckMessage]:
    return [
        Error(
            _("Invalid entry %(entry)s in REKOGNITION_QUOTA.") % {"entry": f"{api}={rate}"},
            hint=_("Set calls per second above 0 for %(names)s, for example labels=20,faces=40.")
            % {"names": ", ".join(Analysis.Api.values)},
            id="imagelib.E006",
        )
        for api, rate in settings.REKOGNITION_QUOTA.items()
        if api not in Analysis.Api.values or not _is_rate(rate)
    ]


def _is_rate(text: str) -> bool:
    try:
        return 0 < float(text) < float("inf")
    except ValueError:
        return False


@register(Tags.security)
def rekognition_can_read_the_bucket(**_options: Any) -> list[CheckMessage]:
    if not settings.REKOGNITION_READS_BUCKET or settings.RECOGNIZER != "rekognition":
        return []
    options = settings.STORAGES["default"]["OPTIONS"]
    if not options.get("bucket_name"):
        reason, hint = _("pictures are not stored in S3"), _("Set AWS_STORAGE_BUCKET_NAME, or remove the setting.")
    elif options.get("endpoint_url"):
        reason = _("the bucket is at %(url)s, which Rekognition cannot reach") % {
            "url": redact_url_credentials(options["endpoint_url"])
        }
        hint = _("Remove the setting, or AWS_ENDPOINT_URL and AWS_ENDPOINT_URL_S3.")
    elif (options.get("region_name") or settings.AWS_REGION) != settings.AWS_REGION:
        reason = _("the bucket is in %(bucket_region)s and Rekognition is called in %(region)s") % {
            "bucket_region": options["region_name"],
            "region": settings.AWS_REGION,
        }
        hint = _("Rekognition reads only buckets in its own region: remove the setting, or use one region.")
    else:
        return []
    return [
        checks.Warning(
            _("REKOGNITION_READS_BUCKET has no effect: %(reason)s. Pictures are sent as bytes instead.")
            % {"reason": reason},
            hint=hint,
            id="imagelib.W002",
        )
    ]


@register(Tags.security)
def paid_recognizer_has_a_budget(**_options: Any) -> list[CheckMessage]:
    if settings.RECOGNIZER != "rekognition" or settings.MONTHLY_BUDGET is not None:
        return []
    return [
        checks.Warning(
            _("RECOGNIZER is rekognition, which costs money, but MONTHLY_BUDGET is not set."),
            hint=_("Set MONTHLY_BUDGET to the maximum cost per month in US dollars."),
            id="imagelib.W003",
        )
    ]


@register(Tags.security)
def own_models_described(**_options: Any) -> list[CheckMessage]:
    if settings.RECOGNIZER != "local" or not (settings.LOCAL_DETECTOR or settings.LOCAL_CLASSIFIER):
        return []
    # Imported here, since most processes do not need it. Only `doctor` runs the models, which takes a second.
    from analysis.recognition.local import label_models
    from analysis.recognition.local.model_files import ModelUnavailable

    registry.configure_local()
    try:
        label_models.add_custom_labels()
    except ModelUnavailable as error:
        hint = _(
            "Correct LOCAL_DETECTOR, LOCAL_CLASSIFIER or the description (docs/local-models.md), or remove the setting."
        )
        return [Error(translated(error), hint=hint, id="imagelib.E010")]
    return []


@register(Tags.security)
def queue_of_celery_is_used(**_options: Any) -> list[CheckMessage]:
    if not settings.CELERY_QUEUE_URL or celery_broker.is_sqs(settings.CELERY_BROKER_URL):
        return []
    return [
        checks.Warning(
            _("CELERY_QUEUE_URL has no effect, since CELERY_BROKER_URL is not sqs://."),
            hint=_("Set CELERY_BROKER_URL=sqs://, or remove the setting."),
            id="imagelib.W008",
        )
    ]


@register(Tags.security)
def hosts_named(**_options: Any) -> list[CheckMessage]:
    if "*" not in settings.ALLOWED_HOSTS:
        return []
    return [
        checks.Warning(
            _("ALLOWED_HOSTS is *: any Host header is accepted, and used in links sent by mail."),
            hint=_("Set it to the host names of this site."),
            id="imagelib.W006",
        )
    ]


@register(Tags.security)
def proxies_known(**_options: Any) -> list[CheckMessage]:
    return [
        Error(
            _("Invalid address or network in %(name)s: %(text)s.") % {"name": name, "text": text},
            hint=_("Set it to addresses or networks, for example 127.0.0.1 or 10.0.0.0/8."),
            id="imagelib.E007",
        )
        for name in ("TRUSTED_PROXIES", "METRICS_ADDRESSES")
        for text in getattr(settings, name)
        if not _is_network(text)
    ]


def _is_network(text: str) -> bool:
    try:
        ip_network(text, strict=False)
    except ValueError:
        return False
    return True
