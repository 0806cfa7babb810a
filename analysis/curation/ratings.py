"""Each user's own favorites and star ratings."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, NamedTuple

from django.db import transaction
from django.utils.translation import gettext as _

from analysis import audit_log
from analysis.curation.errors import ActionRefused
from analysis.models import AuditEntry, Image, Rating

MAX_STARS = 5


class UserRating(NamedTuple):
    """The values of a Rating row; the defaults stand for a missing row."""

    is_favorite: bool = False
    stars: int | None = None


def set_favorite(image_id: int, *, person_id: int, is_favorite: bool) -> None:
    action = AuditEntry.Action.FAVORITE if is_favorite else AuditEntry.Action.UNFAVORITE
    with transaction.atomic():
        before = ratings_for([image_id], person_id=person_id).get(image_id, UserRating())
        _save(image_id, person_id=person_id, is_favorite=is_favorite)
        if before.is_favorite is not is_favorite:
            audit_log.record(action, Image.objects.get(pk=image_id), by_id=person_id)


def rate(image_id: int, *, person_id: int, stars: int) -> None:
    """Give 1 to 5 stars, or 0 for none. Raises ActionRefused for other numbers."""
    if not 0 <= stars <= MAX_STARS:
        raise ActionRefused(_("A rating is 1 to %(limit)s stars, or 0 for none.") % {"limit": MAX_STARS})
    with transaction.atomic():
        before = ratings_for([image_id], person_id=person_id).get(image_id, UserRating())
        _save(image_id, person_id=person_id, rating=stars or None)
        if (before.stars or 0) != stars:
            details = {"before": before.stars, "after": stars or None}
            image = Image.objects.get(pk=image_id)
            audit_log.record(AuditEntry.Action.RATE, image, by_id=person_id, details=details)


def set_favorites(image_ids: Collection[int], *, person_id: int, is_favorite: bool) -> list[int]:
    """Set or unset many favorites; returns the ids that changed."""
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


def set_stars(image_ids: Collection[int], *, person_id: int, stars: int) -> dict[int, dict[str, Any]]:
    """Give many pictures 1 to 5 stars, or 0 for none.

    Returns the stars before, by the ids that changed.
    """
    with transaction.atomic():
        before = ratings_for(image_ids, person_id=person_id)
        old = {pk: before.get(pk, UserRating()).stars or 0 for pk in image_ids}
        changed = {pk: {"stars": old[pk]} for pk in image_ids if old[pk] != stars}
        _save_stars(dict.fromkeys(changed, stars), person_id=person_id)
    return changed


def restore_stars(before: Mapping[int, Mapping[str, Any]], *, person_id: int, stars: int) -> list[int]:
    """Undo of `set_stars`, except for pictures that were rated again since."""
    with transaction.atomic():
        current = ratings_for(before, person_id=person_id)
        unchanged = [pk for pk in before if (current.get(pk, UserRating()).stars or 0) == stars]
        _save_stars({pk: before[pk]["stars"] for pk in unchanged}, person_id=person_id)
    return unchanged


def _save_stars(stars: Mapping[int, int], *, person_id: int) -> None:
    Rating.objects.bulk_create(
        (Rating(image_id=pk, person_id=person_id, rating=number or None) for pk, number in stars.items()),
        update_conflicts=True,
        unique_fields=["person", "image"],
        update_fields=["rating"],
    )
    Rating.objects.filter(person_id=person_id, image_id__in=stars, is_favorite=False, rating=None).delete()


def ratings_for(image_ids: Collection[int], *, person_id: int) -> dict[int, UserRating]:
    """The user's ratings by image id; pictures without one are left out."""
    own = Rating.objects.filter(person_id=person_id, image_id__in=image_ids)
    rows = own.values_list("image_id", "is_favorite", "rating")
    return {pk: UserRating(is_favorite, stars) for pk, is_favorite, stars in rows}


def save_rating(image_id: int, rating: UserRating, *, person_id: int) -> None:
    _save(image_id, person_id=person_id, is_favorite=rating.is_favorite, rating=rating.stars)


def _save(image_id: int, *, person_id: int, **columns: bool | int | None) -> None:
    with transaction.atomic():
        Rating.objects.update_or_create(image_id=image_id, person_id=person_id, defaults=columns)
        Rating.objects.filter(image_id=image_id, person_id=person_id, is_favorite=False, rating=None).delete()
