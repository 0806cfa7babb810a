"""Pictures by file name: rights, own ones first."""

from __future__ import annotations

import pytest

from analysis.models import Viewer
from analysis.search.filenames import image_id_of
from tests.factories import create_image

pytestmark = pytest.mark.django_db


def test_of_several_with_one_name_the_own_newest_comes_first(owner, colleague):
    first, second = (create_image(owner, filename="a.jpg") for _ in range(2))
    shared = create_image(colleague, filename="a.jpg", visibility=1)
    create_image(colleague, filename="b.jpg")
    viewer = Viewer(user_id=owner.pk)
    assert image_id_of("a.jpg", viewer=viewer) == second.pk
    assert image_id_of("a.jpg", viewer=Viewer(user_id=colleague.pk)) == shared.pk
    for missing in ("b.jpg", "A.JPG", "a.jp", "%"):
        assert image_id_of(missing, viewer=viewer) is None
    second.trashed_at = first.added_at
    second.save()
    assert image_id_of("a.jpg", viewer=viewer) == first.pk
