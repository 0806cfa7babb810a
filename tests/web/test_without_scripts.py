"""Sign in, browse, view and download by links and forms alone."""

from __future__ import annotations

import pytest
from django.test import Client

from tests.factories import create_image
from tests.web.pages import Page

PAGE_SIZE = 60


@pytest.mark.django_db
def test_signed_in_by_a_form_one_browses_views_and_downloads(owner, pictures_folder):
    owner.set_password("word")
    owner.save()
    for _ in range(PAGE_SIZE):
        create_image(owner)
    oldest = create_image(owner, filename="oldest.jpg", taken_at="2001-01-01T12:00Z")
    (pictures_folder / oldest.key).parent.mkdir(parents=True, exist_ok=True)
    (pictures_folder / oldest.key).write_bytes(b"original")
    browser = Client()
    form = Page(browser.get("/", follow=True)).all("form", "sign-in-form")[0]
    assert (form["method"], form.get("action", "")) == ("post", "")  # it is sent to its own address
    sent = {"username": "owner", "password": "word", "next": "/"}
    library = Page(browser.post("/accounts/login/", sent, follow=True))
    assert (len(library.cards()), library.inline()) == (PAGE_SIZE, [])
    assert len(Page(browser.get(library.links["Load more"])).cards()) == 1
    picture = Page(browser.get(f"/images/{oldest.pk}/"))
    assert "oldest.jpg" in picture.text
    download = next(link["href"] for link in picture.all("a") if link.get("href", "").endswith("/original"))
    assert b"".join(browser.get(download)) == b"original"
