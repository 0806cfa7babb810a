"""Images of a result by month, exact and estimated."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from django.db import connection

from analysis.models import Image, Label, Viewer
from analysis.permissions import viewer_of
from analysis.search import month_counts
from analysis.search.month_counts import months_taken
from analysis.search.pagination import UNDATED
from analysis.search.results import Search
from analysis.search.syntax.parser import parse
from tests.factories import create_image, create_labeled_image

pytestmark = pytest.mark.django_db
MARCH, MAY, LAST = (datetime(year, month, 1, tzinfo=UTC) for year, month in ((2024, 3), (2025, 5), (9999, 12)))


@pytest.fixture
def pictures(owner, colleague):
    """Own ones of three months and without a date; others' of every visibility."""
    for taken in (MARCH.replace(day=31, hour=23), MARCH, MAY, LAST.replace(day=31), None, None):
        create_image(owner, taken_at=taken)
    create_image(colleague, taken_at=MARCH.replace(month=1))
    create_image(colleague, taken_at=MARCH.replace(month=2), visibility=1)
    create_image(colleague, taken_at=MARCH.replace(year=1800), visibility=2)
    create_image(owner, taken_at=MARCH.replace(month=9), trashed_at=MAY)


def counts(viewer: Viewer, text: str = "") -> list[tuple[datetime, int]]:
    return list(months_taken(Search(parse(text), viewer)).numbers.items())


def test_months_of_a_small_result_are_counted(pictures, owner):
    shared = [(MARCH.replace(month=2), 1), (MARCH.replace(year=1800), 1)]
    assert counts(viewer_of(owner)) == [(LAST, 1), (MAY, 1), (MARCH, 2), *shared, (UNDATED, 2)]
    assert counts(viewer_of(owner), "taken:2024-03") == [(MARCH, 2)]
    assert months_taken(Search(parse(""), viewer_of(owner))).is_exact


@pytest.mark.parametrize("person", ["owner", "colleague", "nobody", "all"])
def test_large_library_has_the_same_months_in_the_same_order(pictures, owner, colleague, monkeypatch, person):
    viewers = {"owner": viewer_of(owner), "colleague": viewer_of(colleague), "nobody": Viewer()}
    viewer = viewers.get(person, Viewer(owner.pk, sees_all=True))
    expected = counts(viewer)
    monkeypatch.setattr(month_counts, "MAX_RESULTS", 0)
    assert counts(viewer) == expected  # the sample has all of so few images
    assert not months_taken(Search(parse(""), viewer)).is_exact
    upwards = [*sorted(month for month, _ in expected if month != UNDATED), UNDATED][: len(expected)]
    assert [month for month, _ in counts(viewer, "sort:taken-oldest")] == upwards
    monkeypatch.setattr(month_counts, "SAMPLE", 1)
    assert [month for month, _ in counts(viewer)] == [month for month, _ in expected]


def test_large_result_of_a_search_is_counted_in_a_share(owner, monkeypatch):
    images = [
        create_labeled_image(owner, {"Dog": 90}, taken_at=MARCH.replace(month=1 + index % 12)) for index in range(60)
    ]
    with connection.cursor() as cursor:
        ids = [image.pk for image in images]
        cursor.execute("SELECT id FROM unnest(%s::bigint[]) id WHERE (hashint8(id) & 15) = 0", [ids])
        sample = [pk for (pk,) in cursor.fetchall()]
    months = Image.objects.filter(pk__in=sample).values_list("taken_at", flat=True)
    monkeypatch.setattr(month_counts, "MAX_RESULTS", 2)
    expected = {month: sum(month == taken for taken in months) for month in sorted(months, reverse=True)}
    assert counts(viewer_of(owner), "dog") == list(expected.items())


def test_trash_of_many_pictures_has_no_months(pictures, owner, monkeypatch):
    assert counts(viewer_of(owner), "is:trashed") == [(MARCH.replace(month=9), 1)]
    monkeypatch.setattr(month_counts, "MAX_RESULTS", 0)
    assert counts(viewer_of(owner), "is:trashed") == []


def test_certainly_large_result_is_not_counted(owner, monkeypatch, django_assert_num_queries):
    for index in range(5):
        create_labeled_image(owner, {"Dog": 90}, taken_at=MARCH.replace(month=1 + index))
    monkeypatch.setattr(month_counts, "MAX_RESULTS", 1)
    monkeypatch.setattr(month_counts, "SHARES", (1, 1))
    Label.objects.update(image_count=5)
    search = Search(parse("dog"), viewer_of(owner))
    assert search.resolved
    with django_assert_num_queries(1):
        assert (counts := months_taken(search)).is_exact is False
    assert list(counts.numbers.values()) == [1] * 5
