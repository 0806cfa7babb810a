"""What everybody, or the staff, must know on every page: invented labels, an API that cannot be asked, work that
waits in vain, the budget."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from itertools import zip_longest

from django.conf import settings
from django.http import HttpRequest
from django.utils.translation import gettext as _

from analysis import formatting, permissions
from analysis.health import watchdog
from analysis.models import Analysis, Outage
from analysis.recognition import ledger


def may(request: HttpRequest) -> dict[str, permissions.May]:
    """For the templates, so that they offer only what will be done. Costs nothing until it is asked."""
    return {"may": permissions.May(request.user)}


@dataclass(frozen=True)
class Notice:
    kind: str
    sentence: str


def notices(request: HttpRequest) -> dict[str, list[Notice]]:
    """For the templates. Costs nothing but for staff, and for them two queries, three where budgets are set."""
    user = getattr(request, "user", None)
    is_ours = request.resolver_match is not None and "admin" not in request.resolver_match.app_names
    if user is None or not user.is_authenticated or not is_ours or getattr(request, "htmx", False):
        return {"notices": []}
    found = _simulated()
    if permissions.can_view_system(user):
        found += _outages() + _stalls() + _budget()
    return {"notices": found}


def _simulated() -> list[Notice]:
    if settings.RECOGNIZER != "simulator":
        return []
    return [Notice("warning", "The recognizer is a simulator: new labels are invented, and so is what they cost.")]


def _outages() -> list[Notice]:
    """One notice for each cause, however many APIs it holds up."""
    by_code: dict[str, list[Outage]] = {}
    for outage in Outage.objects.order_by("api"):
        by_code.setdefault(outage.code, []).append(outage)
    return [Notice("danger", _sentence(outages)) for outages in by_code.values()]


def _sentence(outages: list[Outage]) -> str:
    """What is the same for all of them is said once: "Faces and Labels wait: AccessDeniedException: …"."""
    names = [Analysis.Api(outage.api).label for outage in outages]
    waiting = " and ".join([", ".join(names[:-1])] * bool(names[1:]) + names[-1:])
    told = [outage.message.removeprefix(f"The {outage.api} request failed with ").split(". ") for outage in outages]
    sentences = dict.fromkeys(part.rstrip(".") for parts in zip_longest(*told, fillvalue="") for part in parts)
    return f"{waiting} wait: {'. '.join(filter(None, sentences))}."


def _stalls() -> list[Notice]:
    told = watchdog.sentence()
    return [Notice("danger", told)] if told else []


def _budget() -> list[Notice]:
    if not ledger.has_limits():
        return []
    budget = ledger.budget(settings.RECOGNIZER)
    spent, limit = formatting.dollars(budget.spent + budget.reserved), formatting.dollars(budget.limit or Decimal(0))
    told = _("%(spent)s of this month's budget of %(limit)s are spent") % {"spent": spent, "limit": limit}
    if budget.is_exhausted:
        return [Notice("danger", f"{told}: bulk work waits for the next month or a higher MONTHLY_BUDGET.")]
    if budget.is_warning:
        return [Notice("warning", f"{told}.")]
    return []
