"""`id:`: pictures by their numbers."""

from __future__ import annotations

import pytest

from analysis.models import Image, Viewer
from analysis.search import results
from analysis.search.syntax.parser import InvalidQuery, parse
from analysis.search.terms import ids
from tests.factories import create_image


@pytest.mark.parametrize(
    ("typed", "canonical"),
    [
        ("id:7", "id:7"),
        ("id:7,3,007", "id:3,7"),
        ("id:20..25,26,22..23", "id:20..26"),
        ("id:1..2,4..9", "id:1..2,4..9"),
        ("-id:5", "-id:5"),
    ],
)
def test_equal_numbers_have_one_text(typed, canonical):
    assert parse(typed).text == canonical


@pytest.mark.parametrize("text", ["id:x", "id:9..3", "id:1,", "id:1...3", "id:-4", "id:1234567890123456789"])
def test_other_values_are_refused(text):
    with pytest.raises(InvalidQuery):
        parse(text)


@pytest.mark.parametrize(
    ("text", "description"),
    [("id:7", "picture 7"), ("id:7,9..10", "3 pictures by ID"), ("id:1..2000", "2,000 pictures by ID")],
)
def test_description(text, description):
    assert parse(text).parts[0].describe() == description


@pytest.mark.django_db
@pytest.mark.parametrize("others", ["", f",{10**9}..{10**9 + ids.FEW_IMAGES}"])
def test_exactly_these_pictures_that_one_may_see(others, owner, colleague):
    own = [create_image(owner).pk for _ in range(4)]
    foreign = create_image(colleague).pk
    shared = create_image(colleague, visibility=Image.Visibility.SHARED).pk
    text = f"id:{own[0]},{own[2]}..{own[3]},{foreign},{shared}{others} sort:oldest"
    page = results.Search(parse(text), Viewer(user_id=owner.pk)).page(after=None, size=10)
    assert [image.pk for image in page.images] == [own[0], own[2], own[3], shared]
    rest = results.Search(parse(f"-id:{own[0]}..{own[2]} owner:me"), Viewer(user_id=owner.pk))
    assert [image.pk for image in rest.page(after=None, size=10).images] == [own[3]]
