"""The image resource: its fields, chosen by `fields` and `expand`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.db.models import prefetch_related_objects
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _
from ninja import Schema

from analysis.api.errors import ApiError
from analysis.api.image_labels import LabelOut, labels_of
from analysis.formatting import taken_iso
from analysis.models import Image, Rating

VISIBILITIES = {"private": 0, "shared": 1, "public": 2}
VISIBILITY_NAMES = {number: name for name, number in VISIBILITIES.items()}
EXPANSIONS = ("labels", "boxes")


class Camera(Schema):
    make: str
    model: str
    lens: str
    exposure: str
    aperture: str
    iso: int | None
    focal_length: str


class Location(Schema):
    """Degrees; north and east are positive."""

    latitude: float
    longitude: float


class ImageUrls(Schema):
    """`page` is for browsers; the others return files if the token is sent."""

    page: str
    thumb: str
    preview: str
    original: str


class ImageOut(Schema):
    """A picture. Its fields depend on `fields` and `expand`; `id` is always included.

    Width, height and boxes are of the file; `thumb` and `preview` are turned clockwise by `quarter_turns`.
    """

    id: int
    filename: str | None = None
    title: str | None = None
    description: str | None = None
    owner: str | None = None
    is_own: bool | None = None
    visibility: str | None = None
    width: int | None = None
    height: int | None = None
    quarter_turns: int | None = None
    size: int | None = None
    format: str | None = None
    sha256: str | None = None
    taken_at: str | None = None
    taken_source: Literal["picture", "file", "person", ""] | None = None
    added_at: datetime | None = None
    trashed_at: datetime | None = None
    camera: Camera | None = None
    location: Location | None = None
    place: str | None = None
    creator: str | None = None
    copyright: str | None = None
    is_favorite: bool | None = None
    rating: int | None = None
    urls: ImageUrls | None = None
    labels: list[LabelOut] | None = None


FIELDS = frozenset(ImageOut.model_fields) - {"labels"}


@dataclass(frozen=True)
class Selection:
    """The fields of images that a request selects."""

    fields: frozenset[str]
    has_labels: bool
    has_boxes: bool


def selection_of(fields: str, expand: str) -> Selection:
    """Parse `fields` and `expand`, separated by commas. Raises ApiError."""
    chosen = _names(fields, "fields", FIELDS) or FIELDS
    expansions = _names(expand, "expand", frozenset(EXPANSIONS))
    return Selection(chosen | {"id"}, has_labels=bool(expansions), has_boxes="boxes" in expansions)


def resources(images: Sequence[Image], request: HttpRequest, selection: Selection) -> list[dict[str, Any]]:
    """The images as JSON values, in a constant number of queries."""
    ids = [image.pk for image in images]
    labels = labels_of(ids, with_boxes=selection.has_boxes) if selection.has_labels else {}
    ratings = _ratings(ids, request.user) if selection.fields & {"is_favorite", "rating"} else {}
    if "owner" in selection.fields:
        prefetch_related_objects(images, "owner")  # skips owners that are already loaded
    values = FieldValues(request, ratings)
    chosen = [(name, VALUES[name]) for name in VALUES if name in selection.fields]
    items = []
    for image in images:
        resource = {name: value(values, image) for name, value in chosen}
        if selection.has_labels:
            resource["labels"] = labels[image.pk]
        items.append(resource)
    return items


def resource(image: Image, request: HttpRequest, selection: Selection) -> dict[str, Any]:
    return resources([image], request, selection)[0]


class FieldValues:
    """Values of fields that depend on the request."""

    def __init__(self, request: HttpRequest, ratings: Mapping[int, Rating]) -> None:
        self.user_id, self._ratings = request.user.pk, ratings
        # Once per request, since reversing four URLs for each of 100 images takes longer than reading the images.
        self._page, self._image = (_before_id(request, name) for name in ("image", "api-v1:image"))

    def urls(self, image: Image) -> dict[str, str]:
        # Not the storage's signed URLs, which expire after some hours, since programs store URLs.
        files = {name: f"{self._image}{image.pk}/files/{name}" for name in ("thumb", "preview", "original")}
        return {"page": f"{self._page}{image.pk}/", **files}

    def is_favorite(self, image: Image) -> bool:
        rating = self._ratings.get(image.pk)
        return bool(rating and rating.is_favorite)

    def stars(self, image: Image) -> int | None:
        rating = self._ratings.get(image.pk)
        return rating.rating if rating else None


def _before_id(request: HttpRequest, view_name: str) -> str:
    """The address of an image's view up to its id."""
    return request.build_absolute_uri(reverse(view_name, args=[0])).rstrip("/").removesuffix("0")


def _camera(image: Image) -> dict[str, Any]:
    return {
        "make": image.camera_make,
        "model": image.camera_model,
        "lens": image.lens,
        "exposure": image.exposure,
        "aperture": image.aperture,
        "iso": image.iso,
        "focal_length": image.focal_length,
    }


def _location(image: Image) -> dict[str, float] | None:
    if image.latitude is None or image.longitude is None:
        return None
    return {"latitude": image.latitude, "longitude": image.longitude}


VALUES: dict[str, Callable[[FieldValues, Image], Any]] = {
    "id": lambda _values, image: image.pk,
    "filename": lambda _values, image: image.filename,
    "title": lambda _values, image: image.title,
    "description": lambda _values, image: image.description,
    "owner": lambda _values, image: image.owner.get_username(),
    "is_own": lambda values, image: image.owner_id == values.user_id,
    "visibility": lambda _values, image: VISIBILITY_NAMES[image.visibility],
    "width": lambda _values, image: image.width,
    "height": lambda _values, image: image.height,
    "quarter_turns": lambda _values, image: image.quarter_turns,
    "size": lambda _values, image: image.size,
    "format": lambda _values, image: image.format,
    "sha256": lambda _values, image: image.sha256,
    "taken_at": lambda _values, image: taken_iso(image.taken_at, image.taken_offset),
    "taken_source": lambda _values, image: image.taken_source,
    "added_at": lambda _values, image: image.added_at,
    "trashed_at": lambda _values, image: image.trashed_at,
    "camera": lambda _values, image: _camera(image),
    "location": lambda _values, image: _location(image),
    "place": lambda _values, image: image.place,
    "creator": lambda _values, image: image.creator,
    "copyright": lambda _values, image: image.copyright,
    "is_favorite": FieldValues.is_favorite,
    "rating": FieldValues.stars,
    "urls": FieldValues.urls,
}
"""The value of each field; only the chosen ones are computed."""


def _ratings(image_ids: Sequence[int], user: AbstractBaseUser | AnonymousUser) -> dict[int, Rating]:
    return {rating.image_id: rating for rating in Rating.objects.filter(image_id__in=image_ids, person_id=user.pk)}


def _names(text: str, parameter: str, known: frozenset[str]) -> frozenset[str]:
    names = frozenset(name.strip() for name in text.split(",") if name.strip())
    if unknown := sorted(names - known):
        message = _("Unknown: %(names)s. Choose from: %(known)s.")
        values = {"names": ", ".join(unknown)[:200], "known": ", ".join(sorted(known))}
        raise ApiError(422, message % values, field=parameter)
    return names
