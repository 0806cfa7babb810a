"""Constraints of buckets and their pictures."""

import pytest
from django.db import IntegrityError, transaction

from analysis.models import Image
from tests.factories import create_bucket, create_bucket_image, create_image

pytestmark = pytest.mark.django_db
LONGEST = "ä" * 512  # 1,024 bytes


def test_the_same_bytes_may_lie_in_a_bucket_twice_and_be_uploaded_once(owner):
    bucket, same = create_bucket(owner), {"sha256": "a" * 64}
    create_image(owner, **same)
    create_bucket_image(bucket, "one.jpg", **same)
    create_bucket_image(bucket, "two.jpg", **same)
    with pytest.raises(IntegrityError, match="image_bytes_once_per_owner"), transaction.atomic():
        create_image(owner, **same)


def test_an_object_is_one_picture_by_version(owner):
    bucket, other = create_bucket(owner), create_bucket(owner, name="holidays")
    for location in (
        {"bucket": bucket},
        {"bucket": bucket, "version_id": "v2"},
        {"bucket": other},
        {"bucket": None},
    ):
        create_image(owner, key=LONGEST, **location)
        with pytest.raises(IntegrityError, match=r"image_in_bucket_once|image_key_of_upload"), transaction.atomic():
            create_image(owner, key=LONGEST, **location)
    assert Image.objects.count() == 4
