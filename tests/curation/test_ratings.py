"""Favorites and stars: each person's own."""

import pytest

from analysis.curation import ratings
from analysis.curation.errors import ActionRefused
from analysis.models import Rating
from tests.factories import create_image

pytestmark = pytest.mark.django_db


def kept() -> list[tuple]:
    return list(Rating.objects.order_by("person").values_list("person__username", "is_favorite", "rating"))


def test_each_person_has_an_opinion_and_none_leaves_no_row(owner, colleague):
    image = create_image(owner)
    for _ in range(2):
        ratings.set_favorite(image.pk, person_id=owner.pk, is_favorite=True)
        ratings.rate(image.pk, person_id=owner.pk, stars=4)
        ratings.rate(image.pk, person_id=colleague.pk, stars=1)
    assert kept() == [("owner", True, 4), ("colleague", False, 1)]
    ratings.set_favorite(image.pk, person_id=owner.pk, is_favorite=False)
    ratings.rate(image.pk, person_id=colleague.pk, stars=0)
    assert kept() == [("owner", False, 4)]
    ratings.rate(image.pk, person_id=owner.pk, stars=0)
    assert kept() == []


@pytest.mark.parametrize("stars", [-1, 6])
def test_other_numbers_of_stars_are_refused(owner, stars):
    with pytest.raises(ActionRefused, match=r"^A rating is 1 to 5 stars, or 0 for none\.$"):
        ratings.rate(create_image(owner).pk, person_id=owner.pk, stars=stars)
    assert kept() == []
