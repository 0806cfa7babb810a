"""The search for duplicates."""

from __future__ import annotations

import pytest

from analysis.library.duplicate_flags import mark_all_duplicates
from analysis.permissions import viewer_of
from analysis.search.results import count, page
from analysis.search.syntax.parser import parse
from tests.factories import START, create_image

pytestmark = pytest.mark.django_db


def test_duplicates_share_hash_or_bytes_and_are_both_visible(owner, colleague):
    same = [create_image(owner, phash=7), create_image(owner, phash=7)]
    create_image(owner, phash=8)
    create_image(colleague, phash=8)
    twin = create_image(owner, phash=9)
    create_image(colleague, phash=10, sha256=twin.sha256, visibility=1)
    create_image(owner, phash=11)
    create_image(owner, phash=11, trashed_at=START)
    mark_all_duplicates()
    query, viewer = parse("is:duplicate sort:oldest"), viewer_of(owner)
    images = page(query, viewer=viewer).images
    assert [image.pk for image in images] == [*(image.pk for image in same), twin.pk, twin.pk + 1]
    assert count(query, viewer=viewer) == 4
