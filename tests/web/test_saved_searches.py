"""Saved searches: save, open, edit, share, delete and restore."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from django.urls import reverse
from django.utils import timezone

from analysis.curation import collections
from analysis.curation.bulk import Selection
from analysis.models import Analysis, SavedSearch
from analysis.web.library import page as library_pages
from analysis.web.saved_searches import COLUMNS, PAGE_SIZE
from tests.factories import create_analysis, create_labeled_image
from tests.web.pages import Page

pytestmark = pytest.mark.django_db


@pytest.fixture
def browser(owner, signed_in):
    return signed_in(owner)


@pytest.fixture
def dogs(owner):
    return SavedSearch.objects.create(owner=owner, name="Dogs", query="dog>=90", density="large")


def toast(browser) -> str:
    """Message on the next page."""
    page = browser.get(reverse("searches")).content.decode()
    return page.split('class="toast"')[1].split("<p>")[1].split("</p>")[0] if 'class="toast"' in page else ""


def test_search_is_saved_and_shown_by_its_name(owner, browser):
    create_labeled_image(owner, {"Dog": 98})
    answer = browser.post(
        reverse("search-save"), {"name": "  My   dogs ", "q": "dog>=90 sort:oldest", "density": "small"}
    )
    saved = SavedSearch.objects.get()
    assert (saved.owner, saved.name, saved.query, saved.density) == (owner, "My dogs", "dog>=90 sort:oldest", "small")
    assert answer.url == f"/?q=dog%3E%3D90+sort%3Aoldest&saved={saved.pk}"
    page = Page(browser.get(answer.url))
    assert "Saved as “My dogs”." in page.text
    assert "Modified" not in page.links
    assert page.all("density-switch")[0]["data-saved-density"] == "small"


@pytest.mark.parametrize(("query", "is_modified"), [("dog   (CAT) sort:taken", False), ("dog", True), ('"', True)])
def test_search_is_modified_only_if_its_meaning_differs(browser, owner, query, is_modified):
    saved = SavedSearch.objects.create(owner=owner, name="Both", query=query)
    page = Page(browser.get(reverse("library"), {"q": "dog CAT", "saved": saved.pk}))
    assert ("Modified" in page.links) is is_modified


def test_cards_and_filters_that_follow_keep_the_open_search(dogs, owner, browser):
    image = create_labeled_image(owner, {"Dog": 98})
    waiting = Analysis.objects.filter(pk=create_analysis(image, api="faces").pk)
    page = Page(browser.get(reverse("library"), {"q": dogs.query, "saved": dogs.pk}))
    addresses = {page.by_id("poll")["hx-get"], page.all("image-selection")[0]["data-cards-url"]}
    assert addresses == {f"{reverse('cards')}?q=dog%3E%3D90&saved={dogs.pk}"}
    waiting.delete()
    changed = Page(browser.get(addresses.pop() + f"&card={image.pk}-queued0", headers={"HX-Request": "true"}))
    assert {f"&saved={dogs.pk}" in link["href"] for link in changed.all("a") if "/images/" in link["href"]} == {True}
    assert f"saved={dogs.pk}" in changed.links["Dog 1"]


def test_filters_months_and_timeline_keep_the_open_search(dogs, owner, browser, monkeypatch):
    images = [
        create_labeled_image(owner, {"Dog": 98}, taken_at=datetime(2026, month, 1, tzinfo=UTC)) for month in (1, 2)
    ]
    collections.add(collections.create(owner, name="Trip"), Selection(owner, ids=(images[0].pk,)))
    monkeypatch.setattr(library_pages, "PAGE_SIZE", 1)  # a single page has no timeline
    library = browser.get(reverse("library"), {"q": dogs.query, "saved": dogs.pk}).context["library"]
    filters = library.filters
    for address in (
        *(filters.states_url, filters.collections_url, filters.folders_url, filters.places_url),
        *(library.sorting.months_url, library.sorting.timeline_url),
    ):
        assert f"saved={dogs.pk}" in address
        page = Page(browser.get(address, headers={"HX-Request": "true"}))
        assert [link["href"] for link in page.all("a") if f"saved={dogs.pk}" not in link["href"]] == []
    assert len(page.all("a")) == 2


def test_today_stays_relative_in_a_saved_search(owner, browser):
    create_labeled_image(owner, {"Dog": 98}, added_at=timezone.now())
    page = Page(browser.get(reverse("library"), {"q": "added:today"}))
    assert {field["value"] for field in page.all("input") if field.get("name") == "q"} == {"added:today"}
    assert page.links["Earliest added first"] == "/?q=added%3Atoday+sort%3Aoldest"
    assert len(page.cards()) == 1


@pytest.mark.parametrize("name", ["", "   ", "\x00"])
def test_search_without_a_name_is_not_saved(browser, name):
    answer = browser.post(reverse("search-save"), {"name": name, "q": "dog"})
    assert (answer.status_code, SavedSearch.objects.count()) == (422, 0)
    assert "A saved search needs a name." in answer.content.decode()


def test_name_is_unique_whatever_its_case(dogs, browser):
    answer = browser.post(reverse("search-save"), {"name": "DOGS", "q": "poodle"})
    page = Page(answer)
    assert answer.status_code == 422
    assert "You already have a saved search named “DOGS”." in page.text
    assert [
        field["value"] for field in page.all("input") if field.get("name") == "q" and field["type"] == "hidden"
    ] == ["poodle"]
    assert SavedSearch.objects.count() == 1


def test_modified_search_is_marked_and_can_be_saved(dogs, owner, browser):
    create_labeled_image(owner, {"Dog": 98, "Grass": 80})
    page = Page(browser.get(reverse("library"), {"q": "dog>=90 grass", "saved": dogs.pk}))
    assert page.links["Modified"] == f"/?q=dog%3E%3D90&saved={dogs.pk}"
    assert page.links["Earliest added first"] == f"/?q=dog%3E%3D90+grass+sort%3Aoldest&saved={dogs.pk}"
    browser.post(reverse("search-update", args=[dogs.pk]), {"q": "dog>=90 grass"})
    dogs.refresh_from_db()
    assert (dogs.query, dogs.name, dogs.density, dogs.is_shared) == ("dog>=90 grass", "Dogs", "large", False)


def test_search_is_renamed_shared_and_unshared(dogs, browser):
    address = reverse("search-update", args=[dogs.pk])
    for fields, expected in (
        ({"name": "Hounds"}, ("Hounds", False)),
        ({"shared": "1"}, ("Hounds", True)),
        ({"shared": ""}, ("Hounds", False)),
    ):
        assert browser.post(address, fields).url == reverse("searches")
        dogs.refresh_from_db()
        assert (dogs.name, dogs.is_shared, dogs.query) == (*expected, "dog>=90")
    assert toast(browser) == "Renamed to “Hounds”."


def test_menu_of_a_search_leads_to_a_link_for_everyone(dogs, browser):
    form = Page(browser.get(Page(browser.get(reverse("searches"))).links["Create a link"]))
    assert "Dogs" in form.text


def test_name_cannot_become_empty_or_a_duplicate(dogs, owner, browser):
    SavedSearch.objects.create(owner=owner, name="Cats", query="cat")
    for name in ("", "cats"):
        answer = browser.post(reverse("search-update", args=[dogs.pk]), {"name": name})
        page = Page(answer)
        assert (answer.status_code, page.by_id(f"name-{dogs.pk}")["value"]) == (422, name)
        assert ["open" in menu for menu in page.all("details", "row-menu")] == [False, True]
    dogs.refresh_from_db()
    assert dogs.name == "Dogs"


def deleted(browser, saved) -> dict[str, str]:
    """The fields of the Undo that the page then offers."""
    browser.post(reverse("search-delete", args=[saved.pk]))
    page = Page(browser.get(reverse("searches")))
    return {field["name"]: field["value"] for field in page.all("input") if field.get("name") == "row"}


def test_restored_search_keeps_its_values_and_address(dogs, owner, browser):
    SavedSearch.objects.update(is_shared=True)
    before = SavedSearch.objects.values(*COLUMNS).get()
    fields = deleted(browser, dogs)
    assert not SavedSearch.objects.exists()
    browser.post(reverse("search-restore"), fields)
    assert toast(browser) == "Restored “Dogs”."
    assert SavedSearch.objects.values(*COLUMNS).get() == before
    assert browser.get(reverse("search", args=[dogs.pk])).url == f"/?q=dog%3E%3D90&saved={dogs.pk}"
    browser.post(reverse("search-restore"), fields)
    assert toast(browser) == "Not restored: the search already exists, or another one has its name."
    assert SavedSearch.objects.count() == 1


def test_only_the_owner_can_restore_a_search(dogs, colleague, browser, signed_in):
    fields = deleted(browser, dogs)
    other = signed_in(colleague)
    for row in (fields["row"], "e30:x:y", ""):
        other.post(reverse("search-restore"), {"row": row})
        assert toast(other) == "This can no longer be undone."
    assert not SavedSearch.objects.exists()


def test_search_is_not_restored_if_its_name_is_in_use(dogs, owner, browser):
    fields = deleted(browser, dogs)
    SavedSearch.objects.create(owner=owner, name="dogs", query="poodle")
    browser.post(reverse("search-restore"), fields)
    assert toast(browser) == "Not restored: the search already exists, or another one has its name."
    assert SavedSearch.objects.get().query == "poodle"


def test_shared_searches_are_paged(dogs, owner, colleague, browser):
    rows = [SavedSearch(owner=colleague, name=f"Search {number:03}", is_shared=True) for number in range(PAGE_SIZE + 2)]
    SavedSearch.objects.bulk_create(rows)
    first = Page(browser.get(reverse("searches")))
    assert [f"Search {number:03}" in first.links for number in (0, PAGE_SIZE - 1, PAGE_SIZE)] == [True, True, False]
    assert "Dogs" in first.links
    second = Page(browser.get(first.links["Show more"]))
    assert [name for name in second.links if name.startswith("Search 0")] == [
        f"Search {number:03}" for number in (PAGE_SIZE, PAGE_SIZE + 1)
    ]
    assert ("Dogs" in second.links, "Show more" in second.links, second.links["Back to first page"]) == (
        False,
        False,
        reverse("searches"),
    )


def test_private_search_of_another_person_is_not_found(dogs, colleague, signed_in):
    other = signed_in(colleague)
    assert other.get(reverse("search", args=[dogs.pk])).status_code == 404
    assert "Dogs" not in Page(other.get(reverse("library"), {"q": "dog", "saved": dogs.pk})).text
    assert "Dogs" not in Page(other.get(reverse("searches"))).text


def test_shared_search_shows_only_pictures_its_reader_may_see(dogs, owner, colleague, signed_in):
    SavedSearch.objects.update(is_shared=True)
    create_labeled_image(owner, {"Dog": 98})
    seen = create_labeled_image(owner, {"Dog": 98}, visibility=1)
    other = signed_in(colleague)
    page = Page(other.get(other.get(reverse("search", args=[dogs.pk])).url))
    assert page.cards() == [seen.pk]
    assert "Dogs" in page.text
    assert other.post(reverse("search-update", args=[dogs.pk]), {"name": "Mine"}).status_code == 404
    assert other.post(reverse("search-delete", args=[dogs.pk])).status_code == 404


@pytest.mark.parametrize("number", [1, 3])
def test_list_takes_five_queries(owner, browser, number, django_assert_num_queries):
    for index in range(number):
        SavedSearch.objects.create(owner=owner, name=str(index), query="dog")
    with django_assert_num_queries(5):  # session, person, groups, own searches, others'
        page = Page(browser.get(reverse("searches")))
    assert len(page.all("li", "search-row")) == number


@pytest.mark.parametrize("saved", ["x", "0", "9" * 30, "-1", "\x00"])
def test_invalid_saved_parameter_is_ignored(owner, browser, saved):
    assert browser.get(reverse("library"), {"saved": saved}).status_code == 200
