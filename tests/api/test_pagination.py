"""Cursors: of long searches, and of lists that change between two pages."""

from __future__ import annotations

import pytest

from analysis.models import Label
from analysis.search.syntax.parser import MAX_LENGTH
from tests.factories import create_labeled_image

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("word", ["dog", "犬"])
def test_the_longest_search_has_more_than_one_page(word, api, owner):
    newest = [create_labeled_image(owner, {"Dog": 99.0, "犬": 99.0}).pk for _ in range(2)][::-1]
    text = " OR ".join([word] * 20)
    text += " OR " + (word * MAX_LENGTH)[: MAX_LENGTH - len(text) - 4]
    ids, cursor = [], ""
    for _page in newest:
        page = api.get("/images", q=text, limit=1, fields="id", cursor=cursor).json()
        ids += [image["id"] for image in page["items"]]
        cursor = page["next"]
    assert (ids, cursor) == (newest, "")


@pytest.fixture
def labels(owner) -> None:
    create_labeled_image(owner, {"Bird": 99.0, "Cat": 98.0, "Dog": 97.0, "Eel": 96.0})
    Label.objects.update(image_count=1)


@pytest.mark.parametrize("change", [{"is_hidden": True}, {"image_count": 0}])
def test_labels_continue_after_one_that_is_gone(change, labels, api):
    cursor = api.get("/labels", limit=2).json()["next"]
    Label.objects.filter(name="Cat").update(**change)
    assert [label["name"] for label in api.get("/labels", cursor=cursor).json()["items"]] == ["Dog", "Eel"]


def test_a_cursor_of_other_labels_is_refused(labels, api):
    cursor = api.get("/labels", limit=2).json()["next"]
    for other in ({"search": "e"}, {"kind": "tag"}, {"parent": 1}):
        response = api.get("/labels", cursor=cursor, **other)
        assert (response.status_code, response.json()["errors"][0]["field"]) == (422, "cursor")
