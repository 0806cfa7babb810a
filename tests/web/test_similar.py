"""Similar pictures on a picture's page, and the message if there are none."""

from __future__ import annotations

import pytest
from django.db import connection
from django.urls import reverse

from analysis.models import Image, ImageEmbedding
from tests.factories import create_embedding, create_image
from tests.web.pages import Page

pytestmark = pytest.mark.django_db


@pytest.fixture
def browser(owner, signed_in):
    return signed_in(owner)


def look(browser, image) -> Page:
    return Page(browser.get(reverse("image-similar", args=[image.pk])))


def create_similar(owner, number: int) -> list:
    """Pictures, each less similar to the first one than the one before."""
    images = [create_image(owner) for _ in range(number)]
    for index, image in enumerate(images):
        create_embedding(image, [1, index / 20])
    return images


@pytest.mark.parametrize("number", [1, 3])
def test_most_similar_pictures_with_links_into_that_search(owner, browser, number, django_assert_num_queries):
    image, *others = create_similar(owner, number + 1)
    # Session, person, picture; the reference, the table, its vector, the settings, by index, by comparison, the page;
    # labels, states, sensitive ones.
    with django_assert_num_queries(13):
        page = look(browser, image)
    assert [element["href"] for element in page.all("a")] == [
        *(f"/images/{other.pk}/?q=similar%3A{image.pk}" for other in others),
        f"/?q=similar%3A{image.pk}",
    ]
    assert [element["alt"] for element in page.all("img")] == [other.filename for other in others]


def test_at_most_eight_are_shown(owner, browser):
    image, *_ = create_similar(owner, 12)
    assert len(look(browser, image).all("img")) == 8


def test_picture_page_loads_them_and_links_to_the_search(owner, browser):
    image = create_image(owner)
    page = Page(browser.get(reverse("image", args=[image.pk])))
    assert page.links["Show all similar pictures"] == f"/?q=similar%3A{image.pk}"
    [section] = [element for element in page.all("section") if "hx-get" in element]
    assert (section["hx-get"], section["hx-trigger"]) == (f"/images/{image.pk}/similar/", "intersect once")


def test_anonymous_visitors_and_the_trash_have_none(owner, browser, nobody):
    public, trashed = create_image(owner, visibility=2), create_image(owner)
    browser.post(reverse("image-trash", args=[trashed.pk]))
    for response in (nobody.get(public.get_public_url()), browser.get(reverse("image", args=[trashed.pk]))):
        assert (response.status_code, "Similar pictures" in Page(response).text) == (200, False)


def sentence(browser, image, **row) -> str:
    ImageEmbedding.objects.update_or_create(image=image, defaults=row)
    return look(browser, image).text


def test_sentences_where_there_are_none(owner, browser, settings):
    image = create_image(owner)
    assert "Similar pictures appear here once this picture has been processed." in look(browser, image).text
    failed = {"error": "It can't be read.", "next_attempt_at": None}
    assert "Similar pictures could not be found: It can't be read." in sentence(browser, image, **failed)
    settings.SIMILAR_PICTURES = False
    assert "Similar pictures are switched off on this server." in look(browser, image).text
    assert "No similar pictures found." in sentence(browser, image, vector=[1] + [0] * 255)
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE analysis_imageembedding")
    assert "the database server doesn't have the pgvector extension" in look(browser, image).text
    assert browser.get(reverse("image", args=[image.pk])).status_code == 200


def test_search_says_why_it_found_nothing_and_tells_nothing_about_others(owner, colleague, browser):
    own, other = create_image(owner), create_image(colleague)
    create_embedding(other, [1])

    def search(image_id: int) -> str:
        return Page(browser.get(reverse("library"), {"q": f"similar:{image_id}"})).text

    assert "Similar pictures appear here once this picture has been processed." in search(own.pk)
    unknown = "Picture {} doesn't exist, or you don't have access to it."
    assert unknown.format(other.pk) in search(other.pk)
    assert unknown.format(10**17) in search(10**17)


def test_similar_search_offers_its_order(owner, browser):
    image, *others = create_similar(owner, 3)
    page = Page(browser.get(reverse("library"), {"q": f"similar:{image.pk}"}))
    assert page.cards() == [other.pk for other in others]
    assert f"similar to picture {image.pk}" in page.text
    assert page.links["Most similar first"] == f"/?q=similar%3A{image.pk}"
    assert page.links["Newest first"] == f"/?q=similar%3A{image.pk}+sort%3Ataken"
    assert "Most similar first" not in Page(browser.get(reverse("library"))).text


def test_cause_of_a_missing_embedding_is_told_to_the_owner_only(owner, colleague, signed_in):
    image = create_image(owner, visibility=Image.Visibility.SHARED)
    ImageEmbedding.objects.update_or_create(
        image=image, defaults={"error": "The bucket merger no longer has a.jpg.", "next_attempt_at": None}
    )
    for person, is_told in ((owner, True), (colleague, False)):
        page = signed_in(person).get(reverse("image-similar", args=[image.pk])).content.decode()
        assert ("merger" in page, "Similar pictures could not be found" in page) == (is_told, True)
