"""Pagination of the library, return URLs, and polling of pending cards."""

from __future__ import annotations

from urllib.parse import parse_qs, parse_qsl, urlsplit

import pytest
from django.urls import reverse

from analysis.models import Analysis, Image, Viewer
from analysis.permissions import viewer_of
from analysis.recognition.reindex_images import reindex
from analysis.search.query import Query
from analysis.search.results import PAGE_SIZE, Search
from analysis.web.library.page_links import page_range_of, page_range_url
from analysis.web.library.polled_cards import MAX_POLLED_CARDS
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


def test_load_more_links_to_the_next_page(many, browser):
    first = look(browser)
    second = Page(browser.get(first.links["Load more"]))
    third = Page(browser.get(second.links["Load more"]))
    assert first.cards() + second.cards() + third.cards() == [image.pk for image in many]
    assert "More" not in third.links
    assert second.links["Back to newest pictures"] == "/"


def test_htmx_appends_the_next_page_and_updates_the_url(many, browser):
    more = look(browser).by_id("load-more")
    assert (more["hx-trigger"], more["hx-swap"]) == ("revealed", "outerHTML")
    added = browser.get(more["hx-get"], **HTMX)
    assert Page(added).cards() == [image.pk for image in many[PAGE_SIZE : 2 * PAGE_SIZE]]
    assert Page(added).by_id("grid")["hx-swap-oob"] == "beforeend"
    assert added["X-Address"] == "/?pages=2"
    last = browser.get(Page(added).by_id("load-more")["hx-get"], **HTMX)
    assert Page(last).by_id("load-more") is None
    assert last["X-Address"] == "/?pages=3"


def previous_link(page: Page) -> str:
    return page.by_id("load-previous")["data-url"]


@pytest.mark.parametrize(
    ("query", "name"),
    [("", "Newer pictures"), ("sort:oldest", "Older pictures"), ("sort:name", "Previous pictures")],
)
def test_result_entered_in_its_middle_has_a_link_to_the_page_before(many, browser, query, name):
    first = look(browser, query)
    assert first.by_id("load-previous") is None
    second = Page(browser.get(first.links["Load more"]))
    third = Page(browser.get(second.links["Load more"]))
    assert Page(browser.get(third.links[name])).cards() == second.cards()
    assert Page(browser.get(second.links[name])).cards() == first.cards()
    assert name not in Page(browser.get(second.links[name])).links


def test_pages_before_are_put_before_the_others_and_update_the_url(many, browser):
    ids = [image.pk for image in many]
    next_page = look(browser, after=str(Search(Query(), Viewer(many[0].owner_id)).cursor_of(many[PAGE_SIZE + 9].pk)))
    assert next_page.cards() == ids[PAGE_SIZE + 10 :]
    response = browser.get(previous_link(next_page), **HTMX)
    assert Page(response).cards() == ids[10 : PAGE_SIZE + 10]
    [added] = Page(response).all("ul")
    assert look(browser, **dict(parse_qsl(urlsplit(added["data-url"]).query))).cards() == ids[10 : 2 * PAGE_SIZE + 10]
    last = browser.get(previous_link(Page(response)), **HTMX)
    assert Page(last).cards() == ids[:10]
    assert Page(last).by_id("load-previous") is None
    assert Page(last).all("ul")[0]["data-url"] == "/?pages=3"


def test_updated_url_shows_the_same_cards(many, browser):
    assert look(browser, pages="2").cards() == [image.pk for image in many[: 2 * PAGE_SIZE]]


def test_return_url_of_a_picture_shows_it(many, browser):
    ids = look(browser, to=str(many[PAGE_SIZE + 3].pk)).cards()
    assert len(ids) == 2 * PAGE_SIZE
    assert many[PAGE_SIZE + 3].pk in ids


