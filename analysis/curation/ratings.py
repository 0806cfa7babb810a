"""What a person thinks of a picture, for that person alone: favorite or not, and so many stars."""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

from django.db import transaction

from analysis.curation.errors import ActionRefused
from analysis.models import Rating

MOST_STARS = 5


class UserRating(NamedTuple):
    """What a mark says; without one, this."""

    is_favorite: bool = False
    rating: int | None = None


def set_favorite(image_id: int, *, person_id: int, is_favorite: bool) -> None:
    _set(image_id, person_id=person_id, column="is_favorite", value=is_favorite)


def rate(image_id: int, *, person_id: int, stars: int) -> None:
    """Give 1 to 5 stars; 0 takes them away. Raises Refused for anything else."""
    if not 0 <= stars <= MOST_STARS:
        raise ActionRefused(f"A rating is 1 to {MOST_STARS} stars, or 0 for none.")
    _set(image_id, person_id=person_id, column="rating", value=stars or None)


def set_favorites(image_ids: Collection[int], *, person_id: int, is_favorite: bool) -> list[int]:
    """Many at once; answers those that were not so already."""
    with transaction.atomic():
        own = Rating.objects.filter(person_id=person_id, image_id__in=image_ids)
        favorites = set(own.filter(is_favorite=True).values_list("image_id", flat=True))
        changed = [pk for pk in image_ids if (pk in favorites) is not is_favorite]
        Rating.objects.bulk_create(
            (Rating(image_id=pk, person_id=person_id, is_favorite=is_favorite) for pk in changed),
            update_conflicts=True,
            unique_fields=["person", "image"],
            update_fields=["is_favorite"],
        )
        own.filter(is_favorite=False, rating=None).delete()
    return changed


def ratings_for(image_ids: Collection[int], *, person_id: int) -> dict[int, UserRating]:
    """By picture, of those that are marked."""
    own = Rating.objects.filter(person_id=person_id, image_id__in=image_ids)
    rows = own.values_list("image_id", "is_favorite", "rating")
    return {pk: UserRating(is_favorite, rating) for pk, is_favorite, rating in rows}


def save_rating(image_id: int, opinion: UserRating, *, person_id: int) -> None:
    """This and nothing else is what the person thinks of it."""
    with transaction.atomic():
        Rating.objects.update_or_create(image_id=image_id, person_id=person_id, defaults=opinion._asdict())
        _drop_empty(image_id, person_id)


def _set(image_id: int, *, person_id: int, column: str, value: bool | int | None) -> None:
    with transaction.atomic():
        Rating.objects.update_or_create(image_id=image_id, person_id=person_id, defaults={column: value})
        _drop_empty(image_id, person_id)


def _drop_empty(image_id: int, person_id: int) -> None:
    Rating.objects.filter(image_id=image_id, person_id=person_id, is_favorite=False, rating=None).delete()
