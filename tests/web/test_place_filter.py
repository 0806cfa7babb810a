"""Places next to the results and on the picture's page."""

import pytest
from django.urls import reverse

from analysis.models import City
from tests.factories import create_image
from tests.web.pages import Page

pytestmark = pytest.mark.django_db
HALLSTATT = "Hallstatt, Upper Austria, Austria"


@pytest.fixture
def images(owner):
    names = (HALLSTATT, HALLSTATT, "Linz, Upper Austria, Austria", "Graz, Styria, Austria", "Singapore", "")
    City.objects.create(names=HALLSTATT, latitude=47.56, longitude=13.65, population=700)
    return [create_image(owner, city=city) for city in names]


def links_of(browser, query: str) -> dict[str, str]:
    page = Page(browser.get(reverse("place-filter"), {"q": query}, headers={"HX-Request": "true"}))
    return {name: url for name, url in page.links.items() if name and not name.startswith("Exclude")}


def test_filter_narrows_from_countries_to_cities(owner, stranger, signed_in, images):
    browser = signed_in(owner)
    countries = links_of(browser, "-dog")
    assert countries == {"Austria 4": "/?q=-dog+place%3AAustria", "Singapore 1": "/?q=-dog+place%3ASingapore"}
    regions = links_of(browser, "-dog place:austria")
    assert regions["Upper Austria 3"] == "/?q=-dog+place%3A%22Upper+Austria%2C+Austria%22"
    assert list(links_of(browser, 'place:"Upper Austria, Austria"')) == ["Hallstatt 2", "Linz 1"]
    assert list(links_of(browser, "place:hallstatt")) == ["Austria 2"]  # not the end of a place
    assert len(Page(browser.get(regions["Upper Austria 3"])).cards()) == 3
    assert links_of(signed_in(stranger), "") == {}
    assert "No places." in Page(signed_in(stranger).get(reverse("place-filter"))).text
    assert browser.get(reverse("place-filter"), {"q": "(dog"}).status_code == 400


def test_filters_are_pages_without_a_script(owner, signed_in, images):
    browser = signed_in(owner)
    library = Page(browser.get("/", {"q": "-dog"}))
    places = Page(browser.get(library.links["All places"]))
    assert places.links["-dog"] == "/?q=-dog"
    assert len(Page(browser.get(places.links["Austria 4"])).cards()) == 4
    assert library.links["On this day"] == "/?q=-dog+day%3Atoday"
    assert Page(browser.get(library.links["On this day"])).cards() == []


def test_filter_says_that_it_counted_only_the_first_pictures(owner, signed_in, images, monkeypatch):
    for module in ("analysis.search.place_facets", "analysis.web.place_filter"):
        monkeypatch.setattr(f"{module}.SAMPLE", 2)
    assert "Counted in the first 2 pictures." in Page(signed_in(owner).get(reverse("place-filter"))).text


def test_page_of_a_picture_names_city_and_source(owner, signed_in, images):
    browser = signed_in(owner)
    page = Page(browser.get(reverse("image", args=[images[0].pk])))
    assert f"Nearest city {HALLSTATT}" in " ".join(page.text.split())
    assert page.links["GeoNames"] == "https://www.geonames.org/"
    assert page.links["CC BY 4.0"] == "https://creativecommons.org/licenses/by/4.0/"
    assert "GeoNames" not in Page(browser.get(reverse("image", args=[images[-1].pk]))).text


def test_nobody_without_an_account_reads_the_city(owner, client):
    image = create_image(owner, city=HALLSTATT, visibility=2)
    page = Page(client.get(image.get_public_url()))
    assert "Hallstatt" not in page.text


def test_place_names_that_are_not_loaded_are_explained(owner, signed_in):
    assert not City.objects.exists()
    assert "An administrator can load them" in Page(signed_in(owner).get(reverse("place-filter"))).text
