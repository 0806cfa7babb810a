"""Dashboard tables: figures of a period, each row linked to a search."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

from django.urls import reverse
from django.utils.dateformat import format as formatted_date
from django.utils.translation import gettext as _

from analysis import formatting
from analysis.models import Analysis, Viewer
from analysis.search.label_facets import facets
from analysis.search.query import LabelTerm, Query
from analysis.search.syntax.parser import parse
from analysis.statistics import queries, queue_depth
from analysis.statistics.failures import SCAN_LIMIT, failures
from analysis.statistics.periods import Period
from analysis.web.dashboard.scope import Scope
from analysis.web.dashboard.table import Column, Number, Table, TableRow, row

BIN_WIDTH = 100 // queries.CONFIDENCE_BINS
"""Percentage points of confidence in one row."""


def added(scope: Scope) -> Table:
    columns = (Column(_("Pictures"), series="one"),)
    values = {start: (total.pictures,) for start, total in scope.added.items()}
    return Table(
        "added",
        _("Pictures added"),
        _time_heading(scope),
        columns,
        _time_rows(scope, columns, values),
        _("No pictures added in this period."),
        note=_hourly_note(scope),
    )


def analyses(scope: Scope) -> Table:
    columns = (
        Column(_("Completed"), series="one"),
        Column(_("From cache"), series="two"),
        Column(_("Failed"), series="bad"),
    )
    values = {start: (ended.answered, ended.reused, ended.failed) for start, ended in scope.ended.items()}
    return Table(
        "analyses",
        _("Analyses"),
        _time_heading(scope),
        columns,
        _time_rows(scope, columns, values, scope.ended_url),
        _("No analyses in this period."),
        is_stacked=True,
        note=_ended_note(scope),
    )


def spend(scope: Scope) -> Table:
    """Spend by time."""
    # The ledger is kept by day for the whole library only; prices of results are known by owner and hour.
    columns: tuple[Column, ...]
    values: dict[datetime, tuple[Number, ...]]
    completed = Column(_("Completed"))
    if scope.is_all and not scope.span.is_hourly:
        columns = (Column(_("Spent"), "dollars", "one"), Column(_("Saved"), "dollars"), Column(_("Calls")), completed)
        calls = queries.calls(scope.span).items()
        values = {start: (row.dollars, row.saved, row.calls, row.answered) for start, row in calls}
    else:
        columns = (Column(_("Spent"), "dollars", "one"), completed)
        values = {start: (ended.dollars, ended.answered) for start, ended in scope.ended.items()}
    note = _ended_note(scope)
    if not scope.is_all:
        note = " ".join(filter(None, [_("Cost of analyzing your pictures."), note]))
    return Table(
        "spend",
        _("Calls and cost"),
        _time_heading(scope),
        columns,
        _time_rows(scope, columns, values, scope.ended_url if scope.span.is_hourly else scope.ledger_url),
        _("No spend in this period."),
        note=note,
    )


def latency(scope: Scope) -> Table:
    columns = (Column(_("Median"), "ms", "one"), Column(_("95th percentile"), "ms", "two"), Column(_("Results")))
    rows = [
        row(
            str(Analysis.Api(latency.api).label),
            columns,
            (round(latency.median), round(latency.p95), latency.answers),
            _done_url(scope, latency.api),
        )
        for latency in queries.latencies(scope.span)
    ]
    return Table(
        "latency",
        _("Response time"),
        _("Analysis"),
        columns,
        rows,
        _("No results in this period."),
        "across",
        note=_("Accurate to about 20%."),
    )


def confidence(scope: Scope) -> Table:
    columns = (Column(_("Labels"), series="one"),)
    # Bins below the lowest requested confidence are always empty, so the table starts at the first bin with a
    # count.
    counts = queries.confidences(scope.person_id)
    first = next((step for step, number in enumerate(counts) if number), 0)
    rows = [
        row(f"{step * BIN_WIDTH}–{(step + 1) * BIN_WIDTH} %", columns, (number,))
        for step, number in enumerate(counts)
        if step >= first
    ]
    note = _("All pictures, regardless of the period. To search by confidence, add it to a label: dog>=90.")
    return Table("confidence", _("Label confidence"), _("Confidence"), columns, rows, _("No labels yet."), note=note)


def frequent(scope: Scope) -> Table:
    columns = (Column(_("Pictures"), series="one"),)
    is_estimated = False
    if scope.is_all:
        labels = queries.frequent_labels()
    else:
        labels, is_estimated = _own_labels(scope)
    note = (
        _("All pictures, regardless of the period. Estimated.")
        if is_estimated
        else _("All pictures, regardless of the period.")
    )
    rows = [row(name, columns, (number,), scope.search_url(_label_term(name))) for name, number in labels]
    return Table(
        "labels", _("Most frequent labels"), _("Label"), columns, rows, _("No labels yet."), "across", note=note
    )


def growing(scope: Scope) -> Table:
    columns = (Column(_("This period"), series="one"), Column(_("Previous period"), series="two"))
    before = sum(total.pictures for total in queries.added(scope.span.before(), scope.person_id).values())
    growth = queries.growing_labels(scope.span, scope.person_id, pictures=scope.number_added + before)
    rows = [
        row(
            label.name,
            columns,
            (label.now, label.before),
            scope.search_url(_label_term(label.name), scope.span.term()),
        )
        for label in growth.labels
    ]
    note = _("Pictures added in this period and in the one before.")
    if growth.one_in > 1:
        note = _("%(note)s Estimated from one picture in %(number)s.") % {"note": note, "number": growth.one_in}
    empty = _("No label grew in this period.")
    return Table("growing", _("Fastest-growing labels"), _("Label"), columns, rows, empty, "across", note=note)


def failed(scope: Scope) -> Table:
    columns = (Column(_("Pictures"), series="bad"),)
    result = failures(person_id=scope.person_id, since=scope.span.start, maximum=queries.MAX_LABELS)
    rows = [
        row(f"{Analysis.Api(cause.api).label}: {cause.code}", columns, (cause.number,), scope.search_url("is:failed"))
        for cause in result.causes
    ]
    note = _("Failed in this period and not retried since. Links show all failed pictures.")
    if not result.is_complete:
        limit = formatting.count(SCAN_LIMIT)
        note = _("%(note)s Only the latest %(limit)s failures are counted.") % {"note": note, "limit": limit}
    return Table(
        "failures",
        _("Failures by cause"),
        _("Cause"),
        columns,
        rows,
        _("No failures."),
        "across",
        note=note,
        more_url=f"{reverse('activity')}#failures",
        more_label=_("Show failures and fixes"),
    )


def storage(scope: Scope) -> Table:
    columns = (Column(_("Size"), "bytes", "one"), Column(_("Pictures")))
    at_end = scope.total if scope.span.is_hourly else queries.total(scope.person_id, before=scope.span.end)
    size, pictures = at_end.bytes, at_end.pictures
    values: dict[datetime, tuple[Number, ...]] = {}
    # Backwards from today's total: going forwards, all earlier additions would have to be summed for the first row.
    for start, total in reversed(scope.added.items()):
        values[start] = (size, pictures)
        size, pictures = size - total.bytes, pictures - total.pictures
    values = dict(reversed(values.items()))
    note = _("Originals only, including those in the trash, by the date they were added.")
    rows = _time_rows(scope, columns, values)
    return Table("storage", _("Storage"), _time_heading(scope), columns, rows, _("No pictures yet."), "line", note=note)


def waiting(scope: Scope) -> Table:
    columns = (Column(_("Waiting"), series="one"), Column(_("In progress"), series="two"))
    rows = [
        row(_queue_name(depth), columns, (depth.waiting, depth.running), scope.queue_url(depth))
        for depth in scope.depths
    ]
    oldest = [f"{_queue_name(depth)}: {formatting.duration(depth.oldest)}" for depth in scope.depths if depth.oldest]
    note = _("As of now. Oldest: %(oldest)s.") % {"oldest": ", ".join(oldest)} if oldest else _("As of now.")
    return Table("queue", _("Queue"), _("Analysis"), columns, rows, _("The queue is empty."), "across", note=note)


TABLES: dict[str, Callable[[Scope], Table]] = {
    "added": added,
    "analyses": analyses,
    "spend": spend,
    "storage": storage,
    "labels": frequent,
    "growing": growing,
    "confidence": confidence,
    "failures": failed,
    "queue": waiting,
    "latency": latency,
}
LIBRARY_ONLY = frozenset({"queue", "latency"})
"""Tables without figures by user."""


def tables_for(scope: Scope) -> dict[str, Callable[[Scope], Table]]:
    return {name: make for name, make in TABLES.items() if scope.is_all or name not in LIBRARY_ONLY}


def _own_labels(scope: Scope) -> tuple[list[tuple[str, int]], bool]:
    """Most frequent labels of one person's pictures; True if estimated."""
    viewer = Viewer(user_id=scope.person_id)
    result = facets(parse("owner:me"), viewer=viewer, maximum=queries.MAX_LABELS)
    # At least one: the statistics may be a minute older than the sampled pictures.
    factor = max(1.0, scope.total.pictures / result.counted) if result.is_sample and result.counted else 1.0
    labels = [(facet.name, round(facet.count * factor)) for facet in result.by_kind.get("label", [])]
    return labels, result.is_sample


