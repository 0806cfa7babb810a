"""What everybody, or the staff, must know on every page: invented labels, an API that cannot be asked, the budget."""

from __future__ import annotations

from dataclasses import dataclass

from django.conf import settings
from django.http import HttpRequest

from analysis.models import Analysis, Outage
from analysis.recognition import ledger


@dataclass(frozen=True)
class Notice:
    kind: str
    sentence: str


def notices(request: HttpRequest) -> dict[str, list[Notice]]:
    """For the templates. Costs nothing but for staff, and for them one query, two where budgets are set."""
    user = getattr(request, "user", None)
    is_ours = request.resolver_match is not None and "admin" not in request.resolver_match.app_names
    if user is None or not user.is_authenticated or not is_ours or getattr(request, "htmx", False):
        return {"notices": []}
    found = _simulated()
    if user.is_staff:
        found += _outages() + _budget()
    return {"notices": found}


def _simulated() -> list[Notice]:
    if settings.RECOGNIZER != "simulator":
        return []
    return [Notice("mild", "The recognizer is a simulator: new labels are invented, and so is what they cost.")]


def _outages() -> list[Notice]:
    return [
        Notice("bad", f"{Analysis.Api(outage.api).label} wait: {outage.message}")
        for outage in Outage.objects.order_by("api")
    ]


def _budget() -> list[Notice]:
    if not ledger.has_limits():
        return []
    budget = ledger.budget(settings.RECOGNIZER)
    spent = f"{budget.spent + budget.reserved:.2f} of {budget.limit} US dollars of this month's budget are spent"
    if budget.is_exhausted:
        return [Notice("bad", f"{spent}: bulk work waits for the next month or a higher MONTHLY_BUDGET.")]
    if budget.is_warning:
        return [Notice("mild", f"{spent}.")]
    return []
