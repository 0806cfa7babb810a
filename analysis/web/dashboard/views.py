"""Dashboard views: charts and tables of a period, and each table as CSV."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta

from django.conf import settings
from django.http import Http404, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils.dateformat import format as formatted_date
from django.utils.functional import Promise
from django.utils.timezone import localdate, localtime, now
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_safe

from analysis import formatting, permissions
from analysis.models import Image, StatisticsRun
from analysis.models.ledger import FREE
from analysis.recognition import ledger
from analysis.search.time_limit import SearchTooSlow, time_limit
from analysis.statistics import queue_depth
from analysis.statistics.periods import PERIODS, Period, PeriodName, period
from analysis.web import links
from analysis.web.dashboard.reports import tables_for
from analysis.web.dashboard.scope import Scope
from analysis.web.dashboard.table import Table, lines
from analysis.web.http import Request, current_user_id

TITLES: dict[str, str | Promise] = {
    "day": gettext_lazy("Day"),
    "week": gettext_lazy("Week"),
    "month": gettext_lazy("Month"),
    "year": gettext_lazy("Year"),
}
EARLIEST = date(1990, 1, 1)
TOO_SLOW = gettext_lazy("These statistics take too long to calculate. Choose a shorter period, or try again later.")


@dataclass(frozen=True)
class DashboardTile:
    """One key figure; `share` is its percentage of a limit, if there is one."""

    title: str
    figure: str
    note: str
    url: str = ""
    share: str = ""


@dataclass(frozen=True)
class Tab:
    title: str
    url: str
    is_current: bool


@require_safe
def dashboard(request: Request) -> HttpResponse:
    """Figures of the user's pictures, or of all for staff, over a day to a year."""
    scope = _scope(request)
    try:
        with time_limit():
            tables = [_with_csv(make(scope), scope) for make in tables_for(scope).values()]
            figures: dict[str, object] = {
                "tiles": list(_tiles(scope)),
                "tables": tables,
                "nothing": "" if any(table.has_figures for table in tables) else _nothing(scope),
                "updated": " ".join(filter(None, [_updated(scope.span), scope.note])),
            }
    except SearchTooSlow:
        figures = {"error": TOO_SLOW}
    context = figures | {
        "tabs": [Tab(str(TITLES[name]), _url(scope, name=name), name == scope.span.name) for name in PERIODS],
        "owner_tabs": _owner_tabs(scope),
        "period": _period(scope.span),
        "earlier_url": "" if scope.span.is_hourly else _url(scope, until=scope.span.before().last_day),
        "later_url": _later_url(scope),
    }
    return render(request, "dashboard/index.html", context)


