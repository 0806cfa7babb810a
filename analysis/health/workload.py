"""Checks queue, stuck claims, failures, outages, budget and rate limits."""

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

from analysis.findings import Finding, failed, ok, warning
from analysis.formatting import capped_count, count, dollars, duration, plural
from analysis.health import watchdog
from analysis.models import Alert, Analysis, Delivery, Outage, Sink
from analysis.recognition import engine_runner, ledger, registry
from analysis.recognition.rate_limiter import RateLimiterUnavailable

# Maximum number of rows counted, so that checks stay fast with millions of them.
MAX_ROWS = 100_000
RECENT = timedelta(days=1)
# Number of error codes listed by name.
MAX_CODES = 4


def check_queue_age() -> Finding:
    queued = Analysis.objects.filter(state=Analysis.State.QUEUED, image__trashed_at=None)
    analyses = Analysis.objects.filter(pk__in=queued.values("pk")[: MAX_ROWS + 1])
    oldest, number = analyses.aggregate(Min("requested_at"))["requested_at__min"], analyses.count()
    if message := watchdog.sentence():
        return failed("analyses", message, _("See the other checks; the worker log may show the cause."))
    if oldest is None:
        return ok("analyses", _("The queue is empty."))
    text = ngettext(
        "%(number)s analysis in the queue, the oldest for %(age)s.",
        "%(number)s analyses in the queue, the oldest for %(age)s.",
        number,
    )
    values = {"number": capped_count(number, cap=MAX_ROWS), "age": duration(now() - oldest)}
    return ok("analyses", text % values)


def check_stuck() -> Finding:
    """Claims that expired a while ago, which the sweeper should have released."""
    since = Now() - timedelta(seconds=60 + 3 * settings.SWEEP_SECONDS)
    number = Analysis.objects.filter(state=Analysis.State.RUNNING, claimed_until__lt=since)[:MAX_ROWS].count()
    if number == 0:
        return ok("stuck jobs", _("No stuck jobs."))
    text = ngettext(
        "%(number)s analysis is still claimed by a worker that stopped.",
        "%(number)s analyses are still claimed by workers that stopped.",
        number,
    )
    next_step = _("They are released automatically once scheduler and worker are running.")
    return failed("stuck jobs", plural(text, number), next_step)


def check_failures() -> Finding:
    recent = Analysis.objects.filter(state=Analysis.State.FAILED, finished_at__gt=Now() - RECENT)
    codes = Counter(recent.order_by("-finished_at").values_list("error_code", flat=True)[:MAX_ROWS])
    if not codes:
        return ok("failures", _("No failures in the last 24 hours."))
    causes = [f"{code} {count(number)}" for code, number in codes.most_common(MAX_CODES)]
    if (others := len(codes) - MAX_CODES) > 0:
        causes.append(plural(ngettext("%(number)s other cause", "%(number)s other causes", others), others))
    text = ngettext(
        "%(number)s analysis failed in the last 24 hours: %(causes)s.",
        "%(number)s analyses failed in the last 24 hours: %(causes)s.",
        codes.total(),
    )
    message = text % {"number": count(codes.total()), "causes": ", ".join(causes)}
    return warning("failures", message, _("Fix the cause, then retry with `manage.py analyze_images --failed`."))


def check_outages() -> Iterator[Finding]:
    rows = list(Outage.objects.order_by("recognizer", "api").values_list("api", "message", Now() - F("since")))
    if not rows:
        yield ok("outages", _("No outages."))
    for api, message, age in rows:
        values = {"api": Analysis.Api(api).label, "age": duration(age), "message": message}
        sentence = _("%(api)s unavailable for %(age)s: %(message)s") % values
        yield failed("outages", sentence, _("imagelib checks regularly whether the API is available again."))


def check_deliveries() -> Iterator[Finding]:
    """Receivers of alerts and sinks that get no messages, with the cause."""
    troubled = [
        *Alert.objects.exclude(last_error="").select_related("saved_search"),
        *Sink.objects.exclude(last_error=""),
    ]
    for receiver in troubled[:MAX_CODES]:
        values = {"name": str(receiver), "error": receiver.last_error}
        if receiver.is_active:
            yield warning("deliveries", _("“%(name)s”: %(error)s") % values, _("It will be retried for a day."))
        else:
            message = _("“%(name)s” is disabled: %(error)s") % values
            yield warning("deliveries", message, _("Fix the receiver, then enable it again."))
    failed_number = Delivery.objects.filter(state=Delivery.State.FAILED).values("pk")[: MAX_ROWS + 1].count()
    if failed_number:
        text = ngettext("%(number)s message failed.", "%(number)s messages failed.", failed_number)
        message = text % {"number": capped_count(failed_number, cap=MAX_ROWS)}
        yield warning("deliveries", message, _("The Deliveries page shows the causes and lets you send them again."))
    elif not troubled:
        yield ok("deliveries", _("No failed messages."))


def check_budget() -> Finding:
    if not ledger.has_limits():
        return ok("budget", _("No budget is set."))
    budget = ledger.budget(settings.RECOGNIZER)
    spent = budget.spent + budget.reserved
    message = _("Spent this month: %(spent)s. Limit for bulk runs: %(bulk)s; with uploads: %(all)s.") % {
        "spent": dollars(spent),
        "bulk": _limit(budget.limit),
        "all": _limit(budget.interactive_limit),
    }
    if budget.interactive_limit is not None and spent >= budget.interactive_limit:
        message = f"{message} {_('All analyses are paused.')}"
        return warning("budget", message, _("Raise INTERACTIVE_BUDGET, or wait for next month."))
    if budget.is_exhausted:
        message = f"{message} {_('Bulk runs are paused.')}"
        return warning("budget", message, _("Raise MONTHLY_BUDGET, or wait for next month."))
    if budget.is_warning:
        return warning("budget", message, _("Bulk runs pause when their limit is reached."))
    return ok("budget", message)


def _limit(limit: Decimal | None) -> str:
    return _("none") if limit is None else dollars(limit)


def check_rate_limits() -> Finding:
    """The current rate limit of each API, compared with its quota."""
    name = settings.RECOGNIZER
    limiters = {api: limiter for api in registry.enabled_apis() if (limiter := engine_runner.limiter(name, api))}
    if not limiters:
        return ok("rate limits", _("The %(name)s recognizer has no rate limit.") % {"name": name})
    try:
        # A request for no calls only reads the limiter's state.
        rates = {api: (limiter.acquire(0).rate, limiter.quota) for api, limiter in limiters.items()}
    except RateLimiterUnavailable as error:
        return failed("rate limits", str(error), _("Work resumes when Redis is available again."))
    text = ", ".join(f"{api} {round(rate, 1):g}/{quota:g}" for api, (rate, quota) in rates.items())
    message = _("Calls per second, current limit/quota: %(rates)s.") % {"rates": text}
    if any(rate < quota / 2 for rate, quota in rates.values()):
        next_step = _("Requests were throttled recently. Check that REKOGNITION_QUOTA matches the account's quota.")
        return warning("rate limits", message, next_step)
    return ok("rate limits", message)
