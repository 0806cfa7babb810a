"""The months of a result, where it has any."""

from __future__ import annotations

import re

import pytest
from django.urls import reverse

from analysis.search import month_counts
from analysis.web.library import sorting
from tests.factories import START, create_labeled_image
from tests.web.pages import Page

pytestmark = pytest.mark.django_db


def months(browser, query: str) -> list[str]:
    page = Page(browser.get(reverse("months"), {"q": query}))
    return [" ".join(name.split(" ")[:2]) for name in page.links if re.match(r"[A-Z][a-z]+ [0-9]{4}", name)]


@pytest.mark.parametrize("query", ["sort:name", "sort:size", "dog sort:confidence"])
def test_order_without_time_has_no_months(owner, signed_in, query):
    create_labeled_image(owner, {"Dog": 90}, taken_at=START)
    assert months(signed_in(owner), "dog") == ["January 2026"]
    assert months(signed_in(owner), query) == []


def test_months_accept_any_year(owner, signed_in):
    for year, month in ((9999, 12), (9999, 11), (1912, 2)):
        create_labeled_image(owner, {"Dog": 90}, taken_at=START.replace(year=year, month=month))
    browser, names = signed_in(owner), ["December 9999", "November 9999", "February 1912"]
    assert months(browser, "sort:taken") == names
    assert months(browser, "sort:taken-oldest") == names[::-1]


def test_months_have_counts_and_relative_bars(owner, signed_in):
    for month in (2, 3, 3, 3, 3):
        create_labeled_image(owner, {"Dog": 90}, taken_at=START.replace(month=month))
    page = Page(signed_in(owner).get(reverse("months"), {"q": "dog"}))
    assert [name for name in page.links if "2026" in name] == ["March 2026 4", "February 2026 1"]
    assert [element["width"] for element in page.all("rect", "confidence-bar-fill")] == ["100.0", "25.0"]


def test_months_of_large_results_have_no_counts(owner, signed_in, monkeypatch):
    for month in (2, 3, 3):
        create_labeled_image(owner, {"Dog": 90}, taken_at=START.replace(month=month))
    counted = Page(signed_in(owner).get(reverse("months")))
    monkeypatch.setattr(month_counts, "MAX_RESULTS", 2)
    page = Page(signed_in(owner).get(reverse("months")))
    assert [(name, page.links[name]) for name in page.links if "2026" in name] == [
        (" ".join(name.split(" ")[:2]), counted.links[name]) for name in counted.links if "2026" in name
    ]
    assert [name for name in page.links if "2026" in name] == ["March 2026", "February 2026"]


def test_further_months_of_large_results_are_on_the_next_page(owner, signed_in, monkeypatch):
    for month in (2, 3, 5, 8):
        create_labeled_image(owner, {"Dog": 90}, taken_at=START.replace(month=month))
    monkeypatch.setattr(month_counts, "MAX_RESULTS", 2)
    monkeypatch.setattr(sorting, "MAX_MONTHS", 3)
    browser = signed_in(owner)
    page = Page(browser.get(reverse("months"), {"q": "dog"}))
    assert [name for name in page.links if "2026" in name] == ["August 2026", "May 2026", "March 2026"]
    following = Page(browser.get(page.links["More months"]))
    assert [name for name in following.links if "2026" in name] == ["February 2026"]
    assert Page(browser.get(following.links["February 2026"])).cards()
    assert "More months" not in following.links


@pytest.mark.parametrize("number", [1, 3])
def test_months_page_takes_five_queries(owner, signed_in, number, django_assert_num_queries):
    for month in range(number):
        create_labeled_image(owner, {"Dog": 90}, taken_at=START.replace(month=month + 1))
    browser = signed_in(owner)
    with django_assert_num_queries(5):  # session, user, groups, the number of pictures, their months
        assert len(months(browser, "")) == number
