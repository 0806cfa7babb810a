"""The library page: cards, facets, chips and errors."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from analysis.recognition.reindex_ancestors import refresh_all
from analysis.recognition.reindex_images import reindex
from imagelib.sample_images import SAMPLE_SEARCHES
from tests.factories import create_analysis, create_image, create_label, create_labeled_image, labels_answer
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


# --- What is shown ---


def test_newest_pictures_come_first(owner, browser):
    images = [create_image(owner) for _ in range(3)]
    page = look(browser)
    assert page.cards() == [image.pk for image in reversed(images)]
    assert "3 pictures · newest first" in page.text


def test_card_shows_labels_and_keeps_the_search(owner, browser):
    image = create_labeled_image(owner, {"Dog": 98, "Pet": 97, "Grass": 80, "Sky": 60}, width=1200, height=800)
    page = look(browser, "dog")
    thumb = page.all("img", "thumb")[0]
    assert (thumb["alt"], thumb["loading"]) == ("Dog, Pet, Grass", "lazy")
    assert thumb["src"] == f"/images/{image.pk}/renditions/thumb?v={image.renditions_id.hex[:12]}"
    assert page.links["Dog Pet Grass"] == f"/images/{image.pk}/?q=dog"
    assert "r-151" in page.by_id(f"card-{image.pk}")["class"]


def test_card_without_labels_shows_its_filename(owner, browser):
    create_image(owner, filename="holiday.jpg")
    assert look(browser).all("img", "thumb")[0]["alt"] == "holiday.jpg"


def test_library_of_the_demo_suggests_a_first_search(owner, browser):
    for filename in SAMPLE_SEARCHES.values():
        create_image(owner, filename=filename)
    page = look(browser)
    assert [page.links[text] for text in SAMPLE_SEARCHES] == [f"/?q={text}" for text in SAMPLE_SEARCHES]
    assert "Try: cat coffee motorcycle person" in page.text
    assert "Try:" not in look(browser, "cat").text


def test_other_libraries_suggest_none(owner, browser):
    create_image(owner, filename="Chelsea the cat.png")
    assert "Try:" not in look(browser).text


def test_placeholder_is_embedded_in_the_page(owner, browser):
    create_image(owner, placeholder=b"RIFF-tiny")
    assert look(browser).all("img", "placeholder")[0]["src"] == "data:image/webp;base64,UklGRi10aW55"


@pytest.mark.parametrize(
    ("state", "visibility", "badges"),
    [
        ("queued", 0, ["Queued"]),
        ("running", 0, ["Analyzing"]),
        ("failed", 1, ["Failed", "Shared"]),
        ("done", 2, ["Public"]),
        ("done", 0, []),
    ],
)
def test_badges_show_state_and_visibility(owner, browser, state, visibility, badges):
    create_analysis(create_image(owner, visibility=visibility), state=state)
    assert [element["title"] for element in look(browser).all("span", "card-badge")] == badges


def test_retried_picture_is_not_failed(owner, browser):
    image = create_image(owner)
    create_analysis(image, state="failed")
    create_analysis(image, state="queued")
    assert [element["title"] for element in look(browser).all("span", "card-badge")] == ["Queued"]


def test_numbers_are_grouped_in_text_but_not_in_urls(owner, browser):
    image = create_image(owner, pk=1_204_567)
    page = look(browser)
    assert page.cards() == [image.pk]
    assert "/images/1204567/" in page.links.values()


def test_hostile_filenames_are_escaped_and_nothing_is_inline(owner, browser):
    create_labeled_image(owner, {'<script>alert("x")</script>': 99}, filename='"><img src=x onerror=alert(1)>.jpg')
    for parameters in ({}, {"query": '"<script>alert(1)</script>"'}, {"query": '"'}):
        page = look(browser, **parameters)
        assert page.inline() == []
        assert [element for element in page.all("img") if element["src"] == "x"] == []


def test_csp_header_is_set(browser):
    policy = browser.get(reverse("library"))["Content-Security-Policy"]
    assert "script-src 'self'" in policy
    assert "style-src 'self'" in policy
    assert "unsafe" not in policy


@pytest.mark.parametrize("number", [1, 3])
def test_library_takes_thirteen_queries(owner, browser, number, django_assert_num_queries):
    for _ in range(number):
        create_labeled_image(owner, {"Dog": 98, "Cat": 97})
    # session, person; keys, pictures, the sensitive, labels, states, favorites; bound, facets of the hits, tree;
    # saved ones
    with django_assert_num_queries(13):
        look(browser)


@pytest.mark.parametrize("number", [1, 3])
def test_a_search_takes_thirteen_queries(owner, browser, number, django_assert_num_queries):
    for _ in range(number):
        create_labeled_image(owner, {"Dog": 98, "Cat": 97})
    with django_assert_num_queries(13):  # the same, and one that looks up names in labels and aliases
        look(browser, "dog")


# --- Narrowing ---


def test_narrower_labels_are_indented_below_broader_ones(owner, browser):
    for child, parent in (("Sedan", "Car"), ("Car", "Vehicle"), ("Sedan", "Vehicle"), ("Tree", "Plant")):
        create_label(child).parents.add(create_label(parent))
    refresh_all()
    create_labeled_image(owner, {"Sedan": 99, "Dog": 98})
    create_labeled_image(owner, {"Car": 99, "Dog": 98, "Tree": 90})
    create_labeled_image(owner, {"Dog": 98})
    page = look(browser)
    names = ["Dog 3", "Car 2", "Vehicle 2", "Sedan 1", "Plant 1", "Tree 1"]
    assert [text for text in page.links if text in names] == [
        "Dog 3",
        "Vehicle 2",
        "Car 2",
        "Sedan 1",
        "Plant 1",
        "Tree 1",
    ]
    assert [len(page.all("li", f"depth-{depth}")) for depth in (1, 2, 3)] == [2, 1, 0]


def test_facets_link_to_the_narrower_search(owner, browser):
    create_labeled_image(owner, {"Dog": 98, "Fire Truck": 90})
    create_labeled_image(owner, {"Dog": 95})
    page = look(browser, "dog>=90")
    assert query_of(page.links["Fire Truck 1"]) == 'dog>=90 "Fire Truck"'
    excluding = next(element for element in page.all("a", "facet-exclude") if element["title"] == "Exclude Fire Truck")
    assert query_of(excluding["href"]) == 'dog>=90 -"Fire Truck"'
    assert query_of(page.links["Dog 2"]) == ""  # active: a click takes it away


@pytest.mark.parametrize(
    ("query", "name", "without"),
    [
        ("dogs beach", "Dog", "beach"),
        ("beach fire truck", "Fire Truck", "beach"),
        ("puppy (beach OR lake)", "Dog", "beach OR lake"),
        ("-cats dogs", "Dog", "-cats"),
    ],
)
def test_facet_of_a_word_in_another_form_is_chosen(owner, browser, query, name, without):
    create_labeled_image(owner, {"Dog": 98, "Beach": 90, "Fire Truck": 90})
    create_labeled_image(owner, {"Cat": 98})
    facets = {facet.get("title"): facet for facet in look(browser, query).all("a", "facet")}
    assert facets[name].get("aria-current") == "true"
    assert query_of(facets[name]["href"]) == without
    assert "aria-current" not in facets["Fire Truck" if name == "Dog" else "Dog"]


def test_color_facets_have_swatches(owner, browser):
    image = create_image(owner)
    color = {"Red": 200, "Green": 20, "Blue": 20, "SimplifiedColor": "red", "PixelPercent": 60.0}
    answer = {**labels_answer(Dog=98), "ImageProperties": {"DominantColors": [color]}}
    create_analysis(image, state="done", answer=answer)
    reindex([image.pk])
    page = look(browser)
    assert [element["class"] for element in page.all("span", "color-swatch")] == ["color-swatch red"]
    assert query_of(page.links["Red 1"]) == "color:Red"


def test_chip_removes_excludes_and_raises_its_term(owner, browser):
    create_labeled_image(owner, {"Dog": 98})
    page = look(browser, "dog -cat")
    assert [query_of(element["href"]) for element in page.all("a", "chip-remove")] == ["-cat", "dog"]
    assert query_of(page.links["≥ 90 %"]) == "dog -cat>=90"  # the last menu wins in `links`
    assert query_of(page.links["Exclude these"]) == "-dog -cat"
    assert query_of(page.links["Show only these"]) == "dog cat"


def test_chip_shows_minimum_confidence(owner, browser):
    create_labeled_image(owner, {"Dog": 98})
    page = look(browser, "dog>=90")
    assert "dog ≥ 90" in page.text
    current = [query_of(element["href"]) for element in page.all("a") if element.get("aria-current")]
    assert current == ["", "dog>=90", "dog>=90"]  # the filter that takes it away, its order, its confidence


# --- When there is nothing ---


def test_empty_library_explains_upload(browser):
    page = look(browser)
    assert "Add your first pictures" in page.text
    assert (page.all("form", "dropzone")[0]["action"], page.by_id("files")["name"]) == (reverse("upload"), "files")
    assert "manage.py import_images" in page.text


def test_unknown_term_gets_suggestions(owner, browser):
    create_labeled_image(owner, {"Bicycle": 98, "Dog": 90})
    page = look(browser, "bycicle dog")
    assert "No pictures match “bycicle”. Did you mean: Bicycle" in page.text
    assert query_of(page.links["Bicycle"]) == "Bicycle dog"
    assert page.cards() == []


def test_terms_without_common_pictures_have_no_results(owner, browser):
    create_labeled_image(owner, {"Dog": 98})
    create_labeled_image(owner, {"Cat": 98})
    assert "No pictures match all of these terms." in look(browser, "dog cat").text


@pytest.mark.parametrize(
    ("query", "message", "caret"),
    [
        ('dog "cat', "Unclosed quotation mark.", "    ^"),
        ("dog>=", "Expected a number or a date after >=, for example dog>=90 or taken>=2024-05.", "     ^"),
        ("dog>=101", "Expected a number from 0 to 100, for example dog>=90.", "     ^"),
    ],
)
def test_invalid_query_shows_error_and_position(owner, browser, query, message, caret):
    create_image(owner)
    response = browser.get(reverse("library"), {"q": query})
    assert response.status_code == 200
    assert message in Page(response).text
    assert f'\n<span class="search-error-caret">{caret}</span>' in response.content.decode()
    assert Page(response).by_id("q")["value"] == query
    assert len(Page(response).all("h1")) == 1


def test_invalid_query_keeps_results_for_htmx(owner, browser):
    response = browser.get(reverse("library"), {"q": '"dog'}, **HTMX)
    headers = ("HX-Retarget", "HX-Reswap", "HX-Push-Url")
    assert [response[name] for name in headers] == ["#search-error", "outerHTML", "false"]
    assert Page(response).by_id("library") is None


@pytest.mark.parametrize("headers", [{}, HTMX], ids=["page", "fragment"])
def test_hostile_queries_do_not_break_the_page(owner, browser, headers):
    create_image(owner)
    queries = ("x" * 4_001, "x " * 201, "\x00", "a\u202eb", '"' * 399, "-" * 100, "( ) < > =", "é>=1e9")
    statuses = {query: browser.get(reverse("library"), {"q": query}, **headers).status_code for query in queries}
    assert statuses == dict.fromkeys(queries, 200)


@pytest.mark.parametrize("headers", [{}, HTMX], ids=["page", "fragment"])
@pytest.mark.parametrize("parameter", ["after", "pages", "page", "to", "start"])
def test_hostile_parameters_do_not_break_the_page(owner, browser, parameter, headers):
    create_image(owner)
    values = ("", "x", "-1", "9" * 30, "1-", "99999999999999999-1", "1-1", "\x00", "1.5")
    statuses = {value: browser.get(reverse("library"), {parameter: value}, **headers).status_code for value in values}
    assert statuses == dict.fromkeys(values, 200)


def test_names_in_a_search_are_looked_up_once(owner, signed_in):
    create_labeled_image(owner, {"Dog": 90, "Cat": 90})
    with CaptureQueriesContext(connection) as queries:
        signed_in(owner).get(reverse("library"), {"q": "dog cat owner:me"})
    assert sum("analysis_labelalias alias" in query["sql"] for query in queries) == 1
    assert sum("lower(person.username)" in query["sql"] for query in queries) == 1
