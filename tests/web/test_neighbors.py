"""From picture to picture within the search one came from, and the keys for it."""

from __future__ import annotations

import pytest
from django.urls import reverse

from tests.factories import START, create_image, create_labeled_image
from tests.web.pages import Page

pytestmark = pytest.mark.django_db


@pytest.fixture
def browser(owner, signed_in):
    return signed_in(owner)


def look(browser, image, **parameters) -> Page:
    return Page(browser.get(reverse("image", args=[image.pk]), parameters))


def test_arrows_walk_the_search_one_came_from(owner, browser):
    old, _, middle, new = (create_labeled_image(owner, {name: 98}) for name in ("Dog", "Cat", "Dog", "Dog"))
    page = look(browser, middle, q="dog")
    arrows = {each["rel"]: each["href"] for each in page.all("a", "neighbor-link")}
    assert arrows == {"prev": f"/images/{new.pk}/?q=dog", "next": f"/images/{old.pk}/?q=dog"}
    assert "2 of 3" in page.text
    assert page.links["dog"] == f"/?q=dog&to={middle.pk}#card-{middle.pk}"


def test_the_ends_of_a_search_have_one_arrow(owner, browser):
    old, new = create_image(owner), create_image(owner)
    assert [each["rel"] for each in look(browser, new).all("a", "neighbor-link")] == ["next"]
    assert [each["rel"] for each in look(browser, old).all("a", "neighbor-link")] == ["prev"]


def test_a_picture_outside_of_the_search_leads_into_it(owner, browser):
    dog = create_labeled_image(owner, {"Dog": 98})
    other = create_image(owner, added_at=START.replace(year=2030))
    assert [each["href"] for each in look(browser, other, q="dog").all("a", "neighbor-link")] == [
        f"/images/{dog.pk}/?q=dog"
    ]


@pytest.mark.parametrize("query", ['"', "x" * 5_000, "\x00", "dog>=1e9"])
def test_a_bad_search_in_the_address_breaks_nothing(owner, browser, query):
    image = create_image(owner)
    assert f"/images/{image.pk}/original" in look(browser, image, q=query).links.values()


def test_the_keys_are_named_where_they_work(owner, browser):
    image = create_image(owner)
    create_image(owner)
    keys = {
        each["data-shortcut"]: each["data-shortcut-label"]
        for _, each in look(browser, image).elements
        if "data-shortcut" in each
    }
    assert keys == {
        "/": "Search",
        "?": "Show these keys",
        "Escape": "Back to the results",
        "b": "Show or hide the boxes",
        "ArrowLeft": "Previous picture",
        "Delete": "Move to the trash",
        "f": "Favorite, or no longer",
        "t": "Add a label or a tag",
    }


def test_nobody_is_led_to_other_pictures_or_told_what_a_search_finds(owner, nobody):
    image = create_image(owner, visibility=2, latitude=1.5, longitude=2.5)
    create_image(owner, visibility=2)
    for query in ("", "owner:owner", "has:location"):
        page = look(nobody, image, q=query)
        assert page.all("a", "neighbor-link") == []
        assert "1 of" not in page.text
