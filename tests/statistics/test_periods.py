"""The times that figures are about."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from analysis.statistics.periods import period

NOW = datetime(2026, 11, 21, 16, 40, tzinfo=UTC)


def at(*parts):
    return datetime(*parts, tzinfo=UTC)


@pytest.mark.parametrize(
    ("name", "number", "first", "end", "term"),
    [
        ("day", 24, at(2026, 11, 20, 17), at(2026, 11, 21, 17), "added:2026-11-20..2026-11-21"),
        ("week", 7, at(2026, 11, 15), at(2026, 11, 22), "added:2026-11-15..2026-11-21"),
        ("month", 30, at(2026, 10, 23), at(2026, 11, 22), "added:2026-10-23..2026-11-21"),
        ("year", 12, at(2025, 12, 1), at(2026, 11, 22), "added:2025-12-01..2026-11-21"),
    ],
)
def test_period_up_to_today(name, number, first, end, term):
    result = period(name, until=date(2026, 11, 21), now=NOW)
    assert (len(result.starts), result.start, result.end) == (number, first, end)
    assert result.term() == term


@pytest.mark.parametrize(
    ("name", "start", "end"),
    [
        ("day", at(2026, 11, 19, 17), at(2026, 11, 20, 17)),
        ("week", at(2026, 11, 8), at(2026, 11, 15)),
        ("month", at(2026, 9, 23), at(2026, 10, 23)),
        ("year", at(2024, 12, 1), at(2025, 12, 1)),
    ],
)
def test_previous_period_has_the_same_length(name, start, end):
    before = period(name, until=date(2026, 11, 21), now=NOW).before()
    assert (before.start, before.end) == (start, end)


def test_steps_have_search_terms():
    year, week = (period(name, until=date(2026, 11, 21), now=NOW) for name in ("year", "week"))
    assert year.term(year.start) == "added:2025-12"
    assert week.term(week.start) == "added:2026-11-15"


def test_steps_of_another_time_zone_begin_at_its_midnight():
    berlin = ZoneInfo("Europe/Berlin")
    year, week = (period(name, until=date(2026, 3, 30), now=NOW.astimezone(berlin)) for name in ("year", "week"))
    sunday = datetime(2026, 3, 29, tzinfo=berlin)  # of 23 hours
    assert week.step(at(2026, 3, 28, 23)) == sunday
    assert week.step(at(2026, 3, 29, 21, 59)) == sunday
    assert week.step(at(2026, 3, 29, 22)) == datetime(2026, 3, 30, tzinfo=berlin)
    assert [week.step(at(2026, 3, day, 22)) for day in (22, 30)] == [None, None]
    assert week.term(sunday) == "added:2026-03-28..2026-03-29"
    assert year.term(datetime(2026, 1, 1, tzinfo=berlin)) == "added:2025-12-31..2026-01-31"
