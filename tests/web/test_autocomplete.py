"""Autocomplete of the search box: fields, visible labels and saved searches."""

from __future__ import annotations

import pytest
from django.urls import reverse

from analysis.models import SavedSearch
from tests.factories import create_labeled_image
from tests.web.pages import Page

pytestmark = pytest.mark.django_db


@pytest.fixture
def browser(owner, signed_in):
    return signed_in(owner)


def options(browser, text: str, cursor: int | None = None) -> list[dict[str, str]]:
    parameters = {"q": text, "cursor": len(text) if cursor is None else cursor}
    return Page(browser.get(reverse("autocomplete"), parameters)).all("li")


def test_labels_are_suggested_with_completed_text(owner, browser):
    create_labeled_image(owner, {"Bicycle": 98})
    [option] = [element for element in options(browser, "dog bicy") if element["data-text"].startswith("dog Bicycle")]
    assert option["role"] == "option"
    assert (option["data-text"], option["data-cursor"]) == ("dog Bicycle ", "12")


def test_suggestions_are_for_the_word_at_the_cursor(owner, browser):
    create_labeled_image(owner, {"Bicycle": 98})
    assert options(browser, "bicy dog", cursor=4)[0]["data-text"] == "Bicycle dog"


def test_cursor_counts_characters_as_browsers_do(owner, browser):
    create_labeled_image(owner, {"Bicycle": 98})
    # In JavaScript, an emoji has a length of two.
    option = options(browser, "tag:\U0001f415 bicy dog", cursor=11)[0]
    assert (option["data-text"], option["data-cursor"]) == ("tag:\U0001f415 Bicycle dog", "15")


def test_labels_of_invisible_pictures_are_not_suggested(owner, stranger, signed_in):
    create_labeled_image(owner, {"Aardvark": 98})
    assert options(signed_in(stranger), "aardv") == []


def test_saved_searches_are_among_the_suggestions(owner, colleague, browser):
    mine = SavedSearch.objects.create(owner=owner, name="Zebra crossings", query="street")
    SavedSearch.objects.create(owner=colleague, name="Zebras", query="zebra", is_shared=True)
    assert [element["data-href"] for element in options(browser, "zeb")] == [f"/?q=street&saved={mine.pk}"]


def test_hostile_input_gives_suggestions_or_none(browser):
    texts = ("", "\x00", "\U0001f415" * 3_000, '"', "(" * 500, "x" * 5_000, "dog>=", "face(", "é*")
    cursors = ("", "-1", "9" * 30, "x", "1")
    statuses = {
        browser.get(reverse("autocomplete"), {"q": text, "cursor": cursor}).status_code
        for text in texts
        for cursor in cursors
    }
    assert statuses == {200}
