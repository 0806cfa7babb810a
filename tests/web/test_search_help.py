"""The page of example searches."""

from __future__ import annotations

import pytest
from django.urls import reverse

from analysis.search.syntax.parser import parse
from analysis.web.library import search_help
from tests.factories import create_image, create_labeled_image
from tests.web.pages import Page

pytestmark = pytest.mark.django_db


def test_examples_are_links_with_numbers_of_own_pictures(owner, stranger, signed_in):
    for _ in range(2):
        create_labeled_image(owner, {"Dog": 95, "Beach": 90})
    create_image(stranger)
    page = Page(signed_in(owner).get(reverse("search-help")))
    assert page.links["dogs on the beach"] == "/?q=dogs+on+the+beach"
    assert "dogs on the beach both of these 2 pictures" in page.text
    assert "beach -person a beach without people 2 pictures" in page.text
    other = Page(signed_in(stranger).get(reverse("search-help")))
    assert "dogs on the beach both of these 0 pictures" in other.text


def test_counts_are_left_out_when_their_time_is_up(owner, signed_in, monkeypatch):
    create_labeled_image(owner, {"Dog": 95})
    monkeypatch.setattr(search_help, "SECONDS", 0)
    assert "dog* labels that start with “dog” dog>=90" in Page(signed_in(owner).get(reverse("search-help"))).text


def test_help_of_the_search_box_leads_to_the_page(owner, signed_in):
    page = Page(signed_in(owner).get(reverse("library")))
    assert page.links["See how many of your pictures match each example"] == reverse("search-help")


@pytest.mark.parametrize("example", search_help.EXAMPLES, ids=lambda example: example.query)
def test_examples_are_searches(example):
    assert parse(example.query).parts
