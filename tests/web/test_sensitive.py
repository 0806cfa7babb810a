"""Sensitive pictures are blurred on all pages, unless turned off."""

from __future__ import annotations

import pytest
from django.urls import reverse

from analysis.curation import trash, verdicts
from analysis.models import Label
from analysis.recognition.reindex_images import reindex
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
    labels = [{"Name": "Violence", "ParentName": "", "Confidence": confidence, "TaxonomyLevel": 1}]
    create_analysis(image, "moderation", "done", answer={"ModerationLabels": labels, "ModerationModelVersion": "7.0"})
    reindex([image.pk])
    return image


def blurred(page: Page) -> list[int]:
    return [int(element["id"].removeprefix("card-")) for element in page.all("li", "is-blurred")]


def library(browser, **parameters) -> Page:
    return Page(browser.get(reverse("library"), parameters))


def switch(browser, show: str = "1"):
    return browser.post(reverse("toggle-sensitive"), {"show": show, "next": "/labels/"})


def test_sensitive_card_is_blurred_and_links_to_its_page(sensitive, harmless, browser):
    page = library(browser)
    assert (blurred(page), page.cards()) == ([sensitive.pk], [sensitive.pk, harmless.pk])
    assert [element["title"] for element in page.all("span", "sensitive")] == ["Sensitive"]
    assert sorted(url for url in page.links.values() if "/images/" in url) == [
        f"/images/{image.pk}/" for image in (harmless, sensitive)
    ]


def test_sensitive_picture_is_revealed_on_its_page(sensitive, harmless, browser, nobody):
    [cover] = Page(browser.get(sensitive.get_absolute_url())).all("details", "sensitive-cover")
    assert "open" not in cover
    [cover] = Page(browser.get(sensitive.get_absolute_url(), {"shown": "1"})).all("details", "sensitive-cover")
    assert "open" in cover
    assert Page(browser.get(harmless.get_absolute_url())).all("details", "sensitive-cover") == []
    type(sensitive).objects.update(visibility=2)
    [cover] = Page(nobody.get(sensitive.get_public_url())).all("details", "sensitive-cover")
    assert "open" not in cover


def test_sensitive_pictures_are_shown_everywhere_after_opting_in(sensitive, browser, colleague, signed_in):
    assert switch(browser).url == "/labels/"
    page = library(browser)
    assert (blurred(page), [element["title"] for element in page.all("span", "sensitive")]) == ([], ["Sensitive"])
    [cover] = Page(browser.get(sensitive.get_absolute_url())).all("details", "sensitive-cover")
    assert "open" in cover
    assert Page(browser.get(reverse("labels"))).all("a", "is-blurred") == []
    assert Page(browser.get(reverse("duplicates"))).all("span", "is-blurred") == []
    assert [element["value"] for element in page.all("button") if element.get("name") == "show"] == ["0"]
    type(sensitive).objects.update(visibility=1)
    assert blurred(library(signed_in(colleague))) == [sensitive.pk]
    switch(browser, "0")
    assert blurred(library(browser)) == [sensitive.pk]


def test_hidden_rejected_or_uncertain_moderation_is_not_sensitive(owner, sensitive, browser, settings):
    violence = Label.objects.get(kind="moderation")
    verdicts.reject(sensitive.pk, label_id=violence.pk, by_id=owner.pk)
    assert blurred(library(browser)) == []
    verdicts.clear(sensitive.pk, label_id=violence.pk, by_id=sensitive.owner_id)
    assert blurred(library(browser)) == [sensitive.pk]
    Label.objects.filter(pk=violence.pk).update(is_hidden=True)
    assert blurred(library(browser)) == []
    assert Page(browser.get(sensitive.get_absolute_url())).all("details", "sensitive-cover") == []


def test_trashed_sensitive_pictures_are_blurred(sensitive, harmless, browser):
    create_analysis(harmless, "moderation", "done", answer={"ModerationLabels": []})
    trash.trash([sensitive.pk, harmless.pk])
    assert blurred(library(browser, q="is:trashed")) == [sensitive.pk]
    [cover] = Page(browser.get(sensitive.get_absolute_url())).all("details", "sensitive-cover")
    assert "open" not in cover


def test_next_and_updated_cards_are_blurred(sensitive, harmless, browser):
    create_analysis(harmless, api="faces", state="queued")
    changed = Page(browser.get(reverse("cards"), {"card": [f"{sensitive.pk}-x", f"{harmless.pk}-x"]}, **HTMX))
    assert blurred(changed) == [sensitive.pk]
    cursor = Cursor(sensitive.added_at.replace(year=2030), sensitive.pk)
    more = Page(browser.get(reverse("library"), {"after": str(cursor), "page": "2"}, **HTMX))
    assert (more.cards(), more.by_id("library")) == ([sensitive.pk, harmless.pk], None)
    assert blurred(more) == [sensitive.pk]


def test_sensitive_duplicates_are_blurred(sensitive, harmless, browser):
    assert len(Page(browser.get(reverse("duplicates"))).all("span", "candidate-image")) == 2
    assert len(Page(browser.get(reverse("duplicates"))).all("span", "is-blurred")) == 1


def test_label_cover_prefers_a_harmless_picture(owner, harmless, sensitive, browser):
    page = Page(browser.get(reverse("labels")))
    thumbs = [element["src"] for element in page.all("img") if "renditions" in element.get("src", "")]
    assert [f"/images/{sensitive.pk}/" in src for src in thumbs] == [False, True]  # Dog, Violence
    assert len(page.all("a", "is-blurred")) == 1


def test_anonymous_viewers_cannot_turn_blurring_off(nobody, owner):
    image = create_image(owner, visibility=2)
    assert [
        element for element in Page(nobody.get(image.get_absolute_url())).all("button") if element.get("name") == "show"
    ] == []
