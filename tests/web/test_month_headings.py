"""Headings of months in the order by date taken, and the selection of a month."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from django.urls import reverse

from analysis.search import results
from analysis.web.library import month_headings, page
from tests.factories import create_image
from tests.web.pages import Page

pytestmark = pytest.mark.django_db
DATES = (datetime(2026, 3, 31, 23, 59, tzinfo=UTC), datetime(2026, 3, 1, tzinfo=UTC), datetime(2025, 3, 9, tzinfo=UTC))


@pytest.fixture
def pictures(owner):
    """Pictures of two months and two without a date, the latest first."""
    return [create_image(owner, taken_at=taken) for taken in (*DATES, None, None)[::-1]][::-1]


@pytest.fixture
def browser(owner, signed_in):
    return signed_in(owner)


def headings(page: Page) -> list[str]:
    names = [element.get("aria-label", "") for element in page.all("button")]
    return [name.removeprefix("Select ") for name in names if name.startswith("Select ")]


def ids(browser, month: str, query: str = "") -> dict[str, list[str]]:
    return browser.get(reverse("month-ids"), {"q": query, "month": month}).json()


def test_heading_of_each_month_in_the_order_by_date_taken_only(pictures, browser):
    assert headings(Page(browser.get("/"))) == ["March 2026", "March 2025", "Undated"]
    assert headings(Page(browser.get("/", {"q": "sort:newest"}))) == []


@pytest.mark.parametrize("size", [1, 2, 3, 4])
def test_headings_are_neither_doubled_nor_missing_between_pages(pictures, browser, monkeypatch, size):
    for module in (results, page):
        monkeypatch.setattr(module, "PAGE_SIZE", size)
    monkeypatch.setattr(results.Search.page, "__kwdefaults__", {"after": None, "size": size})
    response, found, seen = browser.get("/"), [], []
    while response:
        shown = Page(response)
        found += headings(shown)
        seen += shown.cards()
        more = shown.all("div", "load-more")
        response = browser.get(more[0]["hx-get"], headers={"HX-Request": "true"}) if more else None
    assert found == ["March 2026", "March 2025", "Undated"]
    assert seen == [picture.pk for picture in pictures]


def test_ids_of_a_month(pictures, browser, colleague):
    create_image(colleague, taken_at=DATES[0])
    texts = [str(picture.pk) for picture in pictures]
    assert ids(browser, "2026-03") == {"ids": texts[:2]}
    assert ids(browser, "0001-01") == {"ids": texts[3:]}
    assert ids(browser, "2026-03", "-taken:2026-03-01") == {"ids": texts[:1]}
    assert ids(browser, "2026-04") == {"ids": []}


@pytest.mark.parametrize(("month", "query"), [("", ""), ("2026-13", ""), ("2026-03-01", ""), ("2026-03", '"dog')])
def test_invalid_month_is_refused_with_a_sentence(browser, month, query):
    assert ids(browser, month, query) == {"message": "This month cannot be selected. Reload the page."}


def test_month_with_more_pictures_than_a_bulk_change_accepts(pictures, browser, monkeypatch):
    monkeypatch.setattr(month_headings, "MAX_IDS", 1)
    assert "cannot be selected. Search for its days" in ids(browser, "2026-03")["message"]
    assert ids(browser, "2025-03") == {"ids": [str(pictures[2].pk)]}
