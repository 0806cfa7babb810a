"""The library page explains how words were read, and helps if nothing is found."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest
from django.db import connection
from django.urls import reverse

from analysis.curation import verdicts
from analysis.recognition.reindex_images import reindex
from analysis.search.label_index import label_index
from analysis.search.time_limit import SearchTooSlow, TimeBudget, time_limit
from analysis.web.library import alternative_searches
from tests.factories import START, create_analysis, create_image, create_labeled_image
from tests.web.pages import Page

pytestmark = pytest.mark.django_db


@pytest.fixture
def browser(owner, signed_in):
    return signed_in(owner)


def look(browser, query: str) -> Page:
    return Page(browser.get(reverse("library"), {"q": query}))


def query_of(url: str) -> str:
    return parse_qs(urlsplit(url).query).get("q", [""])[0]


def offers(page: Page) -> dict[str, str]:
    """The texts and queries of all links to other searches."""
    return {text: query_of(url) for text, url in page.links.items() if "q=" in url}


def test_other_form_of_a_label_is_said_with_the_way_back(owner, browser):
    create_labeled_image(owner, {"Dog": 98, "Beach": 90})
    page = look(browser, "dogs on the beach")
    assert "Showing results for “Dog”. Left out: “on”, “the”." in page.text
    assert offers(page)["Search for exactly what I typed"] == '"dogs" "on" "the" "beach"'
    assert len(page.cards()) == 1
    exact = look(browser, '"dogs"')
    assert "Showing results" not in exact.text
    assert "No pictures match “dogs”. Did you mean: Dog" in exact.text


def test_names_of_labels_need_no_note(owner, browser):
    create_labeled_image(owner, {"Dog": 98})
    assert "Showing results" not in look(browser, "dog").text


def test_neighboring_words_are_one_label_and_offered_as_two(owner, browser):
    both = create_labeled_image(owner, {"Fire": 98, "Truck": 90})
    engine = create_labeled_image(owner, {"Fire Truck": 98})
    page = look(browser, "fire truck")
    assert page.cards() == [engine.pk]
    assert "Showing results for “Fire Truck”." in page.text
    assert offers(page)["Search for “fire” and “truck” separately"] == '"fire" truck'
    assert look(browser, '"fire" truck').cards() == [both.pk]


def test_filter_does_not_become_one_label_with_the_word_before(owner, browser):
    both = create_labeled_image(owner, {"Fire": 98, "Truck": 90, "Fire Truck": 70})
    label_index()  # as autocomplete does
    page = look(browser, "fire")
    [url] = [url for text, url in page.links.items() if text.startswith("Truck")]
    assert query_of(url) == 'fire "Truck"'
    assert Page(browser.get(url)).cards() == [both.pk]


def test_unknown_word_is_offered_as_name_text_camera_and_beginning(owner, browser):
    create_image(owner, filename="IMG_1227.jpg")
    page = look(browser, "IMG_1227")
    assert "No pictures match “IMG_1227”." in page.text
    assert offers(page)["1 picture named “IMG_1227”"] == "name:IMG_1227"
    create_image(owner, camera_make="Leica")
    assert offers(look(browser, "leica"))["1 picture taken with “leica”"] == "camera:leica"
    sign = create_image(owner)
    detection = {"DetectedText": "CLOSED TODAY", "Type": "LINE", "Id": 0, "Confidence": 99.0}
    create_analysis(sign, "text", state="done", answer={"TextDetections": [detection]})
    verdicts.add(sign.pk, name="harvest festival", by_id=owner.pk)
    reindex([sign.pk])
    assert offers(look(browser, "closed"))["1 picture with the text “closed”"] == "text:closed"
    assert offers(look(browser, "harv"))["1 picture with labels that start with “harv”"] == "harv*"


def test_offer_keeps_the_other_terms(owner, browser):
    create_labeled_image(owner, {"Dog": 98}, filename="IMG_1.jpg")
    create_image(owner, filename="IMG_1.jpg")
    page = look(browser, "dog img_1 -cat")
    assert offers(page)["1 picture named “img_1”"] == "dog name:img_1 -cat"


def test_offer_without_the_other_terms_if_they_find_nothing_with_it(owner, browser):
    create_labeled_image(owner, {"Dog": 98})
    create_image(owner, filename="IMG_1.jpg")
    page = look(browser, "img_1 dog")
    assert offers(page)["1 picture named “img_1”"] == "name:img_1"
    assert offers(page)["1 picture without “img_1”"] == "dog"


def test_or_in_lower_case_is_offered_as_alternatives(owner, browser):
    create_labeled_image(owner, {"Dog": 98})
    create_labeled_image(owner, {"Cat": 98})
    page = look(browser, "dogs or cat -beach")
    assert "No pictures match “or”." in page.text
    assert offers(page)["2 pictures with dogs or cat"] == "(dogs OR cat) -beach"
    assert "No pictures match “or”." in look(browser, "or").text


def test_pictures_of_others_are_not_offered(owner, stranger, signed_in):
    create_image(owner, filename="IMG_1227.jpg", camera_make="Leica")
    verdicts.add(create_image(owner).pk, name="secret plans", by_id=owner.pk)
    browser = signed_in(stranger)
    for word in ("IMG_1227", "leica", "secret", "secrets", "plan"):
        page = look(browser, word)
        assert f"No pictures match “{word}”." in page.text
        assert "picture named" not in page.text
        assert "taken with" not in page.text
        assert "secret plans" not in page.text


def test_term_to_blame_is_named_with_the_number_without_it(owner, browser):
    for _ in range(2):
        create_labeled_image(owner, {"Dog": 98, "Beach": 90}, size=6_000_000)
    page = look(browser, "dog beach taken:1999 size>5MB")
    assert "No pictures match “taken in 1999”." in page.text
    assert offers(page)["2 pictures without “taken in 1999”"] == "dog beach size>5MB"
    assert "without “Dog”" not in page.text


def test_every_term_is_offered_to_be_left_out_if_none_is_to_blame(owner, browser):
    create_labeled_image(owner, {"Dog": 98})
    create_labeled_image(owner, {"Cat": 98})
    page = look(browser, "dogs cat")
    assert "No pictures match all of these terms." in page.text
    assert offers(page)["1 picture without “cat”"] == "dogs"
    assert offers(page)["1 picture without “Dog”"] == "cat"


@pytest.mark.parametrize(
    ("query", "sentence", "offer"),
    [
        ("dog>=99", "No pictures match “dog ≥ 99 %”.", ("2 pictures with “dog”", "dog")),
        ("-dog", "No pictures match “not dog”.", ("2 pictures with “dog”", "dog")),
        ("dog>=99 beach", "No pictures match “dog ≥ 99 %”.", ("1 picture without “dog ≥ 99 %”", "beach")),
        ("-dog beach", "No pictures match “not dog”.", ("1 picture without “not dog”", "beach")),
    ],
)
def test_confidence_and_exclusion_are_to_blame(query, sentence, offer, owner, browser):
    create_labeled_image(owner, {"Dog": 98, "Beach": 90})
    create_labeled_image(owner, {"Dog": 90})
    page = look(browser, query)
    assert sentence in page.text
    assert "all of these terms" not in page.text
    assert offer in offers(page).items()


def test_several_terms_to_blame_are_left_out_together(owner, browser):
    create_labeled_image(owner, {"Dog": 98}, taken_at=START)
    page = look(browser, "dog xyzzy taken:1999")
    assert "No pictures match “xyzzy”." in page.text
    assert [query for text, query in offers(page).items() if " without " in text] == ["dog"]


def test_another_term_is_left_out_too_if_the_rest_finds_nothing(owner, browser):
    create_labeled_image(owner, {"Dog": 98})
    create_labeled_image(owner, {"Cat": 98})
    found = offers(look(browser, "dog cat xyzzy"))
    assert {text: query for text, query in found.items() if " without " in text} == {
        "1 picture without “xyzzy or dog”": "cat",
        "1 picture without “xyzzy or cat”": "dog",
    }


def test_term_to_blame_may_be_at_the_end_of_a_long_search(owner, browser):
    names = ["Ant", "Bee", "Cat", "Dog", "Eel", "Fox", "Gnu", "Hen", "Ibex"]
    create_labeled_image(owner, dict.fromkeys(names, 98))
    page = look(browser, f"{' '.join(names)} taken:1999")
    assert "No pictures match “taken in 1999”." in page.text
    assert "1 picture without “taken in 1999”" in offers(page)


def test_names_that_contain_the_word_come_before_similar_ones(owner, browser):
    create_labeled_image(owner, {"Fire Truck": 98, "Fir": 90})
    text = look(browser, "fire").text
    assert "No pictures match “fire”. Did you mean: Fire Truck , Fir" in text


def test_counts_stop_when_their_time_is_up(owner, browser, monkeypatch):
    create_image(owner, filename="IMG_1227.jpg")
    monkeypatch.setattr(alternative_searches, "SECONDS", 0)
    page = look(browser, "IMG_1227 dog")
    assert "No pictures match all of these terms." in page.text
    assert offers(page).keys().isdisjoint({"1 picture named “IMG_1227”"})


def test_time_budget_leaves_the_transaction_usable():
    with time_limit():
        budget = TimeBudget(0.05)
        with pytest.raises(SearchTooSlow), budget.part(), connection.cursor() as cursor:
            cursor.execute("SELECT pg_sleep(10)")
        with connection.cursor() as cursor:
            cursor.execute("SHOW statement_timeout")
            assert cursor.fetchone() == ("5s",)
        with pytest.raises(SearchTooSlow), budget.part():
            pytest.fail("The time was up.")
