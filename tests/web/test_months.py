"""The months of a result, where it has any."""

from __future__ import annotations

import pytest
from django.urls import reverse

from tests.factories import START, a_labeled_image
from tests.web.pages import Page

pytestmark = pytest.mark.django_db


def months(browser, query: str) -> list[str]:
    page = Page(browser.get(reverse("months"), {"q": query}))
    return [name for name in page.links if name.split(" ")[-1].isdecimal()]


@pytest.mark.parametrize("query", ["sort:name", "sort:size", "dog sort:confidence"])
def test_an_order_without_time_has_none(owner, signed_in, query):
    a_labeled_image(owner, {"Dog": 90})
    assert months(signed_in(owner), "dog") == ["January 2026"]
    assert months(signed_in(owner), query) == []


def test_a_camera_may_say_any_year(owner, signed_in):
    for year, month in ((9999, 12), (9999, 11), (1912, 2)):
        a_labeled_image(owner, {"Dog": 90}, taken_at=START.replace(year=year, month=month))
    assert months(signed_in(owner), "sort:taken") == ["December 9999", "November 9999", "February 1912"]