def test_return_url_of_a_distant_picture_starts_at_it(many, browser, owner):
    stretch = page_range_of(many[100], Search(Query(), viewer_of(owner)), max_pages=1)
    page = Page(browser.get(page_range_url(Query(), stretch)))
    assert page.cards() == [image.pk for image in many[100:]]


def test_page_and_fragment_vary_by_htmx_header(owner, browser):
    create_image(owner)
    full_page, part = browser.get("/"), browser.get("/", **HTMX)
    assert "HX-Request" in full_page["Vary"]
    assert "HX-Request" in part["Vary"]
    assert (Page(full_page).all("html") != [], Page(part).all("html")) == (True, [])
    restored = browser.get("/", **HTMX, HTTP_HX_HISTORY_RESTORE_REQUEST="true")
    assert Page(restored).all("html") != []


# --- What changes while it is looked at ---


def test_no_polling_without_pending_cards(owner, browser):
    create_analysis(create_image(owner), state="done")
    assert look(browser).by_id("poll") == {"id": "poll"}


def test_pending_cards_are_polled_until_all_are_done(owner, browser):
    images = [create_image(owner) for _ in range(3)]
    for image in images:
        create_analysis(image)
    page = look(browser)
    assert page.by_id("poll")["hx-trigger"] == "every 700ms"
    parameters = {"card": [element["value"] for element in page.all("input") if element.get("name") == "card"]}
    assert sorted(parameters["card"]) == sorted(f"{image.pk}-queued0" for image in images)

    unchanged = browser.get(reverse("cards"), parameters, **HTMX)
    assert (unchanged.status_code, Page(unchanged).cards()) == (200, [])

    Analysis.objects.filter(image=images[0]).update(state="running", claimed_until="2030-01-01T00:00Z")
    changed = browser.get(reverse("cards"), parameters, **HTMX)
    assert (changed.status_code, Page(changed).cards()) == (200, [images[0].pk])
    assert Page(changed).by_id(f"card-{images[0].pk}")["hx-swap-oob"] == "true"

    Analysis.objects.update(
        state="done", model_version="1", answer=labels_answer(Dog=90), finished_at="2026-01-01T00:00Z",
        claimed_until=None, is_current=True,
    )  # fmt: skip
    for image in images:
        reindex([image.pk])
    ended = browser.get(reverse("cards"), parameters, **HTMX)
    assert (ended.status_code, sorted(Page(ended).cards())) == (286, sorted(image.pk for image in images))
    assert [element["alt"] for element in Page(ended).all("img", "thumb")] == ["Dog"] * 3


def test_polling_goes_on_while_more_cards_wait_than_one_response_covers(owner, browser):
    done, waiting = create_image(owner), create_image(owner)
    create_analysis(waiting)
    finished = [f"{done.pk}-queued0", *(f"{number}-queued0" for number in range(10**6, 10**6 + MAX_POLLED_CARDS - 1))]
    first = browser.get(reverse("cards"), {"card": [*finished, f"{waiting.pk}-queued0"]}, **HTMX)
    assert (first.status_code, Page(first).cards()) == (200, [done.pk])


@pytest.mark.parametrize("number", [1, 3])
def test_polling_takes_seven_queries(owner, browser, number, django_assert_num_queries):
    images = [create_image(owner) for _ in range(number)]
    for image in images:
        create_analysis(image)
    parameters = {"card": [f"{image.pk}-queued0" for image in images]}
    with django_assert_num_queries(7):  # session, person, pictures, which are sensitive, labels, states, favorites
        browser.get(reverse("cards"), parameters, **HTMX)


def test_hostile_card_ids_do_not_break_polling(browser):
    cards = ("", "x", "1", "-", "9" * 30 + "-queued", "1-<b>", "\x00")
    assert {browser.get(reverse("cards"), {"card": card}).status_code for card in cards} == {286}


def test_polling_ends_for_a_deleted_picture(owner, browser):
    image = create_image(owner)
    Image.objects.all().delete()
    assert browser.get(reverse("cards"), {"card": f"{image.pk}-queued0"}).status_code == 286
