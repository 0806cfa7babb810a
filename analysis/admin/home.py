"""Home page of the administration: six figures, and the lists by section.

Each card is shown to users who may see the page it links to. No figure takes longer in a larger library.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse
from django.utils.timezone import now
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from analysis import formatting, permissions
from analysis.admin import sidebar
from analysis.models import Analysis
from analysis.permissions import AnyUser
from analysis.permissions import accounts as rights
from analysis.recognition import ledger, registry
from analysis.search.time_limit import SearchTooSlow, TimeBudget
from analysis.statistics import queries, queue_depth
from analysis.statistics.failures import SCAN_LIMIT, failures
from analysis.statistics.periods import period
from analysis.statistics.unanalyzed import unanalyzed
from imagelib.accounts import invitations
from imagelib.accounts.models import User

PEOPLE_CAP = 10_000
SECONDS = 3.0
"""Time for all figures together; those that take longer are left out."""


@dataclass(frozen=True)
class HomeCard:
    """A figure with a line of context, and a link to its page."""

    slug: str
    title: str
    figure: str
    note: str
    url: str
    link_text: str
    is_alert: bool = False


def context(request: HttpRequest, values: dict[str, Any]) -> dict[str, Any]:
    """Unfold's DASHBOARD_CALLBACK: the context of the home page."""
    sections = sidebar.navigation(request)
    return values | {
        "title": _("Administration"),
        "cards": list(cards(request.user, moment=now())),
        "sections": [section for section in sections if not section["collapsible"]],
        "folded_sections": [section for section in sections if section["collapsible"]],
    }


def cards(user: AnyUser, *, moment: datetime) -> Iterator[HomeCard]:
    """The cards that the user may see."""
    budget, today = TimeBudget(SECONDS), moment.astimezone(UTC).date()
    for is_allowed, make in CARDS:
        if not is_allowed(user):
            continue
        try:
            with budget.part():
                yield make(today)
        except SearchTooSlow:
            continue


def _pictures(today: date) -> HomeCard:
    total, url = queries.current_total(None), reverse("admin:analysis_image_changelist")
    figure = formatting.capped_count(total.pictures, cap=total.cap)
    if total.cap is None:
        note = _added_note(total, today)
    else:
        note = _("originals: %(size)s") % {"size": formatting.filesize(total.bytes)}
    return HomeCard("pictures", _("Pictures"), figure, note, url, _("Show pictures"))


def _added_note(total: queries.Total, today: date) -> str:
    span = period("month", until=today, now=now())
    added = sum(row.pictures for row in queries.added(span, None).values())
    return _("%(number)s added in the last 30 days · originals: %(size)s") % {
        "number": formatting.count(added),
        "size": formatting.filesize(total.bytes),
    }


def _to_analyze(today: date) -> HomeCard:
    missing = unanalyzed(registry.enabled_apis(), total=queries.total(None).pictures, today=today)
    names = [f"{_api(api)} {formatting.count(number)}" for api, number in sorted(missing.by_api.items())]
    note = ", ".join(names) or _("Every enabled API has analyzed every picture.")
    if missing.is_estimate:
        note = _("%(note)s (estimated from a sample)") % {"note": note}
    figure = f"{'≈ ' if missing.is_estimate and missing.pictures else ''}{formatting.count(missing.pictures)}"
    url = reverse("analyze", query={"everybody": "1", "scope": "missing"})
    return HomeCard("to-analyze", _("To analyze"), figure, note, url, _("Estimate the cost"))


def _failed(_today: date) -> HomeCard:
    result = failures()
    number = sum(cause.number for cause in result.causes)
    causes = [f"{_api(cause.api)}: {cause.code} ({formatting.count(cause.number)})" for cause in result.causes[:2]]
    note = ", ".join(causes) or _("No failures.")
    figure = formatting.count(number) if result.is_complete else f"{formatting.count(min(number, SCAN_LIMIT))}+"
    url = f"{reverse('activity')}#failures"
    return HomeCard("failed", _("Failed"), figure, note, url, _("Show causes and retry"), is_alert=number > 0)


def _spend(_today: date) -> HomeCard:
    budget = ledger.budget(settings.RECOGNIZER)
    note = (
        _("No budget set")
        if budget.limit is None
        else _("of %(limit)s for bulk runs") % {"limit": formatting.dollars(budget.limit)}
    )
    figure = formatting.dollars(budget.spent + budget.reserved)
    title, url = _("Spend this month"), f"{reverse('dashboard')}#spend"
    return HomeCard("spend", title, figure, note, url, _("Show calls and cost"), is_alert=budget.is_warning)


def _queue(_today: date) -> HomeCard:
    depths = queue_depth.queue_depths()
    waiting = sum(depth.waiting for depth in depths)
    ages = [depth.oldest for depth in depths if depth.oldest]
    note = _("Queue is empty")
    if waiting:
        note = _("none ready to start")
    if ages:
        note = _("oldest: %(duration)s") % {"duration": formatting.duration(max(ages))}
    figure = f"{formatting.count(waiting)}{'+' if any(depth.waiting > queue_depth.CAP for depth in depths) else ''}"
    return HomeCard("queue", _("Queue"), figure, note, reverse("activity"), _("Show activity"))


def _people(_today: date) -> HomeCard:
    number = User.objects.filter(is_active=True)[: PEOPLE_CAP + 1].count()
    invited = invitations.open_invitations()[: PEOPLE_CAP + 1].count()
    text = ngettext("%(number)s invitation is open", "%(number)s invitations are open", invited)
    note = formatting.plural(text, invited) if invited else _("No open invitations")
    figure = formatting.capped_count(number, cap=PEOPLE_CAP)
    return HomeCard("people", _("People"), figure, note, reverse("people"), _("Show people"))


def _api(api: str) -> str:
    return str(Analysis.Api(api).label)


CARDS: tuple[tuple[Callable[[AnyUser], bool], Callable[[date], HomeCard]], ...] = (
    (permissions.can_view_all_images, _pictures),
    (permissions.can_analyze_all_images, _to_analyze),
    (permissions.can_view_all_failures, _failed),
    (permissions.can_view_statistics, _spend),
    (permissions.can_view_statistics, _queue),
    (rights.can_view_people, _people),
)
