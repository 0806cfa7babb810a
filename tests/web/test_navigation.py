"""Links to the main pages, the theme, and the filter by state."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.conf import settings
from django.urls import reverse

from analysis.models import Rating
from analysis.web import navigation
from tests.factories import create_labeled_image

pytestmark = pytest.mark.django_db


def links(page) -> dict[str, tuple[str, bool]]:
    """The address by title, and whether it is the current page."""
    entries = re.findall(
        r'class="navigation-link"\s+href="([^"]*)"\s+hx-boost="false"( aria-current="page")?>.*?<span>([^<]*)</span>',
        page.content.decode(),
        re.DOTALL,
    )
    return {title: (url, bool(current)) for url, current, title in entries}


def current(page) -> list[str]:
    return [title for title, (_url, is_current) in links(page).items() if is_current]


@pytest.mark.parametrize(
    ("address", "title"),
    [
        ("/", "Library"),
        ("/?q=is:favorite", "Favorites"),
        ("/labels/", "Labels"),
        ("/folders/", "Folders"),
        ("/collections/", "Collections"),
        ("/shares/", "Shared links"),
        ("/searches/", "Saved searches"),
        ("/activity/", "Activity"),
        ("/deliveries/", "Activity"),
        ("/buckets/", "Buckets"),
        ("/duplicates/exact/", "Duplicates"),
        ("/trash/", "Trash"),
    ],
)
def test_current_page_is_marked(owner, signed_in, address, title):
    assert current(signed_in(owner).get(address)) == [title]


def test_a_search_is_no_page_of_the_list(owner, signed_in):
    assert current(signed_in(owner).get("/?q=dog")) == []


def test_every_link_opens_for_whom_it_is_offered(owner, staff, signed_in):
    for person in (owner, staff):
        browser = signed_in(person)
        offered = links(browser.get("/"))
        assert [title in offered for title in ("System", "Administration", "Audit log")] == [person.is_staff] * 3
        assert {url: browser.get(url).status_code for url, _current in offered.values()} == {
            url: 200 for url, _current in offered.values()
        }


def test_icons_that_are_named_exist():
    root = Path(settings.BASE_DIR)
    drawn = set(re.findall(r'<symbol id="([^"]+)"', (root / "analysis/static/analysis/icons.svg").read_text()))
    pages = (root / "templates").rglob("*.html")
    named = {name for page in pages for name in re.findall(r'{% icon "([^"]+)"', page.read_text())}
    assert named | {entry.icon for entry in (*navigation.PICTURES, *navigation.MORE)} <= drawn


def test_visitors_get_no_navigation(nobody):
    assert links(nobody.get(reverse("login"))) == {}


def test_theme_is_saved_and_leads_back(owner, signed_in):
    browser = signed_in(owner)
    response = browser.post(reverse("theme"), {"theme": "dark", "next": "/labels/"})
    assert (response.status_code, response.url) == (302, "/labels/")
    assert 'data-theme="dark"' in browser.get("/labels/").content.decode()
    browser.post(reverse("theme"), {"theme": "purple", "next": "https://evil.example/"})
    owner.refresh_from_db()
    assert owner.theme == "dark"


def test_states_have_counts_and_none_is_zero(owner, signed_in):
    dogs = [create_labeled_image(owner, {"Dog": 99.0}) for _ in range(2)]
    create_labeled_image(owner, {"Cat": 99.0})
    Rating.objects.create(image=dogs[0], person=owner, is_favorite=True)
    page = signed_in(owner).get(reverse("state-filter"), {"q": "dog"}).content.decode()
    names = re.findall(r'facet-name" dir="auto">([^<]*)</span>(?:<span class="count">([^<]*)</span>)?', page)
    assert names == [("Favorites", "1"), ("Untagged", "2"), ("Private", "2")]


def test_long_groups_show_five_and_the_rest_on_demand(owner, signed_in):
    create_labeled_image(owner, {f"Label {number}": 99.0 for number in range(8)})
    page = signed_in(owner).get("/").content.decode()
    assert "3 more" in page
    chosen = signed_in(owner).get("/", {"q": '"Label 7"'}).content.decode()
    assert re.search(r'class="facet-more"\s+open', chosen)
