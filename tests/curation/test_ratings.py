"""Favorites and stars of each user."""

import pytest

from analysis.curation import ratings
from analysis.curation.errors import ActionRefused
from analysis.models import Rating
from tests.factories import create_image

pytestmark = pytest.mark.django_db


def stored() -> list[tuple]:
    return list(Rating.objects.order_by("person").values_list("person__username", "is_favorite", "rating"))


def test_ratings_are_per_user_and_empty_ones_are_deleted(owner, colleague):
    image = create_image(owner)
    for _ in range(2):
        ratings.set_favorite(image.pk, person_id=owner.pk, is_favorite=True)
        ratings.rate(image.pk, person_id=owner.pk, stars=4)
        ratings.rate(image.pk, person_id=colleague.pk, stars=1)
    assert stored() == [("owner", True, 4), ("colleague", False, 1)]
    ratings.set_favorite(image.pk, person_id=owner.pk, is_favorite=False)
    ratings.rate(image.pk, person_id=colleague.pk, stars=0)
    assert stored() == [("owner", False, 4)]
    ratings.rate(image.pk, person_id=owner.pk, stars=0)
    assert stored() == []


@pytest.mark.parametrize("stars", [-1, 6])
def test_invalid_number_of_stars_is_refused(owner, stars):
    with pytest.raises(ActionRefused, match=r"^A rating is 1 to 5 stars, or 0 for none\.$"):
        ratings.rate(create_image(owner).pk, person_id=owner.pk, stars=stars)
    assert stored() == []
