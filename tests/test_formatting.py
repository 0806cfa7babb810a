"""Numbers, sizes, money, durations and dates as text."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.utils import timezone, translation

from analysis import formatting

NOW = datetime(2026, 5, 3, 14, 5, 9, tzinfo=UTC)


@pytest.mark.parametrize(("value", "expected"), [(0, "0"), (89.99, "89"), (90, "90"), (99.96, "99"), (100, "100")])
def test_percent_is_rounded_down(value, expected):
    assert formatting.percent(value) == f"{expected}\u202f%"


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        (0, "0 pictures"),
        (1, "1 picture"),
        (1204, "1,204 pictures"),
        (10_000, "10,000 pictures"),
        (10_001, "10,000+ pictures"),
    ],
)
def test_capped_count_shows_the_cap(number, expected):
    assert formatting.pictures(number, cap=10_000) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (0, "0 bytes"),
        (1, "1 byte"),
        (999, "999 bytes"),
        (1_000, "1 kB"),
        (12_345, "12 kB"),
        (999_600, "1 MB"),
        (1_234_567, "1.2 MB"),
        (9_960_000, "10 MB"),
        (104_857_600, "105 MB"),
        (999_999_999, "1 GB"),
        (1_500_000_000_000, "1.5 TB"),
    ],
)
def test_filesize(value, expected):
    assert formatting.filesize(value) == expected


@pytest.mark.parametrize(
    ("before", "expected"),
    [
        (timedelta(seconds=59), "just now"),
        (timedelta(seconds=-5), "just now"),
        (timedelta(minutes=1), "a minute ago"),
        (timedelta(minutes=59), "59 minutes ago"),
        (timedelta(hours=1), "an hour ago"),
        (timedelta(hours=5), "5 hours ago"),
        (timedelta(days=1), "a day ago"),
        (timedelta(days=7), "7 days ago"),
        (timedelta(days=8), "25 April 2026"),
    ],
)
def test_ago(before, expected):
    assert formatting.ago(NOW - before, now=NOW) == expected


def test_exact_time_names_its_zone():
    assert formatting.exact(NOW) == "3 May 2026, 14:05:09 UTC"


def test_exact_time_follows_the_active_time_zone():
    with timezone.override("Asia/Tokyo"):
        assert formatting.exact(NOW) == "3 May 2026, 23:05:09 JST"
        assert formatting.day(NOW + timedelta(hours=1)) == "4 May 2026"


@pytest.mark.parametrize(
    ("span", "expected"),
    [
        (None, ""),
        (0, "a second"),
        (40, "40 seconds"),
        (timedelta(seconds=75), "a minute"),
        (47 * 60 + 5, "47 minutes"),
        (timedelta(hours=3, minutes=1), "3 hours"),
        (timedelta(days=2), "2 days"),
        (timedelta(days=60), "60 days"),
    ],
)
def test_duration(span, expected):
    assert formatting.duration(span) == expected


@pytest.mark.parametrize(
    ("amount", "expected"),
    [
        (Decimal(0), "$0.00"),
        (Decimal("1.2"), "$1.20"),
        (Decimal("1204.209"), "$1,204.21"),
        (Decimal("0.01"), "$0.01"),
        (Decimal("0.00175"), "$0.00175"),
        (Decimal("0.0000004"), "$0.00"),
        (0.1, "$0.10"),
    ],
)
def test_dollars(amount, expected):
    assert formatting.dollars(amount) == expected


def test_counts_have_thousands_and_a_cap():
    assert [formatting.count(number) for number in (0, 999, 1_204, 1_234_567)] == ["0", "999", "1,204", "1,234,567"]
    assert [formatting.capped_count(number, cap=1_000) for number in (999, 1_000, 1_001)] == ["999", "1,000", "1,000+"]


def test_plural_fills_in_the_number():
    text = {n: translation.ngettext("%(number)s call", "%(number)s calls", n) for n in (1, 1_204)}
    calls = {n: formatting.plural(text[n], n) for n in text}
    assert calls == {1: "1 call", 1_204: "1,204 calls"}


def test_megapixels():
    assert formatting.megapixels(4032, 3024) == "12.2 megapixels"


def test_durations_follow_the_language():
    with translation.override("de"):
        assert (formatting.duration(7_200), formatting.ago(NOW - timedelta(hours=3), now=NOW)) == (
            "2 Stunden",
            "vor 3 Stunden",
        )
    assert formatting.duration(7_200) == "2 hours"
