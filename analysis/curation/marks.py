"""What a person thinks of a picture, for that person alone: favorite or not, and so many stars."""

from __future__ import annotations

from django.db import transaction

from analysis.curation.refused import Refused
from analysis.models import Mark

MOST_STARS = 5


def set_favorite(image_id: int, *, person_id: int, is_favorite: bool) -> None:
    _set(image_id, person_id=person_id, column="is_favorite", value=is_favorite)


def rate(image_id: int, *, person_id: int, stars: int) -> None:
    """Give 1 to 5 stars; 0 takes them away. Raises Refused for anything else."""
    if not 0 <= stars <= MOST_STARS:
        raise Refused(f"A rating is 1 to {MOST_STARS} stars, or 0 for none.")
    _set(image_id, person_id=person_id, column="rating", value=stars or None)


def _set(image_id: int, *, person_id: int, column: str, value: bool | int | None) -> None:
    with transaction.atomic():
        Mark.objects.update_or_create(image_id=image_id, person_id=person_id, defaults={column: value})
        Mark.objects.filter(image_id=image_id, person_id=person_id, is_favorite=False, rating=None).delete()
