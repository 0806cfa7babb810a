"""The dashboard: what came in, what was asked and what it cost, as charts with their tables; each table as CSV."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date

from django.conf import settings
from django.http import Http404, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils.timezone import now
from django.views.decorators.http import require_safe

from analysis import formatting, permissions
from analysis.models import StatisticsRun
from analysis.models.ledger import FREE
from analysis.recognition import ledger
from analysis.statistics import queue_depth
from analysis.statistics.periods import PERIODS, Period, PeriodName, period
from analysis.web import links
from analysis.web.dashboard.reports import tables_for
from analysis.web.dashboard.scope import Scope
from analysis.web.dashboard.table import Table, lines
from analysis.web.http import Request, current_user_id

TITLES = {"day": "Day", "week": "Week", "month": "Month", "year": "Year"}
EARLIEST = date(1990, 1, 1)


@dataclass(frozen=True)
class Tile:
    """One figure at a glance; `share` in percent where there is a limit."""

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
    """One's own pictures, or for staff the whole library, over a day, a week, a month or a year."""
    asked = _asked(request)
    tables = [_with_csv(make(asked), asked) for make in tables_for(asked).values()]
    context = {
        "tiles": list(_tiles(asked)),
        "tables": tables,
        "tabs": [Tab(TITLES[name], _url(asked, name=name), name == asked.span.name) for name in PERIODS],
        "whose": _whose(asked),
        "period": _period(asked.span),
        "earlier_url": "" if asked.span.is_hourly else _url(asked, until=asked.span.before().last_day),
        "later_url": _later(asked),
        "counted": " ".join(filter(None, [_counted(), asked.note])),
    }
    return render(request, "dashboard/index.html", context)


@require_safe
def as_csv(request: Request, name: str) -> HttpResponseBase:
    """One table for a spreadsheet."""
    asked = _asked(request)
    make = tables_for(asked).get(name)
    if make is None:
        raise Http404
    answer = StreamingHttpResponse(lines(make(asked)), content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="imagelib-{name}-{asked.span.name}.csv"'
    return answer


def _asked(request: Request) -> Scope:
    """What the address says; whatever it says that cannot be is passed over."""
    name = request.GET.get("range", "")
    moment = now().astimezone(UTC)
    known: PeriodName = name if name in PERIODS else "month"
    person = current_user_id(request)
    sees_figures = permissions.can_view_statistics(request.user)
    is_all = sees_figures and request.GET.get("of") != "own"
    return Scope(
        period(known, until=_until(request, moment.date()), now=moment),
        None if is_all else person,
        has_choice=sees_figures,
        has_lists=permissions.can_view_all_images(request.user),
    )


def _until(request: Request, today: date) -> date:
    try:
        until = date.fromisoformat(request.GET.get("until", ""))
    except ValueError:
        return today
    return min(max(until, EARLIEST), today)


def _url(asked: Scope, *, name: str = "", until: date | None = None, csv: str = "", own: bool | None = None) -> str:
    """This page with something changed; today is not written."""
    last = until or asked.span.last_day
    address = reverse("dashboard-csv", args=[csv]) if csv else reverse("dashboard")
    is_own = not asked.is_all if own is None else own
    return links.with_parameters(
        address,
        range=name or asked.span.name,
        until="" if last >= now().astimezone(UTC).date() else str(last),
        of="own" if is_own and asked.has_choice else "",
    )


def _later(asked: Scope) -> str:
    """As far ahead as the time is long; empty where that is all in the future."""
    today = now().astimezone(UTC).date()
    if asked.span.is_hourly or asked.span.last_day >= today:
        return ""
    return _url(asked, until=min(asked.span.last_day + (asked.span.end - asked.span.start), today))


def _whose(asked: Scope) -> list[Tab]:
    if not asked.has_choice:
        return []
    return [
        Tab("Everything", _url(asked, own=False), asked.is_all),
        Tab("My pictures", _url(asked, own=True), not asked.is_all),
    ]


def _with_csv(table: Table, asked: Scope) -> Table:
    return replace(table, csv_url=_url(asked, csv=table.slug))


def _period(span: Period) -> str:
    if span.is_hourly:
        return "The last 24 hours"
    last = span.last_day
    return f"{span.start.day} {span.start:%b %Y} – {last.day} {last:%b %Y}"


def _tiles(asked: Scope) -> Iterator[Tile]:
    ended = asked.ended.values()
    failed = sum(each.failed for each in ended)
    yield Tile("Pictures", f"{asked.total.pictures:,}", f"{asked.number_added:,} added in this time", asked.search())
    yield Tile(
        "Analyses",
        f"{sum(each.answered + each.reused for each in ended):,}",
        f"{failed:,} failed in this time" if failed else "in this time",
        reverse("activity"),
    )
    yield (
        _budget()
        if asked.is_all
        else Tile(
            "Spent",
            formatting.dollars(sum((each.dollars for each in ended), start=FREE)),
            "in this time, on your pictures",
        )
    )
    yield _queue(asked.depths) if asked.is_all else _own_queue(asked.person_id or 0)
    yield Tile("Storage", formatting.filesize(asked.total.bytes), "originals, without thumbs and previews")


def _budget() -> Tile:
    found = ledger.budget(settings.RECOGNIZER)
    spent = found.spent + found.reserved
    if found.limit is None:
        return Tile("Spent this month", formatting.dollars(spent), "no budget is set")
    share = min(100 * spent / found.limit, 100) if found.limit else 100
    return Tile(
        "Spent this month",
        formatting.dollars(spent),
        f"of {formatting.dollars(found.limit)} for bulk work",
        share=f"{share:.1f}",
    )


def _queue(depths: list[queue_depth.QueueDepth]) -> Tile:
    waiting, oldest = sum(each.waiting for each in depths), [each.oldest for each in depths if each.oldest]
    is_capped = any(each.waiting > queue_depth.CAP for each in depths)
    note = (
        f"the oldest for {formatting.duration(max(oldest))}"
        if oldest
        else "nothing may go now"
        if waiting
        else "nothing waits"
    )
    return Tile("Waiting", f"{waiting:,}{'+' if is_capped else ''}", note, reverse("activity"))


def _own_queue(person: int) -> Tile:
    found = queue_depth.person_queue(person)
    note = f"the oldest for {formatting.duration(found.oldest)}" if found.oldest else "nothing of yours waits"
    return Tile("Waiting", f"{found.waiting:,}{'' if found.is_complete else '+'}", note, reverse("activity"))


def _counted() -> str:
    """How old the figures are that are kept ready."""
    oldest = StatisticsRun.objects.order_by("at").first()
    if oldest is None:
        return "Figures are counted within a minute of the scheduler's start."
    return f"Counted {formatting.duration(now() - oldest.at)} ago or later. Days are UTC's."
