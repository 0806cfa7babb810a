"""System page, for staff: health checks, queue, rate limits, spend and settings."""

from __future__ import annotations

import platform
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

import django
from django.conf import settings
from django.http import HttpResponse
from django.shortcuts import render
from django.utils.functional import Promise
from django.utils.timezone import now
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
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
from analysis.web.http import Request, is_fragment

SETTING_GROUPS: tuple[tuple[str | Promise, tuple[str, ...]], ...] = (
    (
        gettext_lazy("Recognition"),
        (
            *("RECOGNIZER", "RECOGNIZER_APIS", "MIN_CONFIDENCE", "FACE_CONFIDENCE", "MODERATION_MIN_CONFIDENCE"),
            *("MAX_LABELS", "LABEL_INCLUSION", "LABEL_EXCLUSION", "CATEGORY_INCLUSION", "CATEGORY_EXCLUSION"),
            *("IMAGE_PROPERTIES", "RECOGNITION_LONG_SIDE", "REKOGNITION_READS_BUCKET", "RECOGNITION_THREADS"),
            *("LOCAL_DETECTOR", "LOCAL_CLASSIFIER", "LOCAL_FACE_TRAITS", "LOCAL_MODERATION", "SIMILAR_PICTURES"),
        ),
    ),
    (
        gettext_lazy("Budgets and quotas"),
        ("MONTHLY_BUDGET", "INTERACTIVE_BUDGET", "PERSON_MONTHLY_BUDGET", "REKOGNITION_QUOTA", "QUOTAS_FROM_AWS"),
    ),
    (
        gettext_lazy("Background work"),
        ("LEASE_SECONDS", "SWEEP_SECONDS", "WATCHDOG_MINUTES", "ANALYZE_SCHEDULE", "ANALYZE_OPTIONS"),
    ),
    (
        gettext_lazy("Uploads"),
        (
            *("MAX_UPLOAD_BYTES", "MAX_PIXELS", "DECODE_MEMORY_BYTES", "DECODE_SECONDS", "UPLOAD_TICKET_SECONDS"),
            *("MULTIPART_UPLOAD_BYTES", "MULTIPART_PART_BYTES", "MAX_UPLOAD_REQUEST_BYTES"),
            *("MAX_OPEN_UPLOADS", "MAX_OPEN_UPLOAD_BYTES"),
        ),
    ),
    (gettext_lazy("Storage"), ("AWS_STORAGE_BUCKET_NAME", "AWS_REGION", "AWS_CLOUDFRONT_DOMAIN", "SENDFILE")),
    (gettext_lazy("Retention"), ("TRASH_DAYS", "AUDIT_DAYS", "EXPORT_DAYS", "DELIVERY_DAYS", "BACKUP_WARNING_DAYS")),
    (gettext_lazy("Sign-in"), ("SIGN_IN_ATTEMPTS", "SIGN_IN_MINUTES", "OIDC_TRUST_EMAIL")),
    (
        gettext_lazy("Site"),
        (
            *("DEBUG", "HTTPS", "SECURE_HSTS_SECONDS", "ALLOWED_HOSTS", "TIME_ZONE", "EMBEDDED", "LOG_FORMAT"),
            *("SEARCH_SECONDS", "API_REQUESTS_PER_MINUTE", "DELIVERY_PRIVATE_ADDRESSES", "EMAIL_PORT"),
            *("EMAIL_USE_TLS", "SENTRY_TRACES_SAMPLE_RATE"),
        ),
    ),
)
"""Settings that may be shown, such as all numbers. Others stay hidden, as they are or may contain secrets."""
PACKAGES = ("Django", "celery", "redis", "psycopg", "boto3", "Pillow", "django-htmx", "django-unfold", "gunicorn")


@dataclass(frozen=True)
class CheckRow:
    """The result of a health check; without a state, it has not run yet."""

    subject: str
    state: str = ""
    state_label: str = ""
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
    """The rate limit of an API: present calls per second, and the quota."""

    name: str
    current: str
    quota: str
    source: str


