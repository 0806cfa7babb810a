"""Searches that are long, of letters that an address writes in many bytes."""

from __future__ import annotations

import pytest
from django.urls import reverse

from tests.factories import create_labeled_image
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
