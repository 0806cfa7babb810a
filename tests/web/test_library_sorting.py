"""Sort orders, months, state filters and trash of the library."""

from __future__ import annotations

from datetime import UTC, datetime
from urllib.parse import parse_qs, urlsplit

import pytest
from django.urls import reverse

from analysis.models import Analysis, Image
from analysis.recognition.reindex_images import reindex
from tests.factories import START, create_analysis, create_image, create_labeled_image, labels_answer
from tests.web.pages import Page

pytestmark = pytest.mark.django_db
HTMX = {"HTTP_HX_REQUEST": "true"}


@pytest.fixture
def browser(owner, signed_in):
    return signed_in(owner)


def look(browser, query: str = "", **parameters) -> Page:
    return Page(browser.get(reverse("library"), {"q": query, **parameters}))


def query_of(url: str) -> str:
    return parse_qs(urlsplit(url).query).get("q", [""])[0]


@pytest.mark.parametrize(
    ("words", "order"),
    [
        ("Newest first", "bca"),
        ("Oldest first", "acb"),
        ("Recently added first", "cba"),
        ("Earliest added first", "abc"),
        ("By name", "cab"),
        ("Largest first", "acb"),
    ],
)
def test_sort_menu_links_to_each_order(owner, browser, words, order):
    years = {"a": 2001, "b": 2003, "c": 2002}
    names, sizes = {"a": "2.jpg", "b": "3.jpg", "c": "1.jpg"}, {"a": 30, "b": 10, "c": 20}
    images = {
        name: create_image(
            owner, taken_at=datetime(years[name], 1, 1, tzinfo=UTC), filename=names[name], size=sizes[name]
        )
        for name in "abc"
    }
    page = Page(browser.get(look(browser).links[words]))
    assert page.cards() == [images[name].pk for name in order]
    assert f"3 pictures · {words[0].lower()}{words[1:]}" in page.text


def test_sort_by_confidence_requires_a_label(owner, browser):
    unsure, sure = (create_labeled_image(owner, {"Dog": confidence}) for confidence in (99, 70))
    assert "Most confident first" not in look(browser).links
    assert Page(browser.get(look(browser, "dog").links["Most confident first"])).cards() == [unsure.pk, sure.pk]


# --- Months ---


@pytest.fixture
def months(owner):
    days = (datetime(2026, 1, 31, tzinfo=UTC), datetime(2026, 3, 1, tzinfo=UTC), datetime(2025, 12, 31, tzinfo=UTC))
    return {f"{day:%B %Y}": create_image(owner, added_at=day, taken_at=day) for day in days}


def months_links(page: Page) -> list[str]:
    return [element["hx-get"] for element in page.all("div") if element.get("hx-get", "").startswith(reverse("months"))]


@pytest.mark.parametrize(
    ("query", "order"),
    [
        ("", ["March 2026", "January 2026", "December 2025"]),
        ("sort:oldest", ["December 2025", "January 2026", "March 2026"]),
        ("sort:newest", ["March 2026", "January 2026", "December 2025"]),
    ],
)
def test_month_links_into_the_result(months, browser, query, order):
    [address] = months_links(look(browser, query))
    page = Page(browser.get(address))
    links = {" ".join(name.split(" ")[:2]): url for name, url in page.links.items()}  # without how many there are
    names = [name for name in links if name in months]
    assert names == order
    for index, name in enumerate(order):
        assert Page(browser.get(links[name])).cards() == [months[month].pk for month in order[index:]]


def test_pictures_without_a_date_are_the_last_month(months, owner, browser):
    undated = create_image(owner, added_at=datetime(2026, 6, 1, tzinfo=UTC))
    page = Page(browser.get(months_links(look(browser))[0]))
    assert list(page.links)[-1] == "Undated 1"
    assert Page(browser.get(page.links["Undated 1"])).cards() == [undated.pk]


def test_orders_without_time_have_no_months(months, browser):
    assert months_links(look(browser, "sort:size")) == []


def test_months_of_an_invalid_search_show_the_error(browser):
    assert "Unclosed quotation mark." in Page(browser.get(reverse("months"), {"q": '"dog'})).text


# --- States and the trash ---


def test_state_filters_toggle_their_term(owner, browser):
    create_image(owner)
    page = look(browser, "dog")
    assert query_of(page.links["Favorites"]) == "dog is:favorite"
    assert query_of(page.links["Faces"]) == "dog has:faces"
    without = next(element for element in page.all("a", "facet-exclude") if element["title"] == "Exclude Favorites")
    assert query_of(without["href"]) == "dog -is:favorite"
    assert query_of(look(browser, "dog is:favorite").links["Favorites"]) == "dog"


def test_trash_filter_replaces_the_search(owner, browser):
    create_image(owner)
    assert query_of(look(browser, "dog").links["Search the trash"]) == "is:trashed"
    assert "The trash is empty." in look(browser, "is:trashed").text
    gone = create_image(owner, trashed_at=START)
    page = look(browser, "is:trashed")
    assert page.cards() == [gone.pk]
    assert query_of(page.links["Search the trash"]) == ""


@pytest.mark.parametrize("query", ["dog OR cat", "-dog", "taken:2024-05", "is:favorite", "face(smile age:20..30)"])
def test_every_term_has_a_chip(owner, browser, query):
    create_image(owner)
    page = look(browser, f"beach {query}")
    assert [query_of(element["href"]) for element in page.all("a", "chip-remove")] == [query, "beach"]


# --- What changes while it is looked at ---


def test_filters_and_counts_refresh_after_the_last_pending_card(owner, browser):
    image = create_image(owner)
    create_analysis(image)
    parameters = {"card": f"{image.pk}-queued0", "q": "dog"}
    assert Page(browser.get(reverse("cards"), parameters, **HTMX)).by_id("facet-list") is None
    Analysis.objects.update(
        state="done", model_version="1", answer=labels_answer(Dog=90), finished_at=START, is_current=True
    )
    reindex([image.pk])
    ended = Page(browser.get(reverse("cards"), parameters, **HTMX))
    assert ended.by_id("facet-list")["hx-swap-oob"] == "true"
    assert ended.by_id("result-line")["hx-swap-oob"] == "true"
    assert ("1 picture" in ended.text, query_of(ended.links["Dog 1"])) == (True, "")


def test_counts_refresh_after_pictures_left_the_result(owner, browser):
    create_labeled_image(owner, {"Dog": 90})
    gone = create_labeled_image(owner, {"Dog": 90}, trashed_at=START)
    page = Page(browser.get(reverse("cards"), {"card": f"{gone.pk}-x", "q": "dog"}, **HTMX))
    assert (page.cards(), page.by_id("result-line") is not None, "1 picture" in page.text) == ([], True, True)


def test_trashed_cards_are_not_polled_by_others(owner, stranger, signed_in):
    create_image(owner, trashed_at=START, visibility=Image.Visibility.PUBLIC)
    assert look(signed_in(stranger), "is:trashed").cards() == []
