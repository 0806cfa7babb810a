"""Searches that are long, of letters that an address writes in many bytes."""

from __future__ import annotations

import pytest
from django.urls import reverse

from analysis.models import Label
from tests.factories import create_image, create_labeled_image
from tests.web.pages import Page

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("name", ["library", "months", "cards", "autocomplete"])
@pytest.mark.parametrize("text", ["д" * 700, "🐕" * 4_000, "a" * 4_001, "🐕" * 100_000])
def test_a_long_search_is_answered_or_refused_with_a_sentence(owner, signed_in, name, text):
    answer = signed_in(owner).get(reverse(name), {"q": text})
    assert answer.status_code in {200, 286}
    if len(text) > 4_000 and name in {"library", "months"}:
        assert f"A search can have at most 4,000 characters; this one has {len(text):,}." in Page(answer).text


def test_a_search_by_post_is_led_to_its_address_unless_that_is_too_long(owner, signed_in):
    browser = signed_in(owner)
    image = create_labeled_image(owner, {"д": 90}, filename="found.jpg")
    assert browser.post(reverse("long-search"), {"q": "dog"}).url == "/?q=dog"
    long = "д OR " + "д" * 700
    page = Page(browser.post(reverse("long-search"), {"q": long}))
    assert page.cards() == [image.pk]
    assert (
        "A search can have at most 4,000 characters"
        in Page(browser.post(reverse("long-search"), {"q": "a" * 4_001})).text
    )


@pytest.mark.parametrize(
    "text", ["д OR " + "д" * 3_995, "(" * 2_000 + ")" * 2_000, "д " * 1_999 + "д", '"' + "\\" * 3_998 + '"']
)
def test_a_search_of_4000_characters_by_post_is_answered(owner, signed_in, text):
    image = create_labeled_image(owner, {"д": 90})
    answer = signed_in(owner).post(reverse("long-search"), {"q": text}, follow=True)
    assert (len(text) <= 4_000, answer.status_code) == (True, 200)
    if " OR " in text:
        assert Page(answer).cards() == [image.pk]


@pytest.mark.parametrize("word", ["狗", "東京タワー", "כלב", "כֶּלֶב", "강아지", "кошка"])
def test_searches_in_other_scripts_find_labels_texts_and_names(owner, signed_in, word):
    labeled = create_labeled_image(owner, {word: 90})
    create_image(owner, filename=f"a {word} b.jpg")
    browser = signed_in(owner)
    for text in (word, f'"{word}"', f"{word} -dog", f"dog OR {word}"):
        assert Page(browser.get(reverse("library"), {"q": text})).cards() == [labeled.pk], text
    Label.objects.all().delete()
    page = Page(browser.get(reverse("library"), {"q": word}))
    assert f"1 picture named “{word}”" in page.links
