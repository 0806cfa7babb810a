"""Precomputed statistics match the data, and a rebuild repairs them."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.utils import timezone

from analysis.models import AddedStatistics, Analysis, ConfidenceStatistics, EndedStatistics, Image, StatisticsRun
from analysis.statistics import aggregation, queries
from analysis.statistics.aggregation import HOURS
from analysis.statistics.latency_histogram import percentile
from analysis.statistics.periods import period
from tests.factories import (
    create_analysis,
    create_bucket,
    create_bucket_image,
    create_image,
    create_label,
    create_labeled_image,
)

pytestmark = pytest.mark.django_db
DAY = datetime(2019, 3, 5, 12, tzinfo=UTC)  # so long ago that it has no hours


def count():
    return {done.name: done.differing for done in aggregation.rebuild()}


def rows(model, *names, **which):
    return sorted(model.objects.filter(owner__isnull=False, **which).values_list(*names))


def test_pictures_are_counted_by_day(owner, colleague):
    for hours in (0, 1, 13):
        create_image(owner, added_at=DAY + timedelta(hours=hours), size=100)
    create_image(owner, added_at=DAY, size=7, trashed_at=DAY)
    create_image(colleague, added_at=DAY, size=1)
    create_bucket_image(create_bucket(colleague), "far.jpg", added_at=DAY, size=5_000)
    count()
    first, second = DAY.replace(hour=0), DAY.replace(hour=0, day=6)
    assert rows(AddedStatistics, "is_hour", "start", "owner", "pictures", "bytes") == [
        (False, first, owner.pk, 2, 207),
        (False, first, colleague.pk, 2, 1),
        (False, second, owner.pk, 1, 100),
    ]
    everybody = AddedStatistics.objects.filter(owner=None).order_by("start")
    assert list(everybody.values_list("start", "pictures", "bytes")) == [(first, 4, 208), (second, 1, 100)]


def test_unchanged_rows_are_not_written(owner):
    image = create_labeled_image(owner, {"Dog": 98}, added_at=DAY)
    create_analysis(image, api="faces", state="done", latency_ms=100)
    assert count() == {"added": 2, "ended": 8, "latency": 2, "confidence": 2}
    assert count() == {"added": 0, "ended": 0, "latency": 0, "confidence": 0}
    Image.objects.update(trashed_at=DAY)
    assert count()["added"] == 2
    assert set(AddedStatistics.objects.values_list("pictures", flat=True)) == {0}


def test_deleted_pictures_leave_no_rows(owner):
    create_image(owner, added_at=DAY)
    count()
    Image.objects.all().delete()
    assert count()["added"] == 2
    assert AddedStatistics.objects.count() == 0


def test_analyses_are_counted_by_hour_and_day(owner):
    now = timezone.now().replace(minute=0, second=0, microsecond=0)
    image = create_image(owner)
    done = {"state": "done", "recognizer": "rekognition", "is_current": False}
    for moment in (now, now, DAY):
        create_analysis(image, **done, finished_at=moment, price=Decimal("0.001"))
    create_analysis(image, **done, finished_at=now, is_reused=True, price=Decimal(0))
    create_analysis(image, state="failed", recognizer="rekognition", finished_at=now)
    create_analysis(image)
    count()
    figures = ("is_hour", "start", "answered", "reused", "failed", "dollars")
    assert rows(EndedStatistics, *figures) == [
        (False, DAY.replace(hour=0), 1, 0, 0, Decimal("0.001")),
        (False, now.replace(hour=0), 2, 1, 1, Decimal("0.002")),
        (True, now, 2, 1, 1, Decimal("0.002")),
    ]


def test_past_days_are_recounted_only_by_rebuild(owner):
    image = create_image(owner)
    create_analysis(image, state="done", finished_at=DAY)
    count()
    Analysis.objects.all().delete()
    create_analysis(image, state="done")
    StatisticsRun.objects.update(at=timezone.now() - timedelta(minutes=2), seconds=0)
    aggregation.refresh_due()
    days = EndedStatistics.objects.filter(is_hour=False, owner=owner)
    assert sorted(days.values_list("start__date", flat=True)) == [DAY.date(), timezone.now().date()]
    count()
    assert [day.start.date() for day in days] == [timezone.now().date()]


def test_old_hour_rows_are_deleted(owner):
    create_analysis(create_image(owner), state="done")
    count()
    hours = EndedStatistics.objects.filter(is_hour=True, owner=owner)
    hours.update(start=timezone.now().replace(minute=0, second=0, microsecond=0) - HOURS - timedelta(days=1))
    StatisticsRun.objects.update(at=timezone.now() - timedelta(minutes=2), seconds=0)
    aggregation.refresh_due()
    assert [row.start > timezone.now() - HOURS for row in hours.all()] == [True]


@pytest.mark.parametrize(
    ("zone", "days"), [("UTC", [0, 2]), ("America/New_York", [1, 1]), ("Pacific/Auckland", [0, 2])]
)
def test_days_are_those_of_the_reader(zone, days, owner):
    noon = timezone.now().replace(hour=12, minute=0, second=0, microsecond=0) - timedelta(days=40)
    for hour in (2, 10):
        added_at = noon.replace(hour=hour)
        create_analysis(create_image(owner, added_at=added_at, size=10), state="done", finished_at=added_at)
    count()
    local = noon.astimezone(ZoneInfo(zone))
    week = period("week", until=noon.date(), now=local)
    assert [total.pictures for total in queries.added(week, owner.pk).values()][-2:] == days
    assert [ended.answered for ended in queries.ended(week, None).values()][-2:] == days
    assert queries.total(owner.pk, before=week.end).pictures == 2
    assert queries.total(owner.pk, before=week.starts[-1]).pictures == days[0]


def test_periods_without_hours_have_the_days_of_utc(owner):
    create_image(owner, added_at=DAY)
    count()
    week = period("week", until=DAY.date(), now=DAY.astimezone(ZoneInfo("Asia/Tokyo")))
    assert [total.pictures for total in queries.added(week, None).values()] == [0, 0, 0, 0, 0, 0, 1]


def test_slow_count_runs_less_often():
    kinds = {kind.name: kind for kind in aggregation.KINDS}
    assert aggregation.is_due(kinds["added"])
    for ago, seconds, is_due in ((59, 0.1, False), (61, 0.1, True), (200, 3.0, False), (301, 3.0, True)):
        StatisticsRun.objects.update_or_create(
            name="added", defaults={"at": timezone.now() - timedelta(seconds=ago), "seconds": seconds}
        )
        assert aggregation.is_due(kinds["added"]) is is_due


def test_recent_count_is_not_repeated(owner):
    count()
    create_image(owner)
    assert aggregation.refresh_due() == []


def test_confidence_histogram_has_bins_of_five(owner, colleague):
    create_labeled_image(owner, {"Dog": 98, "Cat": 99.99, "Tree": 100, "House": 55, "Car": 59.9})
    create_labeled_image(colleague, {"Dog": 12})
    count()
    own = {(owner.pk, 19): 3, (owner.pk, 11): 2, (colleague.pk, 2): 1}
    assert {(row.owner_id, row.step): row.labels for row in ConfidenceStatistics.objects.exclude(owner=None)} == own
    assert queries.confidences(owner.pk)[11:] == [2, 0, 0, 0, 0, 0, 0, 0, 3]
    assert sum(queries.confidences(None)) == 6


def test_latency_percentiles_are_accurate_within_a_bin(owner):
    image = create_image(owner)
    for latency in range(1, 101):
        create_analysis(image, state="done", latency_ms=latency * 10, is_current=False, finished_at=DAY)
    create_analysis(image, state="done", latency_ms=1, is_reused=True, is_current=False, finished_at=DAY)
    count()
    (result,) = queries.latencies(period("month", until=DAY.date(), now=DAY))
    assert (result.api, result.answers) == ("labels", 100)
    assert result.median == pytest.approx(500, rel=0.1)
    assert result.p95 == pytest.approx(950, rel=0.1)


@pytest.mark.parametrize(
    ("counts", "share", "expected"), [({}, 0.5, None), ({0: 4}, 1.0, 2**0.25), ({8: 1, 40: 1}, 0.5, 2**2.25)]
)
def test_percentile_interpolates_in_a_bin(counts, share, expected):
    assert percentile(counts, share) == expected


def test_growing_labels(owner, colleague):
    before, now = DAY - timedelta(days=8), DAY
    for labels, added_at in (
        ({"Dog": 90}, before),
        ({"Dog": 90, "Cat": 90}, now),
        ({"Cat": 90}, now),
        ({"Dog": 90}, now),
    ):
        create_labeled_image(owner, labels, added_at=added_at)
    create_labeled_image(colleague, {"Bird": 90}, added_at=now)
    week = period("week", until=DAY.date(), now=DAY)
    growing = [(row.name, row.now, row.before) for row in queries.growing_labels(week, owner.pk, pictures=4).labels]
    assert growing == [("Cat", 2, 0), ("Dog", 2, 1)]
    assert [row.name for row in queries.growing_labels(week, None, pictures=5).labels] == ["Cat", "Bird", "Dog"]
    create_label("Cat").__class__.objects.filter(name="Cat").update(is_hidden=True)
    assert [row.name for row in queries.growing_labels(week, owner.pk, pictures=4).labels] == ["Dog"]


def test_very_many_pictures_use_the_partial_index(owner):
    with connection.cursor() as cursor:
        cursor.execute("SELECT n FROM generate_series(100000, 200000) n WHERE hashint8(n) & 127 = 0 LIMIT 2")
        chosen = [pk for (pk,) in cursor.fetchall()]
    for pk, added_at in zip(chosen, (DAY, DAY - timedelta(days=8)), strict=True):
        create_labeled_image(owner, {"Dog": 90}, id=pk, added_at=added_at)
    create_labeled_image(owner, {"Cat": 90}, id=chosen[0] + 1, added_at=DAY)
    week, month = (period(name, until=DAY.date(), now=DAY) for name in ("week", "month"))
    assert queries.growing_labels(week, owner.pk, pictures=queries.SAMPLE_LIMIT * 128) == queries.GrowingLabels([], 128)
    assert queries.growing_labels(month, owner.pk, pictures=queries.SAMPLE_LIMIT * 128) == queries.GrowingLabels(
        [queries.GrowingLabel("Dog", 256, 0)], 128
    )


def test_many_pictures_are_sampled(owner):
    for _ in range(8):
        create_labeled_image(owner, {"Dog": 90}, added_at=DAY)
    week = period("week", until=DAY.date(), now=DAY)
    result = queries.growing_labels(week, None, pictures=queries.SAMPLE_LIMIT * 2)
    assert result.one_in == 2
    assert all(row.now % 2 == 0 for row in result.labels)
