"""Images are flagged as duplicates when they are added."""

import io

import pytest
from django.utils import timezone

from analysis.ingest.examine import examine
from analysis.library import images
from analysis.library.duplicate_flags import mark_all_duplicates, mark_recent
from analysis.models import Image
from tests import pictures
from tests.factories import create_image

pytestmark = pytest.mark.django_db


def added(owner, content: bytes) -> Image:
    examined = examine(io.BytesIO(content), name="picture.jpg")
    return images.add(images.store_files(examined, io.BytesIO(content), owner_id=owner.pk)).image


def repeated() -> set[int]:
    return set(Image.objects.filter(has_duplicate=True).values_list("pk", flat=True))


def test_both_images_of_a_pair_are_flagged(owner, colleague):
    content = pictures.jpeg()
    first = added(owner, content)
    assert repeated() == set()
    second = added(colleague, content)
    assert repeated() == {first.pk, second.pk}


def test_same_perceptual_hash_is_enough(owner):
    content = pictures.jpeg()
    first = added(owner, content)
    Image.objects.filter(pk=first.pk).update(sha256="0" * 64)
    second = added(owner, content)
    assert second.phash == first.phash
    assert repeated() == {first.pk, second.pk}


def test_images_without_hash_are_not_duplicates(owner):
    create_image(owner, phash=None)
    create_image(owner, phash=None)
    assert (mark_all_duplicates(), repeated()) == (0, set())


def test_images_added_concurrently_are_marked_by_the_task(owner):
    now = timezone.now()
    before = [create_image(owner, phash=3, has_duplicate=True), create_image(owner, phash=4)]
    late = [create_image(owner, phash=phash, added_at=now) for phash in (3, 4, 5)]
    same = [create_image(owner, sha256="0" * 64, added_at=now) for _ in range(1)]
    same.append(create_image(owner, sha256="0" * 64, phash=9, trashed_at=now, added_at=now))
    assert (mark_recent(), mark_recent()) == (5, 0)
    assert repeated() == {image.pk for image in (*before, *late[:2], *same)}


def test_images_added_concurrently_are_marked_by_mark_all(owner):
    like = [create_image(owner, phash=3), create_image(owner, phash=3)]
    same = [
        create_image(owner, phash=4, sha256="0" * 64),
        create_image(owner, phash=5, sha256="0" * 64, trashed_at="2026-01-01T00:00Z"),
    ]
    create_image(owner, phash=6)
    assert (mark_all_duplicates(), mark_all_duplicates()) == (4, 0)
    assert repeated() == {image.pk for image in (*like, *same)}
