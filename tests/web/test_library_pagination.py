"""The library goes on: the next pages, the way back to one's place, cards that change while one looks."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest
from django.urls import reverse

from analysis.models import Analysis, Image
from analysis.permissions import viewer_of
from analysis.recognition.search_index import reindex
from analysis.search.query import Query
from analysis.search.results import PAGE_SIZE
from analysis.web.library.page import page_range, page_range_url
from tests.factories import create_analysis, create_image, labels_answer
from tests.web.pages import Page

pytestmark = pytest.mark.django_db
HTMX = {"HTTP_HX_REQUEST": "true"}


@pytest.fixture
def browser(owner, signed_in):
    return signed_in(owner)


def look(browser, query: str | None = None, **parameters) -> Page:
    return Page(browser.get(reverse("library"), parameters if query is None else {"q": query, **parameters}))


def query_of(url: str) -> str:
    return parse_qs(urlsplit(url).query).get("q", [""])[0]


# --- Page by page ---


@pytest.fixture
def many(owner):
    return [create_image(owner) for _ in range(2 * PAGE_SIZE + 5)][::-1]


def test_more_leads_to_the_next_page_without_javascript(many, browser):
    first = look(browser)
    second = Page(browser.get(first.links["More"]))
    third = Page(browser.get(second.links["More"]))
    assert first.cards() + second.cards() + third.cards() == [image.pk for image in many]
    assert "More" not in third.links
    assert second.links["Back to the newest"] == "/"


def test_htmx_adds_the_next_page_and_the_address_keeps_up(many, browser):
    more = look(browser).by_id("load-more")
    assert (more["hx-trigger"], more["hx-swap"]) == ("revealed", "outerHTML")
    added = browser.get(more["hx-get"], **HTMX)
    assert Page(added).cards() == [image.pk for image in many[PAGE_SIZE : 2 * PAGE_SIZE]]
    assert Page(added).by_id("grid")["hx-swap-oob"] == "beforeend"
    assert added["X-Address"] == "/?pages=2"
    last = browser.get(Page(added).by_id("load-more")["hx-get"], **HTMX)
    assert Page(last).by_id("load-more") is None
    assert last["X-Address"] == "/?pages=3"


def test_going_back_to_that_address_shows_as_much_again(many, browser):
    assert look(browser, pages="2").cards() == [image.pk for image in many[: 2 * PAGE_SIZE]]


def test_the_address_that_a_picture_leads_back_to_shows_it(many, browser):
    shown = look(browser, to=str(many[PAGE_SIZE + 3].pk)).cards()
    assert len(shown) == 2 * PAGE_SIZE
    assert many[PAGE_SIZE + 3].pk in shown


def test_a_picture_far_down_leads_back_to_a_page_that_begins_with_it(many, browser, owner):
    stretch = page_range(many[100], Query(), viewer=viewer_of(owner), most_pages=1)
    page = Page(browser.get(page_range_url(Query(), stretch)))
    assert page.cards() == [image.pk for image in many[100:]]


def test_one_address_has_two_answers_and_says_so(owner, browser):
    create_image(owner)
    whole, part = browser.get("/"), browser.get("/", **HTMX)
    assert "HX-Request" in whole["Vary"]
    assert "HX-Request" in part["Vary"]
    assert (Page(whole).all("html") != [], Page(part).all("html")) == (True, [])
    restored = browser.get("/", **HTMX, HTTP_HX_HISTORY_RESTORE_REQUEST="true")
    assert Page(restored).all("html") != []


# --- What changes while it is looked at ---


def test_nothing_is_asked_when_nothing_is_in_progress(owner, browser):
    create_analysis(create_image(owner), state="done")
    assert look(browser).by_id("poll") == {"id": "poll"}


def test_cards_in_progress_are_asked_about_together_until_the_last_is_done(owner, browser):
    images = [create_image(owner) for _ in range(3)]
    for image in images:
        create_analysis(image)
    page = look(browser)
    assert page.by_id("poll")["hx-trigger"] == "every 700ms"
    asked = {"card": [each["value"] for each in page.all("input") if each.get("name") == "card"]}
    assert sorted(asked["card"]) == sorted(f"{image.pk}-queued0" for image in images)

    unchanged = browser.get(reverse("cards"), asked, **HTMX)
    assert (unchanged.status_code, Page(unchanged).cards()) == (200, [])

    Analysis.objects.filter(image=images[0]).update(state="running", claimed_until="2030-01-01T00:00Z")
    changed = browser.get(reverse("cards"), asked, **HTMX)
    assert (changed.status_code, Page(changed).cards()) == (200, [images[0].pk])
    assert Page(changed).by_id(f"card-{images[0].pk}")["hx-swap-oob"] == "true"

    Analysis.objects.update(
        state="done", model_version="1", answer=labels_answer(Dog=90), finished_at="2026-01-01T00:00Z",
        claimed_until=None, is_current=True,
    )  # fmt: skip
    for image in images:
        reindex([image.pk])
    ended = browser.get(reverse("cards"), asked, **HTMX)
    assert (ended.status_code, sorted(Page(ended).cards())) == (286, sorted(image.pk for image in images))
    assert [each["alt"] for each in Page(ended).all("img", "thumb")] == ["Dog"] * 3


@pytest.mark.parametrize("number", [1, 3])
def test_asking_takes_seven_queries(owner, browser, number, django_assert_num_queries):
    images = [create_image(owner) for _ in range(number)]
    for image in images:
        create_analysis(image)
    asked = {"card": [f"{image.pk}-queued0" for image in images]}
    with django_assert_num_queries(7):  # session, person, pictures, which are sensitive, labels, states, favorites
        browser.get(reverse("cards"), asked, **HTMX)


def test_no_card_breaks_the_asking(browser):
    cards = ("", "x", "1", "-", "9" * 30 + "-queued", "1-<b>", "\x00")
    assert {browser.get(reverse("cards"), {"card": card}).status_code for card in cards} == {286}


def test_a_removed_card_ends_the_asking(owner, browser):
    image = create_image(owner)
    Image.objects.all().delete()
    assert browser.get(reverse("cards"), {"card": f"{image.pk}-queued0"}).status_code == 286
