"""From picture to picture within the search one came from, and the keys for it."""

from __future__ import annotations

import pytest
from django.urls import reverse

from analysis.web.image import neighbors
from tests.factories import START, create_image, create_labeled_image
from tests.web.pages import Page

pytestmark = pytest.mark.django_db


@pytest.fixture
def browser(owner, signed_in):
    return signed_in(owner)


def look(browser, image, **parameters) -> Page:
    return Page(browser.get(reverse("image", args=[image.pk]), parameters))


def test_arrows_follow_the_search(owner, browser):
    old, _, middle, new = (create_labeled_image(owner, {name: 98}) for name in ("Dog", "Cat", "Dog", "Dog"))
    page = look(browser, middle, q="dog")
    arrows = {element["rel"]: element["href"] for element in page.all("a", "neighbor-link")}
    assert arrows == {"prev": f"/images/{new.pk}/?q=dog", "next": f"/images/{old.pk}/?q=dog"}
    assert "2 of 3" in page.text
    assert page.links["dog"] == f"/?q=dog&to={middle.pk}#card-{middle.pk}"


def test_first_and_last_picture_have_one_arrow(owner, browser):
    old, new = create_image(owner), create_image(owner)
    assert [element["rel"] for element in look(browser, new).all("a", "neighbor-link")] == ["next"]
    assert [element["rel"] for element in look(browser, old).all("a", "neighbor-link")] == ["prev"]


def test_picture_outside_the_search_has_those_beside_its_place(owner, browser):
    dog = create_labeled_image(owner, {"Dog": 98})
    newer = create_labeled_image(owner, {"Dog": 98}, taken_at=START.replace(year=2031))
    other = create_image(owner, taken_at=START.replace(year=2030))
    arrows = look(browser, other, q="dog sort:taken-oldest").all("a", "neighbor-link")
    assert [element["href"].partition("?")[0] for element in arrows] == [f"/images/{newer.pk}/"]
    assert [element["href"] for element in look(browser, other, q="dog").all("a", "neighbor-link")] == [
        f"/images/{newer.pk}/?q=dog",
        f"/images/{dog.pk}/?q=dog",
    ]


@pytest.mark.parametrize("query", ['"', "x" * 5_000, "\x00", "dog>=1e9"])
def test_invalid_search_in_the_url_is_ignored(owner, browser, query):
    image = create_image(owner)
    assert f"/images/{image.pk}/original" in look(browser, image, q=query).links.values()


def test_shortcuts_are_declared_on_their_controls(owner, browser):
    image = create_image(owner)
    create_image(owner)
    keys = {
        element["data-shortcut"]: element["data-shortcut-label"]
        for _, element in look(browser, image).elements
        if "data-shortcut" in element
    }
    assert keys == {
        "/": "Search",
        "?": "Show keyboard shortcuts",
        "Escape": "Back to results",
        "b": "Show or hide boxes",
        "ArrowLeft": "Previous picture",
        "Delete": "Move to trash",
        "f": "Toggle favorite",
        "F": "Full screen",
        "i": "Show or hide the details",
        "z": "Zoom in or fit to window",
        "+": "Zoom in",
        "-": "Zoom out",
        "t": "Add a label or tag",
        "e": "Edit details",
        "a": "Analyze",
        "g": "Go to a page by its first letter",
        "m": "Account menu",
        "v": "Visibility",
        "l": "Share by link",
        "r": "Rotate right",
        "R": "Rotate left",
    }


def test_anonymous_viewers_get_no_neighbors(owner, nobody):
    image = create_image(owner, visibility=2, latitude=1.5, longitude=2.5)
    create_image(owner, visibility=2)
    for query in ("", "owner:owner", "has:location"):
        page = look(nobody, image, q=query)
        assert page.all("a", "neighbor-link") == []
        assert "1 of" not in page.text


@pytest.mark.parametrize(
    ("search", "position"),
    [(("-cat", 3), "2 of 3 "), (("-cat", 2), ""), (("do*", 2), "2 of 2+ "), (("do*", 1), "")],
)
def test_position_is_shown_where_it_is_known_soon(owner, browser, monkeypatch, search, position):
    query, maximum = search
    monkeypatch.setattr(neighbors, "MAX_POSITION", maximum)
    old, middle, new = (create_labeled_image(owner, {name: 98}) for name in ("Dog", "Door", "Dog"))
    page = look(browser, middle, q=query)
    arrows = {element["rel"]: element["href"].partition("?")[0] for element in page.all("a", "neighbor-link")}
    assert arrows == {"prev": f"/images/{new.pk}/", "next": f"/images/{old.pk}/"}
    assert position in page.text
    assert ("2 of " in page.text) == bool(position)
