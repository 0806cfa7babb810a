"""The work: what waits, what is stuck, what failed, what holds it back."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal

from django.conf import settings
from django.db.models import F, Min
from django.db.models.functions import Now
from django.utils.timezone import now
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from analysis.formatting import dollars, duration, plural
from analysis.health import watchdog
from analysis.health.findings import Finding, failed, ok, warning
from analysis.models import Analysis, Outage
from analysis.recognition import engine_runner, ledger, registry
from analysis.recognition.rate_limiter import RateLimiterUnavailable

MOST = 100_000
"""Rows that are counted; more are "or more"."""
LATELY = timedelta(days=1)
NAMED = 4


def check_queue_age() -> Finding:
    queued = Analysis.objects.filter(state=Analysis.State.QUEUED, image__trashed_at=None)
    looked_at = Analysis.objects.filter(pk__in=queued.values("pk")[:MOST])
    oldest, number = looked_at.aggregate(Min("requested_at"))["requested_at__min"], looked_at.count()
    if told := watchdog.sentence():
        return failed("waiting", told, "See the lines above and below; the worker's log may say why.")
    if oldest is None:
        return ok("waiting", "No analysis waits.")
    waits = plural(ngettext("%(number)s analysis waits", "%(number)s analyses wait", number), number)
    counted = f"{waits}{' or more' if number == MOST else ''}"
    return ok("waiting", f"{counted}, the oldest for {duration(now() - oldest)}.")


def check_stuck() -> Finding:
    """Claims that expired a while ago: the sweeper should have freed them."""
    since = Now() - timedelta(seconds=60 + 3 * settings.SWEEP_SECONDS)
    number = Analysis.objects.filter(state=Analysis.State.RUNNING, claimed_until__lt=since)[:MOST].count()
    if number == 0:
        return ok("stuck", "No dead worker holds anything.")
    one, several = (
        "%(number)s analysis is held by a worker that is dead.",
        "%(number)s analyses are held by a worker that is dead.",
    )
    sentence = plural(ngettext(one, several, number), number)
    return failed("stuck", sentence, "The sweeper frees them as soon as scheduler and worker run.")


def check_failures() -> Finding:
    recent = Analysis.objects.filter(state=Analysis.State.FAILED, finished_at__gt=Now() - LATELY)
    codes = Counter(recent.order_by("-finished_at").values_list("error_code", flat=True)[:MOST])
    if not codes:
        return ok("failures", "Nothing failed in the last 24 hours.")
    told = ", ".join(f"{code} {number:,}" for code, number in codes.most_common(NAMED))
    others = f", and {len(codes) - NAMED} other causes" if len(codes) > NAMED else ""
    total = codes.total()
    number = plural(ngettext("%(number)s analysis", "%(number)s analyses", total), total)
    sentence = f"{number} failed in the last 24 hours: {told}{others}."
    return warning("failures", sentence, "Mend the cause, then ask again: `manage.py analyze_images --failed`.")


def check_outages() -> Iterator[Finding]:
    found = list(Outage.objects.order_by("recognizer", "api").values_list("api", "message", Now() - F("since")))
    if not found:
        yield ok("outages", "Every API may be asked.")
    for api, message, age in found:
        yield failed("outages", f"{api} waits since {duration(age)}: {message}", "A probe finds out when it is over.")


def check_budget() -> Finding:
    if not ledger.has_limits():
        return ok("budget", "None is set.")
    told = ledger.budget(settings.RECOGNIZER)
    spent = told.spent + told.reserved
    sentence = f"{dollars(spent)} this month, of {_limit(told.limit)} for bulk work and "
    sentence += f"{_limit(told.interactive_limit)} with uploads."
    if told.interactive_limit is not None and spent >= told.interactive_limit:
        return warning("budget", f"{sentence} All work waits.", "Raise INTERACTIVE_BUDGET, or wait for the next month.")
    if told.is_exhausted:
        return warning("budget", f"{sentence} Bulk work waits.", "Raise MONTHLY_BUDGET, or wait for the next month.")
    if told.is_warning:
        return warning("budget", sentence, "Bulk work stops when the first is reached.")
    return ok("budget", sentence)


def _limit(limit: Decimal | None) -> str:
    return _("any amount") if limit is None else dollars(limit)


def check_rate_limits() -> Finding:
    """What the limiter allows at this moment, of what the quota would."""
    name = settings.RECOGNIZER
    paced = {api: limiter for api in registry.wanted_apis() if (limiter := engine_runner.limiter(name, api))}
    if not paced:
        return ok("pace", f"{name} has no quota.")
    try:
        rates = {api: (limiter.take(0).rate, limiter.quota) for api, limiter in paced.items()}
    except RateLimiterUnavailable as away:
        return failed("pace", f"{away}", "Nothing is sent until Redis is back.")
    told = ", ".join(f"{api} {rate:.3g} of {quota:g}" for api, (rate, quota) in rates.items())
    sentence = f"Calls a second at present, of the quota: {told}."
    if any(rate < quota / 2 for rate, quota in rates.values()):
        return warning("pace", sentence, "Throttled lately: is REKOGNITION_QUOTA what the account has?")
    return ok("pace", sentence)