@require_safe
def as_csv(request: Request, name: str) -> HttpResponseBase:
    """One table as a CSV file."""
    scope = _scope(request)
    make = tables_for(scope).get(name)
    if make is None:
        raise Http404
    try:
        with time_limit():
            table = make(scope)
    except SearchTooSlow:
        return HttpResponse(TOO_SLOW, status=503, content_type="text/plain; charset=utf-8")
    # Streamed: GZipMiddleware then needs no copy of the body, and pads it against BREACH as well.
    response = StreamingHttpResponse(lines(table), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="imagelib-{name}-{scope.span.name}.csv"'
    return response


def _scope(request: Request) -> Scope:
    """Scope from the query string; invalid values fall back to the default."""
    name = request.GET.get("range", "")
    moment = localtime()
    period_name: PeriodName = name if name in PERIODS else "month"
    person_id = current_user_id(request)
    sees_figures = permissions.can_view_statistics(request.user)
    is_all = sees_figures and request.GET.get("of") != "own"
    return Scope(
        period(period_name, until=_until(request, moment.date()), now=moment),
        None if is_all else person_id,
        has_choice=sees_figures,
        has_lists=permissions.can_view_all_images(request.user),
    )


def _until(request: Request, today: date) -> date:
    try:
        until = date.fromisoformat(request.GET.get("until", ""))
    except ValueError:
        return today
    # Later days are empty, and near year 1 or 9999 adding a period would overflow.
    return min(max(until, EARLIEST), today)


def _url(scope: Scope, *, name: str = "", until: date | None = None, csv: str = "", own: bool | None = None) -> str:
    """URL of this page or of a CSV file, with some parameters changed."""
    # Today is left out of the URL, so that a bookmark stays current.
    last = until or scope.span.last_day
    address = reverse("dashboard-csv", args=[csv]) if csv else reverse("dashboard")
    is_own = not scope.is_all if own is None else own
    return links.with_parameters(
        address,
        range=name or scope.span.name,
        until="" if last >= localdate() else str(last),
        of="own" if is_own and scope.has_choice else "",
    )


def _later_url(scope: Scope) -> str:
    """URL of the next period; empty if it is in the future."""
    today = localdate()
    if scope.span.is_hourly or scope.span.last_day >= today:
        return ""
    return _url(scope, until=min(scope.span.last_day + (scope.span.end - scope.span.start), today))


def _owner_tabs(scope: Scope) -> list[Tab]:
    if not scope.has_choice:
        return []
    return [
        Tab(_("All pictures"), _url(scope, own=False), scope.is_all),
        Tab(_("My pictures"), _url(scope, own=True), not scope.is_all),
    ]


def _nothing(scope: Scope) -> str:
    """The sentence of a dashboard without any figure."""
    pictures = Image.objects.all() if scope.is_all else Image.objects.filter(owner_id=scope.person_id)
    if pictures.exists():
        return _("No statistics for this period yet. They are updated about once a minute.")
    return _("No pictures yet. Charts appear here a minute after the first upload.")


def _with_csv(table: Table, scope: Scope) -> Table:
    return replace(table, csv_url=_url(scope, csv=table.slug))


def _period(span: Period) -> str:
    if span.is_hourly:
        return _("Last 24 hours")
    return f"{formatted_date(span.start, 'j M Y')} – {formatted_date(span.last_day, 'j M Y')}"


def _tiles(scope: Scope) -> Iterator[DashboardTile]:
    figure = formatting.capped_count(scope.total.pictures, cap=scope.total.cap)
    added = _("%(number)s added in this period") % {"number": formatting.count(scope.number_added)}
    yield DashboardTile(_("Pictures"), figure, added if scope.total.cap is None else "", scope.search_url())
    yield _analyses_tile(scope)
    yield _budget_tile() if scope.is_all else _spend_tile(scope)
    yield _queue_tile(scope.depths) if scope.is_all else _own_queue_tile(scope.person_id or 0)
    yield DashboardTile(_("Storage"), formatting.filesize(scope.total.bytes), _("Originals only"))


def _analyses_tile(scope: Scope) -> DashboardTile:
    completed = sum(ended.answered + ended.reused for ended in scope.ended.values())
    failed = sum(ended.failed for ended in scope.ended.values())
    note = (
        _("%(number)s failed in this period") % {"number": formatting.count(failed)} if failed else _("in this period")
    )
    return DashboardTile(_("Analyses"), formatting.count(completed), note, reverse("activity"))


def _spend_tile(scope: Scope) -> DashboardTile:
    dollars = sum((ended.dollars for ended in scope.ended.values()), start=FREE)
    return DashboardTile(_("Spend"), formatting.dollars(dollars), _("on your pictures in this period"))


def _budget_tile() -> DashboardTile:
    budget = ledger.budget(settings.RECOGNIZER)
    spent = budget.spent + budget.reserved
    title, figure = _("Spend this month"), formatting.dollars(spent)
    if budget.limit is None:
        return DashboardTile(title, figure, _("No budget set"))
    share = min(100 * spent / budget.limit, 100) if budget.limit else 100
    note = _("of %(limit)s for bulk runs") % {"limit": formatting.dollars(budget.limit)}
    return DashboardTile(title, figure, note, share=f"{share:.1f}")


def _queue_tile(depths: list[queue_depth.QueueDepth]) -> DashboardTile:
    waiting = sum(depth.waiting for depth in depths)
    is_capped = any(depth.waiting > queue_depth.CAP for depth in depths)
    ages = [depth.oldest for depth in depths if depth.oldest]
    return _waiting_tile(waiting, max(ages, default=None), is_capped=is_capped)


def _own_queue_tile(person_id: int) -> DashboardTile:
    depth = queue_depth.person_queue(person_id)
    return _waiting_tile(depth.waiting, depth.oldest, is_capped=not depth.is_complete)


def _waiting_tile(waiting: int, oldest: timedelta | None, *, is_capped: bool) -> DashboardTile:
    if oldest:
        note = _("oldest: %(duration)s") % {"duration": formatting.duration(oldest)}
    else:
        note = _("none ready to start") if waiting else _("Queue is empty")
    return DashboardTile(
        _("Waiting"), f"{formatting.count(waiting)}{'+' if is_capped else ''}", note, reverse("activity")
    )


def _updated(span: Period) -> str:
    """Age of the precomputed figures, by the oldest of them."""
    # Each table is updated on its own, and slow ones less often.
    oldest = StatisticsRun.objects.order_by("at").first()
    if oldest is None:
        return _("Statistics appear within a minute after the scheduler starts.")
    updated = _("Updated %(ago)s.") % {"ago": formatting.ago(oldest.at, now=now())}
    if span.is_utc:
        return updated
    return f"{updated} {_('Searches by date added and the ledger use days in UTC.')}"
