"""Favorites and stars: each person's own."""

import pytest

from analysis.curation import marks
from analysis.curation.refused import Refused
from analysis.models import Mark
from tests.factories import an_image

pytestmark = pytest.mark.django_db


def kept() -> list[tuple]:
    return list(Mark.objects.order_by("person").values_list("person__username", "is_favorite", "rating"))


def test_each_person_has_an_opinion_and_none_leaves_no_row(owner, colleague):
    image = an_image(owner)
    for _ in range(2):
        marks.set_favorite(image.pk, person_id=owner.pk, is_favorite=True)
        marks.rate(image.pk, person_id=owner.pk, stars=4)
        marks.rate(image.pk, person_id=colleague.pk, stars=1)
    assert kept() == [("owner", True, 4), ("colleague", False, 1)]
    marks.set_favorite(image.pk, person_id=owner.pk, is_favorite=False)
    marks.rate(image.pk, person_id=colleague.pk, stars=0)
    assert kept() == [("owner", False, 4)]
    marks.rate(image.pk, person_id=owner.pk, stars=0)
    assert kept() == []


@pytest.mark.parametrize("stars", [-1, 6])
def test_other_numbers_of_stars_are_refused(owner, stars):
    with pytest.raises(Refused, match=r"^A rating is 1 to 5 stars, or 0 for none\.$"):
        marks.rate(an_image(owner).pk, person_id=owner.pk, stars=stars)
    assert kept() == []
