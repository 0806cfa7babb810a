"""Pictures with moderation labels are blurred wherever they are shown, for whoever does not want them shown."""

from __future__ import annotations

import pytest
from django.urls import reverse

from analysis.curation import trash, verdicts
from analysis.models import Label
from analysis.recognition.search_index import reindex
from analysis.search.pagination import Cursor
from tests.factories import create_analysis, create_image, create_labeled_image
from tests.web.pages import Page

pytestmark = pytest.mark.django_db
HTMX = {"HTTP_HX_REQUEST": "true"}


@pytest.fixture
def browser(owner, signed_in):
    return signed_in(owner)


@pytest.fixture
def harmless(owner):
    return create_labeled_image(owner, {"Dog": 98}, phash=7)


@pytest.fixture
def sensitive(harmless):
    return a_sensitive_image(harmless.owner)


def a_sensitive_image(owner, confidence=80.0, **fields):
    """Of a dog, too."""
    image = create_labeled_image(owner, {"Dog": 98}, phash=7, **fields)
    found = [{"Name": "Violence", "ParentName": "", "Confidence": confidence, "TaxonomyLevel": 1}]
    create_analysis(image, "moderation", "done", answer={"ModerationLabels": found, "ModerationModelVersion": "7.0"})
    reindex([image.pk])
    return image


def veiled(page: Page) -> list[int]:
    return [int(each["id"].removeprefix("card-")) for each in page.all("li", "is-blurred")]


def library(browser, **parameters) -> Page:
    return Page(browser.get(reverse("library"), parameters))


def switch(browser, show: str = "1"):
    return browser.post(reverse("toggle-sensitive"), {"show": show, "next": "/labels/"})


def test_a_sensitive_card_is_blurred_says_so_and_leads_to_the_picture(sensitive, harmless, browser):
    page = library(browser)
    assert (veiled(page), page.cards()) == ([sensitive.pk], [sensitive.pk, harmless.pk])
    assert [each["title"] for each in page.all("span", "sensitive")] == ["Sensitive"]
    assert sorted(url for url in page.links.values() if "/images/" in url) == [
        f"/images/{each.pk}/" for each in (harmless, sensitive)
    ]


def test_the_page_of_a_sensitive_picture_shows_it_when_one_wants_to(sensitive, harmless, browser, nobody):
    [cover] = Page(browser.get(sensitive.get_absolute_url())).all("details", "sensitive-cover")
    assert "open" not in cover
    [cover] = Page(browser.get(sensitive.get_absolute_url(), {"shown": "1"})).all("details", "sensitive-cover")
    assert "open" in cover
    assert Page(browser.get(harmless.get_absolute_url())).all("details", "sensitive-cover") == []
    type(sensitive).objects.update(visibility=2)
    [cover] = Page(nobody.get(sensitive.get_public_url())).all("details", "sensitive-cover")
    assert "open" not in cover


def test_whoever_wants_sees_them_everywhere_until_they_do_not(sensitive, browser, colleague, signed_in):
    assert switch(browser).url == "/labels/"
    page = library(browser)
    assert (veiled(page), [each["title"] for each in page.all("span", "sensitive")]) == ([], ["Sensitive"])
    [cover] = Page(browser.get(sensitive.get_absolute_url())).all("details", "sensitive-cover")
    assert "open" in cover
    assert Page(browser.get(reverse("labels"))).all("a", "is-blurred") == []
    assert Page(browser.get(reverse("duplicates"))).all("span", "is-blurred") == []
    assert [each["value"] for each in page.all("button") if each.get("name") == "show"] == ["0"]
    type(sensitive).objects.update(visibility=1)
    assert veiled(library(signed_in(colleague))) == [sensitive.pk]
    switch(browser, "0")
    assert veiled(library(browser)) == [sensitive.pk]


def test_what_is_hidden_or_rejected_or_found_too_unsurely_is_not_sensitive(owner, sensitive, browser, settings):
    violence = Label.objects.get(kind="moderation")
    verdicts.reject(sensitive.pk, label_id=violence.pk, by_id=owner.pk)
    assert veiled(library(browser)) == []
    verdicts.clear(sensitive.pk, label_id=violence.pk)
    assert veiled(library(browser)) == [sensitive.pk]
    Label.objects.filter(pk=violence.pk).update(is_hidden=True)
    assert veiled(library(browser)) == []
    assert Page(browser.get(sensitive.get_absolute_url())).all("details", "sensitive-cover") == []


def test_in_the_trash_they_are_veiled_as_well(sensitive, harmless, browser):
    create_analysis(harmless, "moderation", "done", answer={"ModerationLabels": []})
    trash.trash([sensitive.pk, harmless.pk])
    assert veiled(library(browser, q="is:trashed")) == [sensitive.pk]
    [cover] = Page(browser.get(sensitive.get_absolute_url())).all("details", "sensitive-cover")
    assert "open" not in cover


def test_more_cards_and_cards_that_changed_are_veiled(sensitive, harmless, browser):
    create_analysis(harmless, api="faces", state="queued")
    changed = Page(browser.get(reverse("cards"), {"card": [f"{sensitive.pk}-x", f"{harmless.pk}-x"]}, **HTMX))
    assert veiled(changed) == [sensitive.pk]
    place = Cursor(sensitive.added_at.replace(year=2030), sensitive.pk)
    more = Page(browser.get(reverse("library"), {"after": str(place), "page": "2"}, **HTMX))
    assert (more.cards(), more.by_id("library")) == ([sensitive.pk, harmless.pk], None)
    assert veiled(more) == [sensitive.pk]


def test_duplicates_are_veiled_one_by_one(sensitive, harmless, browser):
    assert len(Page(browser.get(reverse("duplicates"))).all("span", "candidate-image")) == 2
    assert len(Page(browser.get(reverse("duplicates"))).all("span", "is-blurred")) == 1


def test_a_label_shows_a_harmless_picture_where_there_is_one(owner, harmless, sensitive, browser):
    page = Page(browser.get(reverse("labels")))
    thumbs = [each["src"] for each in page.all("img") if "renditions" in each.get("src", "")]
    assert [f"/images/{sensitive.pk}/" in src for src in thumbs] == [False, True]  # Dog, Violence
    assert len(page.all("a", "is-blurred")) == 1


def test_who_is_not_signed_in_has_no_switch(nobody, owner):
    image = create_image(owner, visibility=2)
    assert [
        each for each in Page(nobody.get(image.get_absolute_url())).all("button") if each.get("name") == "show"
    ] == []
