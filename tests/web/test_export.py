"""The export page: selection or search, to a file."""

from __future__ import annotations

import json

import pytest
from django.urls import reverse

from tests.factories import create_labeled_image

pytestmark = pytest.mark.django_db
FORM = {"format": "jsonl", "labels": "effective"}


def lines(response) -> list[dict]:
    return [json.loads(line) for line in b"".join(response.streaming_content).splitlines()]


def test_all_results_of_a_search_are_downloaded(owner, signed_in):
    dog = create_labeled_image(owner, {"Dog": 99.0})
    create_labeled_image(owner, {"Cat": 99.0})
    browser = signed_in(owner)
    page = browser.get(reverse("export"), {"q": "dog"}).content.decode()
    assert "Download 1 picture" in page
    response = browser.post(reverse("export-download"), FORM | {"all": "1", "q": "dog"})
    assert response["Content-Disposition"].endswith('-jsonl.jsonl"')
    assert [line["id"] for line in lines(response)] == [dog.pk]


def test_a_selection_is_downloaded_as_far_as_it_may_be_seen(owner, colleague, signed_in):
    own, others = create_labeled_image(owner, {"Dog": 99.0}), create_labeled_image(colleague, {"Dog": 99.0})
    ids = f"{own.pk},{others.pk}"
    browser = signed_in(owner)
    assert "Download 1 picture" in browser.post(reverse("export"), {"ids": ids}).content.decode()
    response = browser.post(reverse("export-download"), FORM | {"ids": ids})
    assert [line["id"] for line in lines(response)] == [own.pk]


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"format": "exe"}, "Select a valid choice. exe is not one of the available choices."),
        ({"labels": ""}, "This field is required."),
        ({"min_confidence": "101"}, "Ensure this value is less than or equal to 100."),
        ({"q": "((", "all": "1"}, "This search is not valid"),
        ({"all": "", "ids": "x"}, "No pictures are selected."),
    ],
)
def test_bad_requests_say_what_is_wrong(changed, sentence, owner, signed_in):
    create_labeled_image(owner, {"Dog": 99.0})
    response = signed_in(owner).post(reverse("export-download"), FORM | {"all": "1", "q": "dog"} | changed)
    assert response.status_code == 422
    assert sentence in response.content.decode()


def test_nothing_to_download_is_said(owner, signed_in):
    page = signed_in(owner).get(reverse("export"), {"q": "dog"}).content.decode()
    assert "Nothing to download" in page
    assert signed_in(owner).get(reverse("export"), {"q": "(("}).status_code == 422