@dataclass(frozen=True)
class Spend:
    """Spend this month; `share` is its percentage of the limit for bulk runs."""

    spent: str
    reserved: str
    limit: str
    interactive_limit: str
    share: str


@require_safe
def system(request: Request) -> HttpResponse:
    """All panels; checks run only with `?look=1`, which the page requests by itself."""
    permissions.require_or_404(permissions.can_view_system(request.user))
    context: dict[str, object]
    if request.GET.get("look"):
        context = {"checks": [check_row(row) for row in doctor.findings()], "checked_at": formatting.exact(now())}
        if is_fragment(request):
            return render(request, "system.html#findings", context)
    else:
        context = {"checks": [CheckRow(check.subject, state_label=_("not run yet")) for check in doctor.all_checks()]}
    context |= {
        "queues": [_queue_row(depth) for depth in queue_depth.queue_depths()],
        "rate_limits": _rate_limit_rows(),
        "spend": _spend(ledger.budget(settings.RECOGNIZER)),
        "versions": _versions(),
        "models": _models(),
        "settings": setting_groups(),
    }
    return render(request, "system.html", context)


def setting_groups() -> list[tuple[str, list[tuple[str, str]]]]:
    """Groups of settings: a title, and names with values, which are empty if not set."""
    return [
        (str(title), [(name, _value(getattr(settings, name))) for name in names]) for title, names in SETTING_GROUPS
    ]


def _value(value: Any) -> str:
    match value:
        case None | "":
            return ""
        case bool():
            return _("on") if value else _("off")
        case int():
            return formatting.count(value)
        case dict():
            return ", ".join(f"{key} = {item}" for key, item in value.items())
        case list() | tuple() | frozenset():
            return ", ".join(sorted(map(str, value)))
    return str(value)


def check_row(finding: Finding) -> CheckRow:
    labels = {State.OK: _("ok"), State.WARNING: _("warning"), State.FAILED: _("failed")}
    state = State(finding.state)
    return CheckRow(finding.subject, str(state), labels[state], finding.sentence, finding.next_step)


def _queue_row(depth: queue_depth.QueueDepth) -> QueueRow:
    return QueueRow(
        name=str(Analysis.Api(depth.api).label),
        recognizer=depth.recognizer,
        waiting=formatting.capped_count(depth.waiting, cap=queue_depth.CAP),
        running=formatting.count(depth.running),
        oldest=formatting.duration(depth.oldest) or (_("none ready") if depth.waiting else "–"),
    )


def _rate_limit_rows() -> list[RateLimitRow]:
    """A row for each paid API; none for a local recognizer."""
    recognizer = registry.current()
    if recognizer.region is None:
        return []
    apis = [api for api in Analysis.Api.values if api in recognizer.apis]
    return [_rate_limit_row(settings.RECOGNIZER, api, recognizer.region) for api in apis]


def _rate_limit_row(recognizer: str, api: str, region: str) -> RateLimitRow:
    quota, limiter = aws_quotas.cached_quota(region, api), engine_runner.limiter(recognizer, api)
    try:
        # Acquiring no calls reads the rate and uses none of it up.
        current = f"{limiter.acquire(0).rate if limiter else quota.per_second:.3g}"
    except RateLimiterUnavailable:
        current = _("unknown")
    return RateLimitRow(str(Analysis.Api(api).label), current, f"{quota.per_second:g}", quota.source)


def _spend(budget: Budget) -> Spend:
    share = 100 * (budget.spent + budget.reserved) / budget.limit if budget.limit else 0
    return Spend(
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
    """API, model version and when last seen, for the current recognizer."""
    rows = ModelVersion.objects.filter(recognizer=settings.RECOGNIZER).order_by("api", "-last_seen_at").distinct("api")
    return [
        (str(Analysis.Api(row.api).label), row.version, formatting.ago(row.last_seen_at, now=now())) for row in rows
    ]