def _label_term(name: str) -> str:
    return Query((LabelTerm(name),)).text


def _queue_name(depth: queue_depth.QueueDepth) -> str:
    return f"{Analysis.Api(depth.api).label} ({depth.recognizer})"


def _time_heading(scope: Scope) -> str:
    return {"hour": _("Hour"), "day": _("Day"), "month": _("Month")}[scope.span.unit]


def _time_rows(
    scope: Scope,
    columns: tuple[Column, ...],
    values: Mapping[datetime, tuple[Number, ...]],
    url: Callable[[datetime], str] | None = None,
) -> list[TableRow]:
    """Rows by hour, day or month; without `url` they lead to the pictures added then."""
    return [
        row(
            _time_label(scope.span, start),
            columns,
            figures,
            scope.search_url(scope.span.term(start)) if url is None else url(start),
        )
        for start, figures in values.items()
    ]


def _done_url(scope: Scope, api: str) -> str:
    return scope.ended_url(api__exact=api, state__exact="done")


def _hourly_note(scope: Scope) -> str:
    return _("Each hour links to its whole day.") if scope.span.is_hourly else ""


def _ended_note(scope: Scope) -> str:
    if not scope.is_listed:
        return _("Search has no analysis-date filter, so rows are not linked.")
    return _hourly_note(scope)


def _time_label(span: Period, start: datetime) -> str:
    return formatted_date(start, {"hour": "j M H:i", "day": "j M", "month": "M Y"}[span.unit])
