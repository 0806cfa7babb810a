"""Headings of months and days in the order by date taken, and their selection."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.urls import reverse

from analysis.permissions import viewer_of
from analysis.search import results
from analysis.search.query import Query
from analysis.web.library import date_headings, page
from analysis.web.library.page import library_page
from analysis.web.library.page_links import PageRange
from analysis.web.library.previous_cards import previous_cards
from tests.factories import create_image
from tests.web.pages import Page

pytestmark = pytest.mark.django_db
DATES = (datetime(2026, 3, 31, 23, 59, tzinfo=UTC), datetime(2026, 3, 1, tzinfo=UTC), datetime(2025, 3, 9, tzinfo=UTC))
LONG_DAY = date_headings.MANY
EARLIER = "Earlier in March 2026"


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


def ids(browser, period: str, query: str = "") -> dict[str, list[str]]:
    return browser.get(reverse("period-ids"), {"q": query, "period": period}).json()


def create_days(owner, *numbers: int) -> None:
    """A number of pictures on the first days of March 2026, and two without a date."""
    for day, number in enumerate(numbers, start=1):
        for index in range(number):
            create_image(owner, taken_at=datetime(2026, 3, day, tzinfo=UTC) + timedelta(minutes=index))
    for _ in range(2):
        create_image(owner)


def all_headings(response, browser) -> list[str]:
    """The names of all headings, page by page."""
    names = []
    while response:
        lines = response.content.decode().splitlines()
        names += [line.strip()[4:-5] for line in lines if line.strip().startswith(("<h2>", "<h3>")) and "</h" in line]
        more = Page(response).all("div", "load-more")
        response = browser.get(more[0]["hx-get"], headers={"HX-Request": "true"}) if more else None
    return [name for name in names if "2026" in name or "March" in name or name == "Undated"]


@pytest.fixture
def page_size(monkeypatch):
    def set_size(size: int) -> None:
        for module in (results, page):
            monkeypatch.setattr(module, "PAGE_SIZE", size)
        defaults = results.Search.page.__kwdefaults__ | {"size": size}
        monkeypatch.setattr(results.Search.page, "__kwdefaults__", defaults)

    return set_size


def test_heading_of_each_month_in_the_order_by_date_taken_only(pictures, browser):
    assert headings(Page(browser.get("/"))) == ["March 2026", "March 2025", "Undated"]
    assert headings(Page(browser.get("/", {"q": "sort:newest"}))) == []


@pytest.mark.parametrize("size", [1, 2, 3, 4])
def test_headings_are_neither_doubled_nor_missing_between_pages(pictures, browser, page_size, size):
    page_size(size)
    response, dates, seen = browser.get("/"), [], []
    while response:
        page = Page(response)
        dates += headings(page)
        seen += page.cards()
        more = page.all("div", "load-more")
        response = browser.get(more[0]["hx-get"], headers={"HX-Request": "true"}) if more else None
    assert dates == ["March 2026", "March 2025", "Undated"]
    assert seen == [picture.pk for picture in pictures]


@pytest.mark.parametrize("numbers", [(2, 3, LONG_DAY), (1, LONG_DAY, 2, LONG_DAY + 1), (LONG_DAY, 1)])
def test_pages_put_before_others_correct_the_headings_of_the_first_card(owner, browser, numbers):
    create_days(owner, *numbers)
    search = results.Search(Query(), viewer_of(owner))
    full = library_page(search, page_range=PageRange()).cards
    for position, (image_id, key) in enumerate(search.keys(limit=len(full) - 1), start=1):
        before = previous_cards(search, end=results.Cursor(key, image_id), pages=1)
        assert [card.headings for card in before.cards] == [card.headings for card in full[:position]]
        assert before.headings == full[position].headings


@pytest.mark.parametrize(
    ("numbers", "names"),
    [
        ((2, 3, LONG_DAY - 1), []),
        ((2, 3, LONG_DAY), ["Tuesday, 3 March", EARLIER]),
        ((LONG_DAY, LONG_DAY, 3), ["Monday, 2 March", "Sunday, 1 March"]),
        ((1, LONG_DAY, 2, LONG_DAY + 1), ["Wednesday, 4 March", EARLIER, "Monday, 2 March", EARLIER]),
    ],
)
def test_days_of_many_pictures_have_a_heading(owner, browser, page_size, numbers, names):
    create_days(owner, *numbers)
    for size in (3, LONG_DAY, 60):
        page_size(size)
        assert all_headings(browser.get("/"), browser) == ["March 2026", *names, "Undated"], size


def test_ids_of_a_month_and_a_day(pictures, browser, colleague):
    create_image(colleague, taken_at=DATES[0])
    texts = [str(picture.pk) for picture in pictures]
    assert ids(browser, "2026-03") == {"ids": texts[:2]}
    assert ids(browser, "0001-01") == {"ids": texts[3:]}
    assert ids(browser, "2026-03", "-taken:2026-03-01") == {"ids": texts[:1]}
    assert ids(browser, "2026-04") == {"ids": []}
    assert [ids(browser, f"2026-03-{day}")["ids"] for day in ("31", "30", "01")] == [texts[:1], [], texts[1:2]]
    create_image(colleague, taken_at=datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC), visibility=1)
    assert len(ids(browser, "9999-12-31")["ids"]) == 1


@pytest.mark.parametrize(("period", "query"), [("", ""), ("2026-13", ""), ("2026-03-32", ""), ("2026-03", '"dog')])
def test_invalid_period_is_refused_with_a_sentence(browser, period, query):
    message = "These pictures can't be selected. Reload the page and try again."
    assert ids(browser, period, query) == {"message": message}


def test_period_with_more_pictures_than_a_bulk_change_accepts(pictures, browser, monkeypatch):
    monkeypatch.setattr(date_headings, "MAX_IDS", 1)
    assert "pictures can be selected at once" in ids(browser, "2026-03")["message"]
    assert ids(browser, "2025-03") == {"ids": [str(pictures[2].pk)]}
