"""Pictures of the same day in every year."""

from datetime import UTC, datetime

import pytest

from analysis.models import Viewer
from analysis.search import results
from analysis.search.syntax.parser import InvalidQuery, parse
from tests.factories import create_image

pytestmark = pytest.mark.django_db


def test_day_of_any_year_is_found_by_the_camera_s_calendar(owner):
    times = [(2019, 5, 31, 23, 59), (2024, 5, 31, 0, 0), (2024, 6, 1, 0, 0), (2000, 2, 29, 12, 0)]
    images = [create_image(owner, taken_at=datetime(*time, tzinfo=UTC)) for time in times]
    create_image(owner, added_at=datetime(2024, 5, 31, tzinfo=UTC))

    def search(text: str) -> list[int]:
        page = results.page(parse(text), viewer=Viewer(owner.pk), moment=datetime(2026, 5, 31, 12, tzinfo=UTC))
        return [image.pk for image in page.images]

    assert search("day:05-31") == search("day:today") == [images[1].pk, images[0].pk]
    assert (search("day:2-29"), search("day:06-02")) == ([images[3].pk], [])
    assert images[0].pk not in search("-day:today")


def test_canonical_text_and_words():
    assert parse("day:5-1 day:TODAY").text == "day:05-01 day:today"
    words = [part.describe() for part in parse("day:05-01 day:today").parts]
    assert words == ["taken on May 1 in any year", "taken on this day in any year"]


@pytest.mark.parametrize("text", ["day:02-30", "day:13-01", "day:monday", "day:2024-05-31", "day:0-0"])
def test_other_values_are_refused(text):
    with pytest.raises(InvalidQuery, match="Expected today or a month and a day"):
        parse(text)
