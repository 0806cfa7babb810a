"""The dashboard's tables: each reads its figures and says which search its rows lead to."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

from django.urls import reverse

from analysis import formatting
from analysis.models import Analysis, Viewer
from analysis.search.facets import facets
from analysis.search.query import LabelTerm, Query
from analysis.search.syntax.parser import parse
from analysis.statistics import queries, queue_depth
from analysis.statistics.failures import SCAN_LIMIT, failures
from analysis.statistics.periods import Period
from analysis.web.dashboard.scope import Scope
from analysis.web.dashboard.table import Column, Number, Row, Table, row

UNLISTED = "No search finds pictures by when they were analyzed."
STEP = 100 // queries.CONFIDENCE_BINS


def added(asked: Scope) -> Table:
    columns = (Column("Pictures", series="one"),)
    values = {start: (each.pictures,) for start, each in asked.added.items()}
    return Table(
        "added",
        "Pictures added",
        _first(asked),
        columns,
        _by_time(asked, columns, values),
        "No picture was added in this time.",
        note=_hourly(asked),
    )


def analyses(asked: Scope) -> Table:
    columns = (
        Column("Answered", series="one"),
        Column("From the store", series="two"),
        Column("Failed", series="bad"),
    )
    values = {start: (each.answered, each.reused, each.failed) for start, each in asked.ended.items()}
    rows = _by_time(asked, columns, values, asked.to_ended)
    return Table(
        "analyses", "Analyses", _first(asked), columns, rows, "No analysis ended in this time.",
        is_stacked=True, note=_hourly(asked) if asked.is_listed else UNLISTED,
    )  # fmt: skip


def spend(asked: Scope) -> Table:
    """By the ledger for the library by days; else what answers cost, which is known by picture and hour."""
    columns: tuple[Column, ...]
    values: dict[datetime, tuple[Number, ...]]
    if asked.is_all and not asked.span.is_hourly:
        columns = (Column("Spent", "dollars", "one"), Column("Saved", "dollars"), Column("Calls"), Column("Answered"))
        calls = queries.calls(asked.span).items()
        values = {start: (each.dollars, each.saved, each.calls, each.answered) for start, each in calls}
    else:
        columns = (Column("Spent", "dollars", "one"), Column("Answered"))
        values = {start: (each.dollars, each.answered) for start, each in asked.ended.items()}
    note = _hourly(asked) if asked.is_listed else UNLISTED
    note = note if asked.is_all else f"What the answers about your pictures cost. {note}"
    rows = _by_time(asked, columns, values, asked.to_ended if asked.span.is_hourly else asked.to_ledger)
    return Table(
        "spend", "Calls and what they cost", _first(asked), columns, rows, "Nothing was spent in this time.", note=note
    )


def latency(asked: Scope) -> Table:
    columns = (Column("Half within", "ms", "one"), Column("95 % within", "ms", "two"), Column("Answers"))
    rows = [
        row(
            Analysis.Api(each.api).label,
            columns,
            (round(each.median), round(each.p95), each.answers),
            _answers(asked, each.api),
        )
        for each in queries.latencies(asked.span)
    ]
    note = "Counted in steps of 19 %." + (" Each leads to its answers, those from the store too." * asked.is_listed)
    return Table(
        "latency",
        "How long answers took",
        "API",
        columns,
        rows,
        "Nothing was answered in this time.",
        "across",
        note=note,
    )


def confidence(asked: Scope) -> Table:
    columns = (Column("Labels", series="one"),)
    counts = queries.confidences(asked.person_id)
    minimum = next((step for step, number in enumerate(counts) if number), 0)
    rows = [
        row(f"{step * STEP}–{(step + 1) * STEP} %", columns, (number,))
        for step, number in enumerate(counts)
        if step >= minimum
    ]
    note = (
        "Of all pictures, whatever the time. A search asks how sure one label is, as in dog>=90; none asks it of all."
    )
    return Table("confidence", "How sure labels are", "Confidence", columns, rows, "No label yet.", note=note)


def frequent(asked: Scope) -> Table:
    columns = (Column("Pictures", series="one"),)
    note = "Of all pictures, whatever the time."
    if asked.is_all:
        found = queries.frequent_labels()
    else:
        found, estimated = _own_labels(asked)
        note += " Estimated." if estimated else ""
    rows = [row(name, columns, (number,), asked.search(_label(name))) for name, number in found]
    return Table("labels", "Most frequent labels", "Label", columns, rows, "No label yet.", "across", note=note)


def growing(asked: Scope) -> Table:
    columns = (Column("Now", series="one"), Column("Before", series="two"))
    before = sum(each.pictures for each in queries.added(asked.span.before(), asked.person_id).values())
    found = queries.growing_labels(asked.span, asked.person_id, pictures=asked.number_added + before)
    rows = [
        row(each.name, columns, (each.now, each.before), asked.search(_label(each.name), asked.span.term()))
        for each in found.labels
    ]
    note = "Pictures added in this time, and in as long a time before."
    if found.one_in > 1:
        note += f" Estimated from one picture in {found.one_in}."
    empty = "No label is on more of this time's pictures than of those before."
    return Table("growing", "Fastest-growing labels", "Label", columns, rows, empty, "across", note=note)


def failed(asked: Scope) -> Table:
    columns = (Column("Pictures", series="bad"),)
    found = failures(person_id=asked.person_id, since=asked.span.start, maximum=queries.MAX_LABELS)
    rows = [
        row(f"{Analysis.Api(each.api).label}: {each.code}", columns, (each.number,), asked.search("is:failed"))
        for each in found.causes
    ]
    note = "Since the beginning of this time, and not asked again. Each leads to all that failed, whatever the cause."
    note += "" if found.is_complete else f" Of the latest {SCAN_LIMIT:,} failures."
    return Table(
        "failures", "Failures by cause", "Cause", columns, rows, "Nothing failed.", "across",
        note=note, more_url=f"{reverse('activity')}#failures", more_words="What to do about them",
    )  # fmt: skip


def storage(asked: Scope) -> Table:
    columns = (Column("Bytes", "bytes", "one"), Column("Pictures"))
    at_end = asked.total if asked.span.is_hourly else queries.total(asked.person_id, before=asked.span.end)
    taken, pictures = at_end.bytes, at_end.pictures
    values: dict[datetime, tuple[Number, ...]] = {}
    for start, each in reversed(asked.added.items()):
        values[start] = (taken, pictures)
        taken, pictures = taken - each.bytes, pictures - each.pictures
    values = dict(reversed(values.items()))
    note = "Originals kept here, with those in the trash, by when they came; without thumbs and previews."
    rows = _by_time(asked, columns, values)
    return Table("storage", "Storage", _first(asked), columns, rows, "Nothing is kept yet.", "line", note=note)


def waiting(asked: Scope) -> Table:
    columns = (Column("Waiting", series="one"), Column("Under way", series="two"))
    rows = [row(_named(each), columns, (each.waiting, each.running), asked.to_waiting(each)) for each in asked.depths]
    oldest = [f"{_named(each)} {formatting.duration(each.oldest)}" for each in asked.depths if each.oldest]
    note = f"At this moment. The oldest: {', '.join(oldest)}." if oldest else "At this moment."
    return Table("queue", "Queue", "API", columns, rows, "Nothing waits.", "across", note=note)


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
OF_THE_LIBRARY = frozenset({"queue", "latency"})
"""What is known of the whole library alone."""


def tables_for(asked: Scope) -> dict[str, Callable[[Scope], Table]]:
    return {name: make for name, make in TABLES.items() if asked.is_all or name not in OF_THE_LIBRARY}


def _own_labels(asked: Scope) -> tuple[list[tuple[str, int]], bool]:
    viewer = Viewer(person_id=asked.person_id)
    found = facets(parse("owner:me"), viewer=viewer, maximum=queries.MAX_LABELS)
    times = max(1.0, asked.total.pictures / found.counted) if found.is_sample and found.counted else 1.0
    return [(each.name, round(each.count * times)) for each in found.by_kind.get("label", [])], found.is_sample


def _label(name: str) -> str:
    return Query((LabelTerm(name),)).text


def _named(depth: queue_depth.QueueDepth) -> str:
    return f"{Analysis.Api(depth.api).label} by {depth.recognizer}"


def _first(asked: Scope) -> str:
    return {"hour": "Hour", "day": "Day", "month": "Month"}[asked.span.unit]


def _by_time(
    asked: Scope,
    columns: tuple[Column, ...],
    values: Mapping[datetime, tuple[Number, ...]],
    leads_to: Callable[[datetime], str] | None = None,
) -> list[Row]:
    """A row for each step; it leads to the pictures that came then, if to nothing else."""
    return [
        row(
            _moment(asked.span, start),
            columns,
            figures,
            _pictures(asked, start) if leads_to is None else leads_to(start),
        )
        for start, figures in values.items()
    ]


def _pictures(asked: Scope, start: datetime) -> str:
    return asked.search(asked.span.term(start))


def _answers(asked: Scope, api: str) -> str:
    return asked.to_ended(api__exact=api, state__exact="done")


def _hourly(asked: Scope) -> str:
    return "Each hour leads to its whole day." if asked.span.is_hourly else ""


def _moment(span: Period, start: datetime) -> str:
    if span.unit == "hour":
        return f"{start.day} {start:%b %H:00}"
    return f"{start:%b %Y}" if span.unit == "month" else f"{start.day} {start:%b}"
