"""Keyboard shortcuts and first focus on the pages where tasks begin and end."""

from __future__ import annotations

import pytest
from django.utils import timezone

from tests.factories import create_image
from tests.web.pages import Page

EVERYWHERE = {
    "/": "Search",
    "?": "Show keyboard shortcuts",
    "g": "Go to a page by its first letter",
    "m": "Account menu",
}


def shortcuts_of(page: Page) -> dict[str, str]:
    return {
        attributes["data-shortcut"]: attributes["data-shortcut-label"]
        for _, attributes in page.elements
        if "data-shortcut" in attributes
    }


@pytest.mark.parametrize(
    ("address", "own"),
    [
        ("/account/", {"p": "Password"}),
        ("/people/", {"n": "Invite someone"}),
        ("/trash/", {"E": "Empty trash"}),
        (
            "/",
            {
                "t": "Tags and labels",
                "c": "Add to collection",
                "l": "Share by link",
                "v": "Visibility",
                "a": "Analyze again",
                "d": "Download",
            },
        ),
    ],
)
def test_page_has_the_keys_of_its_tasks(address, own, staff, signed_in):
    create_image(staff)
    create_image(staff, trashed_at=timezone.now())
    assert shortcuts_of(Page(signed_in(staff).get(address))) == EVERYWHERE | own


def test_form_of_a_share_link_begins_with_its_first_field_and_ends_with_the_copy_button(owner, signed_in):
    browser, image = signed_in(owner), create_image(owner)
    focused = [
        [name for name, attributes in Page(response).elements if "autofocus" in attributes]
        for response in (
            browser.get(f"/shares/new/?image={image.pk}"),
            browser.post("/shares/create/", {"image": image.pk, "expires": "30"}, follow=True),
        )
    ]
    assert focused == [["select"], ["button"]]
