"""The timeline next to the grid: months as links into the result."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from django.db import transaction
from django.urls import reverse

from analysis.search import month_counts
from analysis.search.month_counts import MonthCounts
from analysis.web.library import page as library_pages
from analysis.web.library import timeline as timelines
from tests.factories import create_image, create_labeled_image
from tests.web.pages import Page

pytestmark = pytest.mark.django_db
NAMES = ["March 2026", "December 2025", "Undated"]
QUERIES = 4  # session, user, the number of pictures, their months


@pytest.fixture
def browser(owner, signed_in):
    return signed_in(owner)


@pytest.fixture
def months(owner):
    dates = (None, datetime(2025, 12, 31, tzinfo=UTC), datetime(2026, 3, 1, tzinfo=UTC))
    images = [create_labeled_image(owner, {"Dog": 90}, taken_at=date) for date in dates]
    return dict(zip(NAMES, images[::-1], strict=True))


def timeline(browser, query: str = "") -> Page:
    return Page(browser.get(reverse("timeline"), {"q": query}))


def timeline_urls(page: Page) -> list[str]:
    return [attributes["data-url"] for kind, attributes in page.elements if kind == "timeline-scrubber"]


@pytest.mark.parametrize("query", ["", "dog", "-cat sort:size"])
def test_entries_lead_into_the_result(browser, months, query):
    page = timeline(browser, query)
    assert list(page.links) == NAMES
    for index, name in enumerate(NAMES):
        month_page = Page(browser.get(page.links[name]))
        assert month_page.cards() == [months[later].pk for later in NAMES[index:]]
    assert [item["data-weight"] for item in page.all("li")] == ["1", "1", "1"]
    assert [item["data-pictures"] for item in page.all("li")] == ["1 picture"] * 3
    assert [item.get("data-year") for item in page.all("li")] == ["2026", "2025", None]


@pytest.mark.parametrize("maximum", [0, 10_000])
def test_entries_of_the_oldest_first_order_end_with_undated_pictures(browser, months, monkeypatch, maximum):
    monkeypatch.setattr(month_counts, "MAX_RESULTS", maximum)
    page, names = timeline(browser, "sort:taken-oldest"), ["December 2025", "March 2026", "Undated"]
    assert list(page.links) == names
    assert page.all("ol")[0]["data-order"] == "earliest"
    for name, month_page in ((name, Page(browser.get(page.links[name]))) for name in names):
        assert month_page.cards() == [months[later].pk for later in names[names.index(name) :]]


def test_cards_name_the_month_of_their_entry(browser, months):
    assert [card["data-month"] for card in Page(browser.get("/")).all("li", "card")] == [
        item["data-month"] for item in timeline(browser).all("li")
    ]


def test_estimated_numbers_are_not_shown(browser, months, monkeypatch):
    monkeypatch.setattr(month_counts, "MAX_RESULTS", 2)
    items = timeline(browser).all("li")
    assert [(item["data-weight"], "data-pictures" in item) for item in items] == [("1", False)] * 3


def test_weights_of_large_months_are_numbers_for_scripts(browser, months, monkeypatch):
    monkeypatch.setattr(timelines, "months_taken", lambda _: MonthCounts({datetime(2026, 3, 1, tzinfo=UTC): 1234}))
    (item,) = timeline(browser).all("li")
    assert (item["data-weight"], item["data-pictures"]) == ("1234", "1,234 pictures")


def test_only_long_results_by_date_taken_have_a_timeline(browser, months, monkeypatch):
    assert timeline_urls(Page(browser.get("/"))) == []
    monkeypatch.setattr(library_pages, "PAGE_SIZE", 2)
    queries = {"": ["/timeline/"], "dog": ["/timeline/?q=dog"], "sort:newest": [], "sort:name": [], "is:trashed": []}
    assert {query: timeline_urls(Page(browser.get("/", {"q": query}))) for query in queries} == queries
    # A month that begins the page is left by the same timeline.
    assert timeline_urls(Page(browser.get(timeline(browser).links["Undated"]))) == ["/timeline/"]


def test_a_search_that_takes_too_long_has_no_timeline(browser, months, settings):
    settings.SEARCH_SECONDS = 1e-9
    with transaction.atomic():  # undone by the limit, unlike the rows around it
        page = timeline(browser)
    assert (page.links, page.all("li")) == ({}, [])
    with transaction.atomic():
        answer = browser.get(reverse("period-ids"), {"q": "", "period": "2026-03"})
    assert answer.json() == {"message": "This search takes too long. Use fewer terms, or add a label or a date."}


@pytest.mark.parametrize("number", [1, 3])
def test_timeline_takes_four_queries(owner, browser, number, django_assert_num_queries):
    for year in range(number):
        create_image(owner, taken_at=datetime(2000 + year, 1, 1, tzinfo=UTC))
    with django_assert_num_queries(QUERIES):
        assert len(timeline(browser).links) == number


def test_invalid_search_shows_its_error(browser):
    assert "Unclosed quotation mark." in timeline(browser, '"dog').text


def test_jump_takes_the_cards_alone(browser, months):
    """Filters and counts are the same at each month, and take longer than the cards."""
    jump = {"HX-Request": "true", "HX-Target": "shown-pictures"}
    response = browser.get(timeline(browser).links["December 2025"], headers=jump)
    page = Page(response)
    assert page.cards() == [months[name].pk for name in NAMES[1:]]
    assert {"Back to newest pictures"} <= set(page.links)
    assert not {"library", "q", "bulk"} & {attributes.get("id") for _kind, attributes in page.elements}
    assert {"HX-Request", "HX-Target"} <= set(response["Vary"].split(", "))
    months["Undated"].delete()
    gone = browser.get("/?after=-62132918400000000-0", headers=jump)
    assert gone["HX-Retarget"] == "#library"
    assert "No more pictures." in Page(gone).text
