"""Facts for comparing duplicates: about the file, and values set by people."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from django.contrib.auth.models import AbstractBaseUser
from django.http import Http404

from analysis import permissions
from analysis.curation import ratings
from analysis.curation.ratings import UserRating
from analysis.models import CollectionImage, Image, ImageLabel, Label
from analysis.permissions import collections as rights

KINDS = (Label.Kind.LABEL, Label.Kind.CELEBRITY, Label.Kind.MODERATION, Label.Kind.TAG)
MAX_COLLECTIONS = 50


@dataclass(frozen=True)
class Facts:
    """One picture as the person sees it."""

    image: Image
    labels: frozenset[str]
    rating: UserRating
    collections: tuple[str, ...]

    @property
    def camera(self) -> str:
        return " ".join(filter(None, [self.image.camera_make, self.image.camera_model]))

    @property
    def folder(self) -> str:
        """The folder with its bucket, such as `photos: 2024/05`."""
        image = self.image
        path = image.folder.path if image.folder else ""
        return f"{image.bucket.name}: {path}" if image.bucket else path


def facts_of(image_ids: Sequence[int], user: AbstractBaseUser) -> list[Facts]:
    """The pictures in this order. Raises Http404 for one that the person can't edit."""
    own = permissions.editable_images(user).filter(trashed_at=None)
    images = own.select_related("folder", "bucket", "owner").in_bulk(image_ids)
    if len(images) < len(set(image_ids)):
        raise Http404
    labels = _labels(image_ids)
    own_ratings = ratings.ratings_for(image_ids, person_id=user.pk)
    collections = _collections(image_ids, user)
    return [
        Facts(images[pk], frozenset(labels[pk]), own_ratings.get(pk, UserRating()), tuple(collections[pk]))
        for pk in image_ids
    ]


def _labels(image_ids: Collection[int]) -> dict[int, list[str]]:
    rows = ImageLabel.objects.filter(image_id__in=image_ids, label__kind__in=KINDS, label__is_hidden=False)
    names: dict[int, list[str]] = defaultdict(list)
    for image_id, name in rows.values_list("image_id", "label__name"):
        names[image_id].append(name)
    return names


def _collections(image_ids: Collection[int], user: AbstractBaseUser) -> dict[int, list[str]]:
    viewable = rights.viewable_collections(user)
    entries = CollectionImage.objects.filter(image_id__in=image_ids, collection__in=viewable.values("pk"))
    names: dict[int, list[str]] = defaultdict(list)
    for image_id, name in entries.order_by("collection__name").values_list("image_id", "collection__name"):
        if len(names[image_id]) < MAX_COLLECTIONS:
            names[image_id].append(name)
    return names
