"""The system page: what the doctor says, what waits, how fast it goes, what is configured. For staff alone."""

from __future__ import annotations

import platform
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

import django
from django.conf import settings
from django.http import HttpResponse
from django.shortcuts import render
from django.utils.timezone import now
from django.views.decorators.http import require_safe

import imagelib
from analysis import formatting, permissions
from analysis.findings import Finding, State
from analysis.health import doctor
from analysis.models import Analysis, ModelVersion
from analysis.recognition import aws_quotas, engine_runner, ledger, registry
from analysis.recognition.ledger import Budget
from analysis.recognition.rate_limiter import RateLimiterUnavailable
from analysis.statistics import queue_depth
from analysis.statistics.queue_depth import QueueDepth
from analysis.web.http import Request, is_fragment

SHOWN = {
    "Recognition": (
        *("RECOGNIZER", "RECOGNIZER_APIS", "MIN_CONFIDENCE", "FACE_CONFIDENCE", "MODERATION_MIN_CONFIDENCE"),
        *("MAX_LABELS", "LABEL_INCLUSION", "LABEL_EXCLUSION", "CATEGORY_INCLUSION", "CATEGORY_EXCLUSION"),
        *("IMAGE_PROPERTIES", "RECOGNITION_LONG_SIDE", "REKOGNITION_READS_BUCKET", "RECOGNITION_THREADS"),
    ),
    "Money and pace": (
        "MONTHLY_BUDGET",
        "INTERACTIVE_BUDGET",
        "PERSON_MONTHLY_BUDGET",
        "REKOGNITION_QUOTA",
        "QUOTAS_FROM_AWS",
    ),
    "Work": ("LEASE_SECONDS", "SWEEP_SECONDS", "WATCHDOG_MINUTES", "ANALYZE_SCHEDULE", "ANALYZE_OPTIONS"),
    "Uploads": ("MAX_UPLOAD_BYTES", "MAX_PIXELS", "DECODE_MEMORY_BYTES", "DECODE_SECONDS", "UPLOAD_TICKET_SECONDS"),
    "Storage": ("AWS_STORAGE_BUCKET_NAME", "AWS_REGION", "AWS_CLOUDFRONT_DOMAIN"),
    "Site": ("DEBUG", "HTTPS", "ALLOWED_HOSTS", "TIME_ZONE", "EMBEDDED"),
}
"""The settings that may be shown. What is not named here stays unseen: secrets, and addresses that may hold some."""
PACKAGES = ("Django", "celery", "redis", "psycopg", "boto3", "Pillow", "django-htmx", "django-unfold", "gunicorn")


@dataclass(frozen=True)
class CheckRow:
    """A finding as a row; without a state it is still being looked at."""

    subject: str
    state: str = ""
    sentence: str = ""
    next_step: str = ""


@dataclass(frozen=True)
class QueueRow:
    name: str
    recognizer: str
    waiting: str
    running: str
    oldest: str


@dataclass(frozen=True)
class RateLimitRow:
    """What an API may be sent at present; `share` of its quota in percent, for the bar."""

    name: str
    now: str
    quota: str
    source: str
    share: str


@dataclass(frozen=True)
class Spent:
    """The month's money against what stops bulk work."""

    spent: str
    reserved: str
    limit: str
    interactive_limit: str
    share: str


@require_safe
def system(request: Request) -> HttpResponse:
    """Everything but the findings at once; those take seconds, and follow by themselves or with `?look=1`."""
    permissions.require_or_404(permissions.can_view_system(request.user))
    context: dict[str, object]
    if request.GET.get("look"):
        context = {"lines": [_line(found) for found in doctor.findings()], "looked_at": formatting.exact(now())}
        if is_fragment(request):
            return render(request, "system.html#findings", context)
    else:
        context = {"lines": [CheckRow(look.subject) for look in doctor.all_checks()]}
    context |= {
        "queues": [_queue(depth) for depth in queue_depth.queue_depths()],
        "paces": _paces(),
        "spent": _spent(ledger.budget(settings.RECOGNIZER)),
        "versions": _versions(),
        "models": _models(),
        "settings": shown_settings(),
    }
    return render(request, "system.html", context)


def shown_settings() -> list[tuple[str, list[tuple[str, str]]]]:
    """By group: name and value of what may be shown."""
    return [(title, [(name, _value(getattr(settings, name))) for name in names]) for title, names in SHOWN.items()]


def _value(value: Any) -> str:
    match value:
        case None | "":
            return "not set"
        case bool():
            return "on" if value else "off"
        case int():
            return f"{value:,}"
        case dict():
            return ", ".join(f"{key} = {each}" for key, each in value.items()) or "not set"
        case list() | tuple() | frozenset():
            return ", ".join(sorted(map(str, value))) or "not set"
    return str(value)


def _line(found: Finding) -> CheckRow:
    return CheckRow(found.subject, str(State(found.state)), found.sentence, found.next_step)


def _queue(depth: QueueDepth) -> QueueRow:
    return QueueRow(
        name=Analysis.Api(depth.api).label,
        recognizer=depth.recognizer,
        waiting=formatting.capped_count(depth.waiting, cap=queue_depth.CAP),
        running=f"{depth.running:,}",
        oldest=formatting.duration(depth.oldest) or "none may go now",
    )


def _paces() -> list[RateLimitRow]:
    """Of every API that is paid for; what is not known while Redis is away is not told."""
    name = settings.RECOGNIZER
    region = registry.current().region
    if region is None:
        return []
    return [_pace(name, api, region) for api in Analysis.Api.values if api in registry.current().apis]


def _pace(name: str, api: str, region: str) -> RateLimitRow:
    known, limiter = aws_quotas.cached_quota(region, api), engine_runner.limiter(name, api)
    try:
        rate = limiter.acquire(0).rate if limiter else known.per_second
    except RateLimiterUnavailable:
        return RateLimitRow(Analysis.Api(api).label, "not known", f"{known.per_second:g}", known.source, "0")
    share = min(100.0, 100 * rate / known.per_second)
    return RateLimitRow(Analysis.Api(api).label, f"{rate:.3g}", f"{known.per_second:g}", known.source, f"{share:.1f}")


def _spent(budget: Budget) -> Spent:
    share = 100 * (budget.spent + budget.reserved) / budget.limit if budget.limit else 0
    return Spent(
        spent=formatting.dollars(budget.spent),
        reserved=formatting.dollars(budget.reserved) if budget.reserved else "",
        limit="" if budget.limit is None else formatting.dollars(budget.limit),
        interactive_limit="" if budget.interactive_limit is None else formatting.dollars(budget.interactive_limit),
        share=f"{min(share, 100):.1f}",
    )


def _versions() -> list[tuple[str, str]]:
    return [
        ("imagelib", imagelib.__version__),
        ("Python", platform.python_version()),
        *((name, django.__version__ if name == "Django" else version(name)) for name in PACKAGES),
    ]


def _models() -> list[tuple[str, str, str]]:
    """API, version and when it last answered, of the recognizer that is asked now."""
    seen = ModelVersion.objects.filter(recognizer=settings.RECOGNIZER).order_by("api", "-last_seen_at").distinct("api")
    return [(Analysis.Api(each.api).label, each.version, formatting.ago(each.last_seen_at, now=now())) for each in seen]
